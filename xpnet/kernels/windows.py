"""A window that slides over images, and the values under each of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from xpnet.backend import array_namespace, device_of
from xpnet.backend.halves import narrowed, widened
from xpnet.typing import Array

Pair: TypeAlias = tuple[int, ...]  # rows and columns


class Window(NamedTuple):
    """A window of FH × FW cells, with its stride, the border around the image, and the distance between its cells."""

    size: Pair
    stride: Pair = (1, 1)
    pad: Pair = (0, 0)
    dilation: Pair = (1, 1)

    @property
    def span(self) -> Pair:
        """The rows and columns that the window covers, ``d (F - 1) + 1``."""
        (FH, FW), (dh, dw) = self.size, self.dilation
        return dh * (FH - 1) + 1, dw * (FW - 1) + 1

    def places(self, shape: tuple[int, ...]) -> Pair:
        """Return how often it fits into an image ``(..., H, W)`` along each axis, ``⌊(H + 2p - span) / s⌋ + 1``."""
        OH, OW = (
            (length + 2 * p - span) // s + 1
            for length, p, span, s in zip(shape[-2:], self.pad, self.span, self.stride, strict=True)
        )
        return OH, OW

    @property
    def cells(self) -> list[Pair]:
        """The positions of the cells in the window, row by row."""
        (FH, FW), (dh, dw) = self.size, self.dilation
        return [(dh * i, dw * j) for i in range(FH) for j in range(FW)]


def under_cells(x: Array, window: Window, places: Pair, border: float = 0.0) -> list[Array]:
    """Return the values under each cell of the window at all places, ``xₖ[i, j] = x[k + s (i, j)]`` in a bordered x.

    Shapes: ``x (..., H, W)``, each result ``(..., OH, OW)``.
    """
    x = bordered(bordered(x, window.pad[0], -2, border), window.pad[1], -1, border)
    (OH, OW), (sh, sw) = places, window.stride
    return [x[..., i : i + sh * (OH - 1) + 1 : sh, j : j + sw * (OW - 1) + 1 : sw] for i, j in window.cells]


def sum_of_cells(pieces: Sequence[Array], window: Window, size: Pair) -> Array:
    """Return the transpose of ``under_cells``: each piece is added where it was seen, ``x[k + s (i, j)] += xₖ[i, j]``.

    Pieces of 16 bits are added in float32.

    Shapes: each piece ``(..., OH, OW)``; result ``(..., H, W)``.
    """
    (FH, FW), (ph, pw), (H, W) = window.size, window.pad, size
    (sh, sw), (dh, dw) = window.stride, window.dilation
    columns = range(0, dw * FW, dw)
    wide = [widened(piece) for piece in pieces]
    rows = [laid_out(wide[i * FW : (i + 1) * FW], columns, sw, W + 2 * pw, -1) for i in range(FH)]
    x = laid_out(rows, range(0, dh * FH, dh), sh, H + 2 * ph, -2)
    return narrowed(x[..., ph : ph + H, pw : pw + W], pieces[0])


def laid_out(pieces: Sequence[Array], starts: Sequence[int], stride: int, length: int, axis: int) -> Array:
    """Add the pieces along one axis, each from its start in steps of the stride, ``y[start + s i] += piece[i]``.

    Pieces whose starts have the same remainder by the stride fall on the same elements of y, and are added first; the
    remainders are then interleaved.
    """
    xp = array_namespace(*pieces)
    steps = -(-length // stride)
    sums: list[Any] = [None] * stride
    for piece, start in zip(pieces, starts, strict=True):
        shift, remainder = divmod(start, stride)
        shifted = bordered(piece, shift, axis, 0.0, steps)
        sums[remainder] = shifted if sums[remainder] is None else sums[remainder] + shifted
    if stride == 1:
        return sums[0]  # type: ignore[no-any-return]
    sums = [xp.zeros_like(sums[0]) if total is None else total for total in sums]
    at = sums[0].ndim + axis
    before, after = sums[0].shape[:at], sums[0].shape[at + 1 :]
    y = xp.reshape(xp.stack(sums, axis=at + 1), (*before, steps * stride, *after))
    cut: Array = y[(..., slice(length), *[slice(None)] * len(after))]
    return cut


def bordered(x: Array, before: int, axis: int, value: float, length: int | None = None) -> Array:
    """Return x with a border of one value along an axis: ``before`` wide, and as wide behind it, or up to a length."""
    after = before if length is None else length - before - x.shape[axis]
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
