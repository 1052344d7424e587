"""The functions that move elements without changing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from xpnet.typing import Array, Axis


class Manipulation(Protocol):
    """Shapes, orders and parts."""

    @staticmethod
    def broadcast_arrays(*arrays: Array) -> tuple[Array, ...]:
        """The arrays repeated to their common shape; ``dx = Σ dout`` over the repetitions."""

    @staticmethod
    def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
        """The shape to which all of these broadcast; no array."""

    @staticmethod
    def broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Array:
        """``y``, x repeated to that shape; ``dx = Σ dout`` over the repetitions."""

    @staticmethod
    def concat(arrays: Sequence[Array], /, *, axis: int | None = 0) -> Array:
        """``y``, the arrays one after the other along the axis; each gets its piece of ``dout``."""

    @staticmethod
    def expand_dims(x: Array, /, axis: int | tuple[int, ...]) -> Array:
        """``y``, x with new axes of size 1; ``dx``, dout without them."""

    @staticmethod
    def flip(x: Array, /, *, axis: Axis = None) -> Array:
        """``y``, x with the axis turned over; ``dx``, dout turned over again."""

    @staticmethod
    def meshgrid(*arrays: Array, indexing: Literal["xy", "ij"] = "xy") -> tuple[Array, ...]:
        """The coordinates of a grid over these lines; ``dx = Σ dout`` over the repetitions."""

    @staticmethod
    def moveaxis(x: Array, source: int | tuple[int, ...], destination: int | tuple[int, ...], /) -> Array:
        """``y``, x with axes at other positions; ``dx``, dout with them moved back."""

    @staticmethod
    def permute_dims(x: Array, /, axes: tuple[int, ...]) -> Array:
        """``y``, x with its axes in that order; ``dx``, dout in the order from which they came."""

    @staticmethod
    def repeat(x: Array, repeats: int | Array, /, *, axis: int | None = None) -> Array:
        """``y``, each element of x several times; ``dx = Σ dout`` over the repetitions."""

    @staticmethod
    def reshape(x: Array, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Array:
        """``y``, the elements of x in another shape; ``dx``, dout in that of x."""

    @staticmethod
    def roll(x: Array, /, shift: int | tuple[int, ...], *, axis: Axis = None) -> Array:
        """``y``, x moved around by shift; ``dx``, dout moved back."""

    @staticmethod
    def squeeze(x: Array, /, axis: int | tuple[int, ...]) -> Array:
        """``y``, x without axes of size 1; ``dx``, dout with them."""

    @staticmethod
    def stack(arrays: Sequence[Array], /, *, axis: int = 0) -> Array:
        """``y``, the arrays along a new axis; each gets its piece of ``dout``."""

    @staticmethod
    def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
        """``yᵢ = x[indicesᵢ]`` along the axis; ``dx[k] = Σ doutᵢ`` where ``indicesᵢ = k``."""

    @staticmethod
    def take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
        """``yᵢ = x[indicesᵢ]`` for each line along the axis; ``dx[k] = Σ doutᵢ`` where ``indicesᵢ = k``."""

    @staticmethod
    def tile(x: Array, repetitions: tuple[int, ...], /) -> Array:
        """``y``, x laid side by side; ``dx = Σ dout`` over the repetitions."""

    @staticmethod
    def tril(x: Array, /, *, k: int = 0) -> Array:
        """``y``, x on and below the diagonal k, else 0; ``dx``, dout there, else 0."""

    @staticmethod
    def triu(x: Array, /, *, k: int = 0) -> Array:
        """``y``, x on and above the diagonal k, else 0; ``dx``, dout there, else 0."""

    @staticmethod
    def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
        """``x[0], x[1], …`` along the axis; ``dx`` has each ``dout`` at its position."""
