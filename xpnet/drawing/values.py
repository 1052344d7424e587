"""The words on an arrow: small values as numbers, large ones as shape and dtype."""

from __future__ import annotations

from math import prod
from typing import Any

from xpnet.autodiff.record import base
from xpnet.backend import dtype_name, is_array, to_numpy
from xpnet.drawing.text import number

FEW = 4  # elements that are printed one by one
LONGEST = 30  # characters


def describe(value: Any) -> str:
    """Return the value as the book prints it, ``220`` or ``(0.3, 0.2, 0.5)``; else ``(100, 50) float32``."""
    value = base(value)
    if isinstance(value, bool | int | float | complex):
        return number(value)
    if value is None or not is_array(value):
        return ""
    shape = tuple(value.shape)
    if prod(shape) <= FEW:
        text = _nested(to_numpy(value).tolist())
        if len(text) <= LONGEST:
            return text
    return f"{shape} {dtype_name(value.dtype)}"


def _nested(values: Any) -> str:
    return f"({', '.join(map(_nested, values))})" if isinstance(values, list) else number(values)
