"""CUDA body of the error function: CUDA's own erf, in one launch."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet import kernels
from xpnet.fast.cupy.launch import body, launch_each


@body(kernels.erf)
def erf(x: Any) -> Any:
    y = cupy.empty_like(x)
    launch_each("activation", "error_function", x.dtype, x.size, x, y, x.size)
    return y
