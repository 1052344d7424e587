"""Element-wise bodies: in place, in blocks that stay in the cache from the first pass over them to the last."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from threading import local
from typing import Any

import numpy as np

Host = np.ndarray[Any, Any]

SIZE = 65536  # values; smaller blocks would pay more for calls than they gain
PART = 4096  # values that are summed in their dtype, where the sums of these are added in float64


def of_one(x: Host, *others: Host) -> bool:
    """Return whether x is float32 or float64 and all others have its dtype."""
    dtype = x.dtype
    if dtype.char not in "fd":
        return False
    for other in others:  # noqa: SIM110 (a generator takes twice as long)
        if other.dtype is not dtype and other.dtype != dtype:
            return False
    return True


def blocks(*arrays: Host) -> list[tuple[Host, ...]]:
    """Yield views of at most ``SIZE`` values of arrays of one shape, or the whole if their memory is not in one order.

    That may be C order, or the one with the first axis last, in which convolutions leave images.
    """
    size = arrays[0].size
    if size <= SIZE:
        return [arrays]
    if not all(array.flags.c_contiguous for array in arrays):
        last = tuple([array.transpose(*range(1, array.ndim), 0) for array in arrays])
        if not all(array.flags.c_contiguous for array in last):
            return [arrays]
        arrays = last
    flat = [array.reshape(-1) for array in arrays]
    return [tuple([array[start : start + SIZE] for array in flat]) for start in range(0, size, SIZE)]


@lru_cache(maxsize=16)
def block_of(value: float, dtype: Any) -> Host:
    """Return a read-only block of one number: NumPy's ``maximum`` with an array takes half as long as with a number."""
    block = np.full(SIZE, value, dtype)
    block.flags.writeable = False
    return block


def ones(length: int, dtype: Any) -> Host:
    return block_of(1.0, dtype)[:length] if length <= SIZE else np.ones(length, dtype)


def zeros(length: int, dtype: Any) -> Host:
    return block_of(0.0, dtype)[:length] if length <= SIZE else np.zeros(length, dtype)


class _Kept(local):
    def __init__(self) -> None:
        self.memory: dict[tuple[str, Any], Host] = {}


_kept = _Kept()


def workspace(name: str, shape: tuple[int, ...], dtype: Any) -> Host:
    """Return uninitialized memory that the next caller of that name in this thread gets again; no result may hold it.

    The system hands out fresh memory of megabytes page by page, at a higher cost than that of filling it.
    """
    key, size = (name, dtype), prod(shape)
    memory = _kept.memory.get(key)
    if memory is None or memory.size < size:
        memory = _kept.memory[key] = np.empty(size, dtype)
    return memory[:size].reshape(shape)
