"""The functions that reduce, accumulate, search, sort and find sets."""

from __future__ import annotations

from typing import Literal, Protocol

from xpnet.typing import Array, Axis, Dtype, Operand


class Reduction(Protocol):
    """Sums and other reductions."""

    @staticmethod
    def all(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
        """Return whether every x is true; a constant."""

    @staticmethod
    def any(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
        """Return whether any x is true; a constant."""

    @staticmethod
    def count_nonzero(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
        """Return the number of x that are not 0; a constant."""

    @staticmethod
    def cumulative_prod(
        x: Array, /, *, axis: int | None = None, dtype: Dtype = None, include_initial: bool = False
    ) -> Array:
        """``yᵢ = Π xⱼ`` over ``j ≤ i``; ``dxⱼ = Σ doutᵢ ∂yᵢ/∂xⱼ`` over ``i ≥ j``."""

    @staticmethod
    def cumulative_sum(
        x: Array, /, *, axis: int | None = None, dtype: Dtype = None, include_initial: bool = False
    ) -> Array:
        """``yᵢ = Σ xⱼ`` over ``j ≤ i``; ``dxⱼ = Σ doutᵢ`` over ``i ≥ j``."""

    @staticmethod
    def diff(
        x: Array, /, *, axis: int = -1, n: int = 1, prepend: Array | None = None, append: Array | None = None
    ) -> Array:
        """``yᵢ = xᵢ₊₁ - xᵢ``, n times; ``dxᵢ = doutᵢ₋₁ - doutᵢ``, n times."""

    @staticmethod
    def max(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
        """Return the largest x; ``dout`` goes to it, in equal shares if there are several."""

    @staticmethod
    def mean(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
        """``y = Σ x / n``; ``dx = dout / n``."""

    @staticmethod
    def min(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
        """Return the smallest x; ``dout`` goes to it, in equal shares if there are several."""

    @staticmethod
    def prod(x: Array, /, *, axis: Axis = None, dtype: Dtype = None, keepdims: bool = False) -> Array:
        """``y = Π x``; ``dxᵢ = dout Π xⱼ`` over ``j ≠ i``."""

    @staticmethod
    def std(x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Array:
        """``y = √var(x)``; ``dx = dout (x - mean) / (n - correction) y``."""

    @staticmethod
    def sum(x: Array, /, *, axis: Axis = None, dtype: Dtype = None, keepdims: bool = False) -> Array:
        """``y = Σ x``; ``dx = dout``, repeated."""

    @staticmethod
    def var(x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Array:
        """``y = Σ |x - mean|² / (n - correction)``; ``dx = 2 dout (x - mean) / (n - correction)``."""


class Search(Protocol):
    """Positions, orders and sets."""

    @staticmethod
    def argmax(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
        """Return the position of the largest x; a constant."""

    @staticmethod
    def argmin(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
        """Return the position of the smallest x; a constant."""

    @staticmethod
    def argsort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
        """Return the positions that sort x; a constant."""

    @staticmethod
    def isin(x1: Array | int, x2: Array | int, /, *, invert: bool = False) -> Array:
        """Return whether each x1 is among the x2; a constant."""

    @staticmethod
    def nonzero(x: Array, /) -> tuple[Array, ...]:
        """Return the positions of the x that are not 0; constants."""

    @staticmethod
    def searchsorted(
        x1: Array, x2: Operand, /, *, side: Literal["left", "right"] = "left", sorter: Array | None = None
    ) -> Array:
        """Return the positions at which x2 would be inserted into the sorted x1; a constant."""

    @staticmethod
    def sort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
        """Return x sorted along the axis; ``dout`` goes to the elements that were sorted."""

    @staticmethod
    def unique_all(x: Array, /) -> tuple[Array, Array, Array, Array]:
        """Return the distinct x, their first positions, the index of each x, and counts; ``dout`` goes to x, shared."""

    @staticmethod
    def unique_counts(x: Array, /) -> tuple[Array, Array]:
        """Return the distinct x and their counts; ``dout`` goes in equal shares to the x that have the value."""

    @staticmethod
    def unique_inverse(x: Array, /) -> tuple[Array, Array]:
        """Return the distinct x and the index of each x; ``dout`` goes in equal shares to the x that have the value."""

    @staticmethod
    def unique_values(x: Array, /) -> Array:
        """Return the distinct x; ``dout`` goes in equal shares to the x that have the value."""
