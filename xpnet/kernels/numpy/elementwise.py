from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import blocks
from xpnet.kernels.dispatch import Body, Kernel


def elementwise(kernel: Kernel[..., Any], arrays: int, results: int = 1) -> Callable[[Body], Body]:
    """Make a function that fills blocks of the results the NumPy body of a kernel.

    ``fill(*arrays, *results, *options)`` sees a block of each. Arrays other than float32 and float64, those without an
    axis, and those that differ in dtype or shape get the reference.
    """

    def register(fill: Body) -> Body:
        def body(*arguments: Any) -> Any:
            x, *others = arguments[:arrays]
            if x.dtype.char not in "fd" or not x.ndim:
                return kernel.reference(*arguments)
            for other in others:
                if other.dtype != x.dtype or other.shape != x.shape:
                    return kernel.reference(*arguments)
            made = [np.empty_like(x) for _ in range(results)]
            for block in blocks(x, *others, *made):
                fill(*block, *arguments[arrays:])
            return made[0] if results == 1 else tuple(made)

        kernel.on("numpy")(body)
        return fill

    return register
