"""Float16 and bfloat16: a kernel computes in float32 wherever they would overflow or lose digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from xpnet.backend.namespace import array_namespace, dtype_name
from xpnet.typing import Array

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

HALVES = ("float16", "bfloat16")


@cache  # a name costs NumPy some microseconds; libraries warn where their dtypes are compared with those of others
def _is_half(_: type, dtype: Any) -> bool:
    return dtype_name(dtype) in HALVES


def is_half(dtype: Any) -> bool:
    kind: Any = type(dtype)
    return _is_half(kind, dtype)


def widened(x: Array) -> Array:
    """Return an array of 16 bits in float32, and any other unchanged."""
    if not is_half(x.dtype):
        return x
    xp = array_namespace(x)
    in_float32: Array = xp.astype(x, xp.float32)
    return in_float32


def narrowed(y: Array, like: Array) -> Array:
    """Return a result in the dtype of the 16-bit array ``like`` that ``widened`` converted; else unchanged."""
    if not is_half(like.dtype):
        return y
    rounded: Array = array_namespace(y).astype(y, like.dtype)
    return rounded


def in_float32(reference: Callable[P, R_co]) -> Callable[P, R_co]:
    """Return the reference so that it computes with 16-bit arrays in float32 and returns results in their dtype."""
    given: Callable[..., Any] = reference

    @wraps(reference)
    def computed(*arguments: Any) -> Any:
        like = arguments[0]
        if not is_half(like.dtype):
            return given(*arguments)
        found = given(*[widened(value) if hasattr(value, "dtype") else value for value in arguments])
        rounded = [y if y is None or dtype_name(y.dtype) != "float32" else narrowed(y, like) for y in as_tuple(found)]
        return tuple(rounded) if type(found) is tuple else rounded[0]

    return computed  # type: ignore[return-value]


def as_tuple(found: Any) -> tuple[Any, ...]:
    return found if type(found) is tuple else (found,)


def total(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return a sum over axes, of 16 bits in float32: otherwise many small values would be lost in rounding."""
    wide = widened(x)
    return narrowed(array_namespace(wide).sum(wide, axis=axis), x)
