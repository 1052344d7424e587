"""Reference kernels of pooling."""

from __future__ import annotations

from xpnet.backend import array_namespace, device_of
from xpnet.backend.halves import narrowed, widened
from xpnet.kernels.dispatch import kernel
from xpnet.kernels.standard.windows import Pair, Window, sum_of_cells, under_cells
from xpnet.typing import Array


@kernel
def max_pooling(x: Array, window: Window) -> tuple[Array, Array]:
    """The largest value under the window, ``y[i, j] = maxₖ x[k + s (i, j)]``, and which cell k of it that is.

    The first of equal values is taken, NaN before all others, and never the border, not even where all values are -inf.
    Cells are compared in pairs: a ``max`` over short axes is a hundred times slower, and wrong for infinities in some
    libraries.

    Shapes: ``x (..., H, W)``; ``y`` and ``winner (..., OH, OW)``, integer.
    """
    xp = array_namespace(x)
    places = window.places(x.shape)
    y, *others = under_cells(x, window, places, border=float("-inf"))
    counted = xp.uint8 if len(others) < 256 else xp.int32
    winner = xp.zeros(y.shape, dtype=counted, device=device_of(x))
    if any(window.pad):
        winner = winner + xp.astype(first_inside(x, window, places), counted)
    for k, other in enumerate(others, 1):
        better = (other > y) | xp.isnan(other)
        y = xp.where(better, other, y)
        winner = xp.where(better, xp.asarray(k, dtype=counted, device=device_of(x)), winner)
    return y, winner


@kernel
def max_pooling_backward(dout: Array, winner: Array, size: Pair, window: Window) -> Array:
    """Derivative of ``max_pooling``: ``dout`` goes to the cell that won.

    Shapes: ``dout`` and ``winner (..., OH, OW)``, result ``(..., H, W)``.
    """
    xp = array_namespace(dout, winner)
    FH, FW = window.size
    wide, zero = widened(dout), xp.zeros((), dtype=widened(dout).dtype, device=device_of(dout))
    pieces = [xp.where(xp.equal(winner, k), wide, zero) for k in range(FH * FW)]
    return narrowed(sum_of_cells(pieces, window, size), dout)


def first_inside(x: Array, window: Window, places: Pair) -> Array:
    """The first cell of the window that is not on the border, ``(OH, OW)``; 0 where it sees the border alone."""
    xp = array_namespace(x)
    sizes = zip(places, x.shape[-2:], *window, strict=True)
    found = []
    for count, length, cells, s, p, d in sizes:
        outside = p - s * xp.arange(count, device=device_of(x))
        cell = (xp.maximum(outside, xp.zeros_like(outside)) + (d - 1)) // d
        found.append((cell, (cell < cells) & (d * cell - outside < length)))
    (row, in_rows), (column, in_columns) = found
    first = row[:, None] * window.size[1] + column[None, :]
    inside: Array = xp.where(in_rows[:, None] & in_columns[None, :], first, xp.zeros_like(first))
    return inside


@kernel
def average_pooling(x: Array, window: Window) -> Array:
    """The mean under the window, ``y[i, j] = Σₖ x[k + s (i, j)] / (FH FW)``; the border counts as zeros.

    Shapes: ``x (..., H, W)``, ``y (..., OH, OW)``.
    """
    y, *others = under_cells(widened(x), window, window.places(x.shape))
    FH, FW = window.size
    return narrowed(sum(others, y) / (FH * FW), x)


@kernel
def average_pooling_backward(dout: Array, size: Pair, window: Window) -> Array:
    """Derivative of ``average_pooling``: every cell of the window receives ``dout / (FH FW)``.

    Shapes: ``dout (..., OH, OW)``, result ``(..., H, W)``.
    """
    FH, FW = window.size
    return narrowed(sum_of_cells([widened(dout) / (FH * FW)] * (FH * FW), window, size), dout)
