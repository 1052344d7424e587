"""The element-wise functions that compare, round, choose and work on bits."""

from __future__ import annotations

from typing import Protocol

from xpnet.typing import Array, Operand


class Comparison(Protocol):
    """Comparisons, steps and bits, which are constants; and ``clip`` and ``where``."""

    @staticmethod
    def bitwise_and(x1: Operand, x2: Operand, /) -> Array:
        """Return the bits set in both x1 and x2; a constant."""

    @staticmethod
    def bitwise_invert(x: Array, /) -> Array:
        """Return x with every bit inverted; a constant."""

    @staticmethod
    def bitwise_left_shift(x1: Operand, x2: Operand, /) -> Array:
        """Return the bits of x1 shifted left by x2; a constant."""

    @staticmethod
    def bitwise_or(x1: Operand, x2: Operand, /) -> Array:
        """Return the bits set in x1 or x2; a constant."""

    @staticmethod
    def bitwise_right_shift(x1: Operand, x2: Operand, /) -> Array:
        """Return the bits of x1 shifted right by x2; a constant."""

    @staticmethod
    def bitwise_xor(x1: Operand, x2: Operand, /) -> Array:
        """Return the bits set in exactly one of x1 and x2; a constant."""

    @staticmethod
    def ceil(x: Array, /) -> Array:
        """``y = ⌈x⌉``; a constant, the derivative is 0 between the jumps."""

    @staticmethod
    def clip(x: Array, /, min: Operand | None = None, max: Operand | None = None) -> Array:  # noqa: A002
        """Return x limited to min and max; ``dout`` goes to x between them, else to the bound."""

    @staticmethod
    def equal(x1: Operand, x2: Operand, /) -> Array:
        """Return whether ``x1 = x2``; a constant."""

    @staticmethod
    def floor(x: Array, /) -> Array:
        """``y = ⌊x⌋``; a constant, the derivative is 0 between the jumps."""

    @staticmethod
    def floor_divide(x1: Operand, x2: Operand, /) -> Array:
        """``y = ⌊x1 / x2⌋``; a constant, the derivative is 0 between the jumps."""

    @staticmethod
    def greater(x1: Operand, x2: Operand, /) -> Array:
        """Return whether ``x1 > x2``; a constant."""

    @staticmethod
    def greater_equal(x1: Operand, x2: Operand, /) -> Array:
        """Return whether ``x1 ≥ x2``; a constant."""

    @staticmethod
    def isfinite(x: Array, /) -> Array:
        """Return whether x is neither infinite nor NaN; a constant."""

    @staticmethod
    def isinf(x: Array, /) -> Array:
        """Return whether x is infinite; a constant."""

    @staticmethod
    def isnan(x: Array, /) -> Array:
        """Return whether x is NaN; a constant."""

    @staticmethod
    def less(x1: Operand, x2: Operand, /) -> Array:
        """Return whether ``x1 < x2``; a constant."""

    @staticmethod
    def less_equal(x1: Operand, x2: Operand, /) -> Array:
        """Return whether ``x1 ≤ x2``; a constant."""

    @staticmethod
    def logical_and(x1: Operand, x2: Operand, /) -> Array:
        """Return whether x1 and x2 are both true; a constant."""

    @staticmethod
    def logical_not(x: Array, /) -> Array:
        """Return whether x is false; a constant."""

    @staticmethod
    def logical_or(x1: Operand, x2: Operand, /) -> Array:
        """Return whether x1 or x2 is true; a constant."""

    @staticmethod
    def logical_xor(x1: Operand, x2: Operand, /) -> Array:
        """Return whether exactly one of x1 and x2 is true; a constant."""

    @staticmethod
    def nextafter(x1: Operand, x2: Operand, /) -> Array:
        """Return the next number after x1 towards x2; a constant."""

    @staticmethod
    def not_equal(x1: Operand, x2: Operand, /) -> Array:
        """Return whether ``x1 ≠ x2``; a constant."""

    @staticmethod
    def round(x: Array, /) -> Array:
        """Return the integer nearest to x; a constant, the derivative is 0 between the jumps."""

    @staticmethod
    def signbit(x: Array, /) -> Array:
        """Return whether the sign bit of x is set; a constant."""

    @staticmethod
    def trunc(x: Array, /) -> Array:
        """Return x without its fraction; a constant, the derivative is 0 between the jumps."""

    @staticmethod
    def where(condition: Array, x1: Operand, x2: Operand, /) -> Array:
        """Return x1 where the condition holds, else x2; ``dout`` goes to the one that was chosen."""
