"""The functions that move elements without changing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from xpnet.typing import Array, Axis


class Manipulation(Protocol):
    """Functions of shapes, orders and parts."""

    @staticmethod
    def broadcast_arrays(*arrays: Array) -> tuple[Array, ...]:
        """Return the arrays repeated to their common shape; ``dx = Σ dout`` over the repetitions."""

    @staticmethod
    def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape to which all of these broadcast; no array."""

    @staticmethod
    def broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Array:
        """Return x repeated to that shape; ``dx = Σ dout`` over the repetitions."""

    @staticmethod
    def concat(arrays: Sequence[Array], /, *, axis: int | None = 0) -> Array:
        """Return the arrays one after another along the axis; each gets its piece of ``dout``."""

    @staticmethod
    def expand_dims(x: Array, /, axis: int | tuple[int, ...]) -> Array:
        """Return x with new axes of size 1; ``dx`` is dout without them."""

    @staticmethod
    def flip(x: Array, /, *, axis: Axis = None) -> Array:
        """Return x reversed along the axis; ``dx`` is dout reversed again."""

    @staticmethod
    def meshgrid(*arrays: Array, indexing: Literal["xy", "ij"] = "xy") -> tuple[Array, ...]:
        """Return the coordinates of a grid over these lines; ``dx = Σ dout`` over the repetitions."""

    @staticmethod
    def moveaxis(x: Array, source: int | tuple[int, ...], destination: int | tuple[int, ...], /) -> Array:
        """Return x with axes at other positions; ``dx`` is dout with them moved back."""

    @staticmethod
    def permute_dims(x: Array, /, axes: tuple[int, ...]) -> Array:
        """Return x with its axes in that order; ``dx`` is dout with its axes in the order of x."""

    @staticmethod
    def repeat(x: Array, repeats: int | Array, /, *, axis: int | None = None) -> Array:
        """Return each element of x several times; ``dx = Σ dout`` over the repetitions."""

    @staticmethod
    def reshape(x: Array, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Array:
        """Return the elements of x in another shape; ``dx`` is dout in the shape of x."""

    @staticmethod
    def roll(x: Array, /, shift: int | tuple[int, ...], *, axis: Axis = None) -> Array:
        """Return x shifted cyclically; ``dx`` is dout shifted back."""

    @staticmethod
    def squeeze(x: Array, /, axis: int | tuple[int, ...]) -> Array:
        """Return x without axes of size 1; ``dx`` is dout with them."""

    @staticmethod
    def stack(arrays: Sequence[Array], /, *, axis: int = 0) -> Array:
        """Return the arrays along a new axis; each gets its piece of ``dout``."""

    @staticmethod
    def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
        """``yᵢ = x[indicesᵢ]`` along the axis; ``dx[k] = Σ doutᵢ`` where ``indicesᵢ = k``."""

    @staticmethod
    def take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
        """``yᵢ = x[indicesᵢ]`` for each line along the axis; ``dx[k] = Σ doutᵢ`` where ``indicesᵢ = k``."""

    @staticmethod
    def tile(x: Array, repetitions: tuple[int, ...], /) -> Array:
        """Return copies of x side by side; ``dx = Σ dout`` over the repetitions."""

    @staticmethod
    def tril(x: Array, /, *, k: int = 0) -> Array:
        """Return x on and below the diagonal k, else 0; ``dx`` is dout there, else 0."""

    @staticmethod
    def triu(x: Array, /, *, k: int = 0) -> Array:
        """Return x on and above the diagonal k, else 0; ``dx`` is dout there, else 0."""

    @staticmethod
    def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
        """Return ``x[0], x[1], …`` along the axis; ``dx`` has each ``dout`` at its position."""
