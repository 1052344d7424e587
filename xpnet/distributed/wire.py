"""Sixteen bits on the wire: numbers are rounded to half their size for sending, and added in float32."""

from __future__ import annotations

from typing import Any

from xpnet.errors import ArgumentError
from xpnet.typing import Namespace

WIRES = ("float16", "bfloat16")


def check_wire(wire: str | None) -> None:
    """Raise ArgumentError unless the wire is None or one of the known dtypes."""
    if wire is not None and wire not in WIRES:
        raise ArgumentError("distributed", f"wire must be None, {' or '.join(WIRES)}", repr(wire), "choose one of them")


def packed(xp: Namespace, x: Any, wire: str) -> Any:
    """Return real numbers as the 16 bits, in integers, that are sent; ties are rounded to even."""
    if wire == "float16":
        return x.astype(xp.float16).view(xp.uint16)
    bits = x.astype(xp.float32).view(xp.uint32)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(xp.uint16)
    return xp.where(x == x, rounded, 0x7FC0).astype(xp.uint16)  # rounding would carry a NaN into the sign


def unpacked(xp: Namespace, bits: Any, wire: str) -> Any:
    """Return the numbers, in float32, that the 16 bits on the wire stand for."""
    if wire == "float16":
        return bits.view(xp.float16).astype(xp.float32)
    return (bits.astype(xp.uint32) << 16).view(xp.float32)
