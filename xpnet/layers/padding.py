"""Borders around images."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, ShapeError
from xpnet.kernels.windows import bordered
from xpnet.layers.base import Layer
from xpnet.layers.windows import Pad, as_given, border_of, is_listed, one_or_each
from xpnet.typing import Array

MODES = ("zeros", "reflect", "replicate", "circular")


class Padding(Layer):
    """Border around images, ``y[n, c, i + p, j + q] = x[n, c, i, j]``, and around them what the mode says.

    The widths p and q are one number for all axes, or one for each, or ``(before, after)`` for each. The border is 0
    for ``"zeros"``; for ``"reflect"`` the images mirrored at their first and last elements, which are not repeated; for
    ``"replicate"`` these elements; for ``"circular"`` the images again, as if they lay in a ring.

    Shapes: ``x (N, C, ...)``, ``y`` as ``x``, larger by the border.
    Backward: ``dx[n, c, i, j] = Σ dout`` over the places of y that have its value.
    Raises: ``ArgumentError`` for an unknown mode or wrong widths; ``ShapeError`` for a border that is wider than the
    images have elements to fill it with.

    >>> Padding(1, "reflect").forward(np.array([[[1.0, 2.0, 3.0]]]))
    array([[[2., 1., 2., 3., 2.]]])
    >>> Padding(1, "circular").forward(np.array([[[1.0, 2.0, 3.0]]]))
    array([[[3., 1., 2., 3., 1.]]])
    """

    shapes = {"x": "N C ..."}
    holomorphic = True

    def __init__(self, pad: Pad, mode: str = "zeros") -> None:
        super().__init__()
        who = type(self).__name__
        if mode not in MODES:
            raise ArgumentError(who, f"mode must be one of {', '.join(MODES)}", repr(mode), "choose one")
        axes = len(pad) if is_listed(pad) and 1 <= len(pad) <= 3 else 2  # type: ignore[arg-type]
        border = border_of(who, pad, axes)
        self.border, self.for_all, self.mode = border, not is_listed(pad), mode

    def constructor_options(self) -> dict[str, Any]:
        pad = as_given(self.border)
        return {**super().constructor_options(), "pad": one_or_each(pad) if self.for_all else pad}

    def widths(self, size: tuple[int, ...]) -> list[tuple[int, int, int]]:
        """Return each axis of images of a size, and the widths of the border before and after it.

        Raises: ``ShapeError`` where they do not fit.
        """
        who = type(self).__name__
        border = self.border[:1] * len(size) if self.for_all else self.border
        if not size or len(border) != len(size):
            must = f"x must have {'one or more' if self.for_all else len(border)} axes after N and C"
            raise ShapeError(who, must, len(size), "give such images, or a width for each of their axes")
        spared = {"zeros": None, "reflect": 1, "replicate": None, "circular": 0}[self.mode]
        for length, widths in zip(size, border, strict=True):
            if spared is not None and max(widths) > max(length - spared, 0):
                must = f"pad must be at most {max(length - spared, 0)} where an axis of x has {length} elements"
                raise ShapeError(who, must, max(widths), 'pad less, or use mode="replicate"')
            if self.mode == "replicate" and not length and max(widths):
                raise ShapeError(who, "images must have elements", size, "leave empty images out")
        return [(axis, *widths) for axis, widths in enumerate(border, 2)]

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        for axis, before, after in self.widths(x.shape[2:]):
            if self.mode == "zeros":
                x = bordered(x, before, after, axis - x.ndim, 0.0)
            else:
                first, last = self.sources(x.shape[axis], before, after)
                start, end = part(x, axis, *first), part(x, axis, *last)
                around = self.filled(start, axis, before), x, self.filled(end, axis, after)
                x = array_namespace(x).concat(around, axis=axis)
        return x

    def backward(self, dout: Array) -> Array:
        for axis, before, after in reversed(self.widths(self.shape[2:])):
            length, whole = self.shape[axis], dout
            dout = part(whole, axis, before, before + length)
            if self.mode != "zeros":
                ends = part(whole, axis, 0, before), part(whole, axis, before + length, before + length + after)
                for end, (first, last) in zip(ends, self.sources(length, before, after), strict=True):
                    piece = self.gathered(end, axis)
                    dout = dout + bordered(piece, first, length - last, axis - dout.ndim, 0.0)
        return dout

    def sources(self, length: int, before: int, after: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return from where to where along an axis the elements stand that fill the border before and after it."""
        if self.mode == "reflect":
            return (1, 1 + before), (length - 1 - after, length - 1)
        return ((length - before, length), (0, after)) if self.mode == "circular" else ((0, 1), (length - 1, length))

    def filled(self, source: Array, axis: int, width: int) -> Array:
        """Return the border that elements fill."""
        xp = array_namespace(source)
        if self.mode == "replicate":
            shape = (*source.shape[:axis], width, *source.shape[axis + 1 :])
            return xp.broadcast_to(source, shape)  # type: ignore[no-any-return]
        return xp.flip(source, axis=axis) if self.mode == "reflect" else source

    def gathered(self, border: Array, axis: int) -> Array:
        """Return the transpose of ``filled``: the sum over the places that each element fills."""
        xp = array_namespace(border)
        if self.mode == "replicate":
            return xp.sum(border, axis=axis, keepdims=True)  # type: ignore[no-any-return]
        return xp.flip(border, axis=axis) if self.mode == "reflect" else border


def part(x: Array, axis: int, first: int, last: int) -> Array:
    """Return the elements from a first to before a last along an axis."""
    own: Array = x[(*(slice(None),) * axis, slice(first, last), ...)]
    return own
