"""The element-wise functions that compare, round, choose and work on bits."""

from __future__ import annotations

from typing import Protocol

from xpnet.typing import Array, Operand


class Comparison(Protocol):
    """Truth values, steps and bits, which are constants; and ``clip`` and ``where``."""

    @staticmethod
    def bitwise_and(x1: Operand, x2: Operand, /) -> Array:
        """``y``, the bits set in both x1 and x2; a constant."""

    @staticmethod
    def bitwise_invert(x: Array, /) -> Array:
        """``y``, every bit of x turned over; a constant."""

    @staticmethod
    def bitwise_left_shift(x1: Operand, x2: Operand, /) -> Array:
        """``y``, the bits of x1 moved up by x2; a constant."""

    @staticmethod
    def bitwise_or(x1: Operand, x2: Operand, /) -> Array:
        """``y``, the bits set in x1 or x2; a constant."""

    @staticmethod
    def bitwise_right_shift(x1: Operand, x2: Operand, /) -> Array:
        """``y``, the bits of x1 moved down by x2; a constant."""

    @staticmethod
    def bitwise_xor(x1: Operand, x2: Operand, /) -> Array:
        """``y``, the bits set in one of x1 and x2; a constant."""

    @staticmethod
    def ceil(x: Array, /) -> Array:
        """``y = ⌈x⌉``; a constant, the derivative is 0 between the jumps."""

    @staticmethod
    def clip(x: Array, /, min: Operand | None = None, max: Operand | None = None) -> Array:  # noqa: A002
        """``y``, x limited to min and max; ``dout`` goes to x within them, else to the bound."""

    @staticmethod
    def equal(x1: Operand, x2: Operand, /) -> Array:
        """Whether ``x1 = x2``; a constant."""

    @staticmethod
    def floor(x: Array, /) -> Array:
        """``y = ⌊x⌋``; a constant, the derivative is 0 between the jumps."""

    @staticmethod
    def floor_divide(x1: Operand, x2: Operand, /) -> Array:
        """``y = ⌊x1 / x2⌋``; a constant, the derivative is 0 between the jumps."""

    @staticmethod
    def greater(x1: Operand, x2: Operand, /) -> Array:
        """Whether ``x1 > x2``; a constant."""

    @staticmethod
    def greater_equal(x1: Operand, x2: Operand, /) -> Array:
        """Whether ``x1 ≥ x2``; a constant."""

    @staticmethod
    def isfinite(x: Array, /) -> Array:
        """Whether x is neither infinite nor NaN; a constant."""

    @staticmethod
    def isinf(x: Array, /) -> Array:
        """Whether x is infinite; a constant."""

    @staticmethod
    def isnan(x: Array, /) -> Array:
        """Whether x is NaN; a constant."""

    @staticmethod
    def less(x1: Operand, x2: Operand, /) -> Array:
        """Whether ``x1 < x2``; a constant."""

    @staticmethod
    def less_equal(x1: Operand, x2: Operand, /) -> Array:
        """Whether ``x1 ≤ x2``; a constant."""

    @staticmethod
    def logical_and(x1: Operand, x2: Operand, /) -> Array:
        """Whether x1 and x2 are both true; a constant."""

    @staticmethod
    def logical_not(x: Array, /) -> Array:
        """Whether x is false; a constant."""

    @staticmethod
    def logical_or(x1: Operand, x2: Operand, /) -> Array:
        """Whether x1 or x2 is true; a constant."""

    @staticmethod
    def logical_xor(x1: Operand, x2: Operand, /) -> Array:
        """Whether one of x1 and x2 is true; a constant."""

    @staticmethod
    def nextafter(x1: Operand, x2: Operand, /) -> Array:
        """``y``, the number beside x1 on the way to x2; a constant."""

    @staticmethod
    def not_equal(x1: Operand, x2: Operand, /) -> Array:
        """Whether ``x1 ≠ x2``; a constant."""

    @staticmethod
    def round(x: Array, /) -> Array:
        """``y``, the whole number nearest to x; a constant, the derivative is 0 between the jumps."""

    @staticmethod
    def signbit(x: Array, /) -> Array:
        """Whether x carries a minus sign; a constant."""

    @staticmethod
    def trunc(x: Array, /) -> Array:
        """``y``, x without its fraction; a constant, the derivative is 0 between the jumps."""

    @staticmethod
    def where(condition: Array, x1: Operand, x2: Operand, /) -> Array:
        """``y``, x1 where the condition holds, else x2; ``dout`` goes to the one that was taken."""
