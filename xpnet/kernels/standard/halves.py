"""Float16 and bfloat16: what would overflow or lose its digits in them is computed in float32 inside a kernel."""

from __future__ import annotations

from xpnet.backend import array_namespace, dtype_name
from xpnet.typing import Array

HALVES = ("float16", "bfloat16")


def widened(x: Array) -> Array:
    """An array of 16 bits in float32, any other as it is."""
    if dtype_name(x.dtype) not in HALVES:
        return x
    xp = array_namespace(x)
    in_float32: Array = xp.astype(x, xp.float32)
    return in_float32


def narrowed(y: Array, like: Array) -> Array:
    """A result in the dtype of an array that ``widened`` may have widened; beside any other as it is."""
    if dtype_name(like.dtype) not in HALVES:
        return y
    rounded: Array = array_namespace(y).astype(y, like.dtype)
    return rounded
