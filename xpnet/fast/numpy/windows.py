"""Sliding windows on NumPy: images lie in memory with the batch last, ``(C, H, W, N)``.

The cells of a window then see long runs of memory, even if it moves in steps: copies, maxima and sums run at the speed
of memory, and ``(N, C, H, W)`` is a transposed view. A layer's output has this order for the next layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from xpnet.fast.numpy.blocks import Host, workspace
from xpnet.kernels.windows import Sizes, Window, steps

BLOCK = 1 << 17  # values of the columns that are made at a time: they stay in a processor's cache


class Rows(NamedTuple):
    """Some rows of a window's places: the first, the counts of rows and columns, and their slice of all columns."""

    first: int
    places: Sizes
    at: slice


def in_blocks(places: Sizes, N: int, values: int) -> Iterator[Rows]:
    """Yield all rows, about a block at a time, for N images with that many values at a place."""
    rows, *rest = places
    width = math.prod(rest) * N
    step = max(1, BLOCK // max(1, values * width))
    for first in range(0, rows, step):
        count = min(step, rows - first)
        yield Rows(first, (count, *rest), slice(first * width, (first + count) * width))


def batch_last(x: Host, window: Window | None = None, border: float = 0.0) -> Host:
    """Return images as ``(C, H, W, N)`` with a window's border, contiguous; a view if they have this order and none."""
    x = turned(x)
    if window is None or not window.bordered:
        return np.ascontiguousarray(x)
    C, *size, N = x.shape
    y = np.full((C, *window.room(tuple(size)), N), border, dtype=x.dtype)
    y[inside(window, tuple(size))] = x
    return y


def turned(x: Host) -> Host:
    """Return the view of images with the batch last."""
    return x.transpose(*range(1, x.ndim), 0)


def inside(window: Window, size: Sizes) -> tuple[slice, ...]:
    """Return the place of images with the batch last inside their border."""
    own = [slice(before, before + length) for length, (before, _) in zip(size, window.pad, strict=True)]
    return (slice(None), *own)


def batch_first(x: Host, window: Window | None = None) -> Host:
    """Return the view ``(N, C, H, W)`` of the images inside a window's border."""
    if window is not None and window.bordered:
        size = [length - sum(pad) for length, pad in zip(x.shape[1:-1], window.pad, strict=True)]
        x = x[inside(window, tuple(size))]
    return x.transpose(x.ndim - 1, *range(x.ndim - 1))


def under_cells(x: Host, window: Window, places: Sizes, first: int = 0) -> list[Host]:
    """Return views of the values under each cell in bordered images with the batch last, from a row of places on."""
    start = first * window.stride[0]
    return [x[(slice(None), *steps((i + start, *rest), window.stride, places))] for i, *rest in window.cells]


def columns_in_blocks(x: Host, window: Window, places: Sizes, groups: int) -> Iterator[tuple[Rows, Host]]:
    """Yield the columns of ``im2col`` in blocks of rows, each in the memory of the one before.

    Shapes: ``x (N, C, H, W)``, columns ``(groups, C/groups FH FW, rows OW N)``.
    """
    (N, C, *_), cells = x.shape, math.prod(window.size)
    if cells == math.prod(window.stride) == 1:
        size = N * math.prod(places)
        yield Rows(0, places, slice(0, size)), batch_last(x, window).reshape(groups, C // groups, size)
        return
    seen = patches(x, window, places)
    for rows in in_blocks(places, N, C * cells):
        part = seen[(slice(None),) * (1 + window.axes) + (slice(rows.first, rows.first + rows.places[0]),)]
        columns = workspace("columns", part.shape, x.dtype)
        columns[...] = part
        yield rows, columns.reshape(groups, C // groups * cells, rows.at.stop - rows.at.start)


def patches(x: Host, window: Window, places: Sizes) -> Host:
    """Return the values under each cell at each place, ``(C, FH, FW, OH, OW, N)``, as a view if there is no border."""
    x = batch_last(x, window)
    c, *each, n = x.strides
    cells = [d * step for d, step in zip(window.dilation, each, strict=True)]
    moves = [s * step for s, step in zip(window.stride, each, strict=True)]
    shape = (x.shape[0], *window.size, *places, x.shape[-1])
    return as_strided(x, shape, (c, *cells, *moves, n), writeable=False)


def add_columns(x: Host, columns: Host, window: Window, rows: Rows) -> None:
    """Add a block of columns to bordered images with the batch last, the transpose of taking them."""
    columns = columns.reshape(x.shape[0], math.prod(window.size), *rows.places, x.shape[-1])
    for k, cell in enumerate(under_cells(x, window, rows.places, rows.first)):
        cell += columns[:, k]


def zeros_under(window: Window, size: Sizes, channels: int, N: int, dtype: Any) -> Host:
    """Return zeros for bordered images of a size, with the batch last."""
    return np.zeros((channels, *window.room(size), N), dtype)
