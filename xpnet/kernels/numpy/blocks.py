"""Element-wise bodies: in place, in blocks that stay in the cache from the first pass over them to the last."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from threading import local
from typing import Any

import numpy as np

from xpnet.kernels.dispatch import Body, Kernel

Host = np.ndarray[Any, Any]

SIZE = 65536  # values; smaller blocks would pay more for calls than they gain


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


def blocks(*arrays: Host) -> list[tuple[Host, ...]]:
    """Views of at most ``SIZE`` values of arrays of one shape; the whole where their memory is not in order."""
    size = arrays[0].size
    if size <= SIZE or not all(array.flags.c_contiguous for array in arrays):
        return [arrays]
    flat = [array.reshape(-1) for array in arrays]
    return [tuple([array[start : start + SIZE] for array in flat]) for start in range(0, size, SIZE)]


@lru_cache(maxsize=16)
def block_of(value: float, dtype: Any) -> Host:
    """A block of a number, read-only: NumPy's ``maximum`` of two arrays takes half as long as that with a number."""
    block = np.full(SIZE, value, dtype)
    block.flags.writeable = False
    return block


def ones(length: int, dtype: Any) -> Host:
    return block_of(1.0, dtype)[:length] if length <= SIZE else np.ones(length, dtype)


class _Kept(local):
    def __init__(self) -> None:
        self.memory: dict[tuple[str, Any], Host] = {}


_kept = _Kept()


def workspace(name: str, shape: tuple[int, ...], dtype: Any) -> Host:
    """Uninitialized memory that the next caller in this thread with that name gets again: for what no result holds.

    Fresh memory of megabytes comes in pages that the system hands out one by one, at a cost above that of filling them.
    """
    key, size = (name, dtype), prod(shape)
    memory = _kept.memory.get(key)
    if memory is None or memory.size < size:
        memory = _kept.memory[key] = np.empty(size, dtype)
    return memory[:size].reshape(shape)
