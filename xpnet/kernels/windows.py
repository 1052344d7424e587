"""A window that slides over images, and the values under each of its cells.

Images are arrays ``(..., H, W)`` of one, two or three axes; the formulas name those of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from xpnet.backend import array_namespace, device_of
from xpnet.backend.halves import narrowed, widened
from xpnet.typing import Array

Sizes: TypeAlias = tuple[int, ...]  # one for each axis of the images
Border: TypeAlias = tuple[tuple[int, int], ...]  # before and after the images along each axis


class Window(NamedTuple):
    """A window of FH × FW cells, with its stride, the border around the images, and the distance between its cells."""

    size: Sizes
    stride: Sizes
    pad: Border
    dilation: Sizes

    @property
    def axes(self) -> int:
        """The number of axes of the images."""
        return len(self.size)

    @property
    def span(self) -> Sizes:
        """The rows and columns that the window covers, ``d (F - 1) + 1``."""
        return tuple([d * (F - 1) + 1 for F, d in zip(self.size, self.dilation, strict=True)])

    @property
    def bordered(self) -> bool:
        """True if there is a border."""
        return any(map(any, self.pad))

    @property
    def side_by_side(self) -> bool:
        """True if the window moves by its own size, so that each element is seen once at most."""
        return self.stride == self.size == self.span

    def places(self, shape: tuple[int, ...]) -> Sizes:
        """Return how often it fits into images along each axis, ``⌊(H + before + after - span) / s⌋ + 1``."""
        return tuple(
            [
                (length + before + after - span) // s + 1
                for length, (before, after), span, s in zip(
                    shape[-self.axes :], self.pad, self.span, self.stride, strict=True
                )
            ]
        )

    def room(self, shape: tuple[int, ...]) -> Sizes:
        """Return the sizes of images with their border."""
        return tuple([sum(pad) + length for length, pad in zip(shape[-self.axes :], self.pad, strict=True)])

    def same(self, shape: tuple[int, ...]) -> Window:
        """Return the window with the border that gives ``⌈H / s⌉`` places; of an odd border more is behind."""
        border = []
        for length, span, s in zip(shape[-self.axes :], self.span, self.stride, strict=True):
            both = max((-(-length // s) - 1) * s + span - length, 0)
            border.append((both // 2, both - both // 2))
        return self._replace(pad=tuple(border))

    def rounded_up(self, shape: tuple[int, ...]) -> Window:
        """Return the window with as much border behind the images as a last window that begins inside them needs."""
        border = []
        for length, (before, after), span, s in zip(shape[-self.axes :], self.pad, self.span, self.stride, strict=True):
            last = -(-(length + before + after - span) // s) * s
            if last >= length + before:
                last -= s
            border.append((before, max(after, last + span - length - before)))
        return self._replace(pad=tuple(border))

    @property
    def cells(self) -> list[Sizes]:
        """The positions of the cells in the window, row by row."""
        return list(product(*[range(0, d * F, d) for F, d in zip(self.size, self.dilation, strict=True)]))


def under_cells(x: Array, window: Window, places: Sizes, border: float = 0.0) -> list[Array]:
    """Return the values under each cell of the window at all places, ``xₖ[i, j] = x[k + s (i, j)]`` in a bordered x.

    Shapes: ``x (..., H, W)``, each result ``(..., OH, OW)``.
    """
    for axis, (before, after) in enumerate(window.pad, -window.axes):
        x = bordered(x, before, after, axis, border)
    return [x[(..., *steps(cell, window.stride, places))] for cell in window.cells]


def steps(start: Sizes, stride: Sizes, counts: Sizes) -> list[slice]:
    """Return the slices of so many elements along each axis, from a start on."""
    return [slice(k, k + s * (n - 1) + 1, s) for k, s, n in zip(start, stride, counts, strict=True)]


def sum_of_cells(pieces: Sequence[Array], window: Window, size: Sizes) -> Array:
    """Return the transpose of ``under_cells``: each piece is added where it was seen, ``x[k + s (i, j)] += xₖ[i, j]``.

    Pieces of 16 bits are added in float32.

    Shapes: each piece ``(..., OH, OW)``; result ``(..., H, W)``.
    """
    wide, room = [widened(piece) for piece in pieces], window.room(size)
    for at in reversed(range(window.axes)):
        F, d = window.size[at], window.dilation[at]
        lines = [wide[first : first + F] for first in range(0, len(wide), F)]
        wide = [laid_out(line, range(0, d * F, d), window.stride[at], room[at], at - window.axes) for line in lines]
    inside = [slice(before, before + length) for length, (before, _) in zip(size, window.pad, strict=True)]
    return narrowed(wide[0][(..., *inside)], pieces[0])


def laid_out(pieces: Sequence[Array], starts: Sequence[int], stride: int, length: int, axis: int) -> Array:
    """Add the pieces along one axis, each from its start in steps of the stride, ``y[start + s i] += piece[i]``.

    Pieces whose starts have the same remainder by the stride fall on the same elements of y, and are added first; the
    remainders are then interleaved.
    """
    xp = array_namespace(*pieces)
    count = -(-length // stride)
    sums: list[Any] = [None] * stride
    for piece, start in zip(pieces, starts, strict=True):
        shift, remainder = divmod(start, stride)
        shifted = bordered(piece, shift, count - shift - piece.shape[axis], axis, 0.0)
        sums[remainder] = shifted if sums[remainder] is None else sums[remainder] + shifted
    if stride == 1:
        return sums[0]  # type: ignore[no-any-return]
    sums = [xp.zeros_like(sums[0]) if total is None else total for total in sums]
    at = sums[0].ndim + axis
    before, after = sums[0].shape[:at], sums[0].shape[at + 1 :]
    y = xp.reshape(xp.stack(sums, axis=at + 1), (*before, count * stride, *after))
    cut: Array = y[(..., slice(length), *[slice(None)] * len(after))]
    return cut


def bordered(x: Array, before: int, after: int, axis: int, value: float) -> Array:
    """Return x with a border of one value along an axis, so wide before and after it."""
    if before == after == 0:
        return x
    xp = array_namespace(x)
    at = x.ndim + axis

    def border(width: int) -> Array:
        shape = (*x.shape[:at], width, *x.shape[at + 1 :])
        values: Array = xp.full(shape, value, dtype=x.dtype, device=device_of(x))
        return values

    y: Array = xp.concat([border(before), x, border(after)], axis=at)
    return y
