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
from xpnet.kernels.windows import Pair, Window

BLOCK = 1 << 17  # values of the columns that are made at a time: they stay in a processor's cache


class Rows(NamedTuple):
    """Some rows of a window's places: the first, the counts of rows and columns, and their slice of all columns."""

    first: int
    places: Pair
    at: slice


def in_blocks(places: Pair, N: int, values: int) -> Iterator[Rows]:
    """Yield all rows, about a block at a time, for N images with that many values at a place."""
    OH, OW = places
    step = max(1, BLOCK // max(1, values * OW * N))
    for first in range(0, OH, step):
        count = min(step, OH - first)
        yield Rows(first, (count, OW), slice(first * OW * N, (first + count) * OW * N))


def batch_last(x: Host, pad: Pair = (0, 0), border: float = 0.0) -> Host:
    """Return images as ``(C, H + 2p, W + 2p, N)``, contiguous; a view if they are stored so and need no border."""
    turned = x.transpose(1, 2, 3, 0)
    if not any(pad):
        return np.ascontiguousarray(turned)
    (C, H, W, N), (ph, pw) = turned.shape, pad
    y = np.full((C, H + 2 * ph, W + 2 * pw, N), border, dtype=x.dtype)
    y[:, ph : ph + H, pw : pw + W] = turned
    return y


def batch_first(x: Host, pad: Pair = (0, 0)) -> Host:
    """Return the view ``(N, C, H, W)`` of the images inside a border."""
    (ph, pw), (H, W) = pad, x.shape[1:3]
    return x[:, ph : H - ph, pw : W - pw].transpose(3, 0, 1, 2)


def under_cells(x: Host, window: Window, places: Pair, first: int = 0) -> list[Host]:
    """Return views of the values under each cell in bordered images with the batch last, from a row of places on."""
    (OH, OW), (sh, sw) = places, window.stride
    return [
        x[:, i + sh * first : i + sh * (first + OH - 1) + 1 : sh, j : j + sw * (OW - 1) + 1 : sw]
        for i, j in window.cells
    ]


def columns_in_blocks(x: Host, window: Window, places: Pair, groups: int) -> Iterator[tuple[Rows, Host]]:
    """Yield the columns of ``im2col`` in blocks of rows, each in the memory of the one before.

    Shapes: ``x (N, C, H, W)``, columns ``(groups, C/groups FH FW, rows OW N)``.
    """
    (N, C, *_), (FH, FW) = x.shape, window.size
    if FH * FW == math.prod(window.stride) == 1:
        size = N * math.prod(places)
        yield Rows(0, places, slice(0, size)), batch_last(x, window.pad).reshape(groups, C // groups, size)
        return
    seen = patches(x, window, places)
    for rows in in_blocks(places, N, C * FH * FW):
        part = seen[:, :, :, rows.first : rows.first + rows.places[0]]
        columns = workspace("columns", part.shape, x.dtype)
        columns[...] = part
        yield rows, columns.reshape(groups, C // groups * FH * FW, rows.at.stop - rows.at.start)


def patches(x: Host, window: Window, places: Pair) -> Host:
    """Return the values under each cell at each place, ``(C, FH, FW, OH, OW, N)``, as a view if there is no border."""
    x = batch_last(x, window.pad)
    (C, _, _, N), (c, h, w, n) = x.shape, x.strides
    (sh, sw), (dh, dw) = window.stride, window.dilation
    strides = (c, dh * h, dw * w, sh * h, sw * w, n)
    return as_strided(x, (C, *window.size, *places, N), strides, writeable=False)


def add_columns(x: Host, columns: Host, window: Window, rows: Rows) -> None:
    """Add a block of columns to bordered images with the batch last, the transpose of taking them."""
    FH, FW = window.size
    columns = columns.reshape(x.shape[0], FH * FW, *rows.places, x.shape[-1])
    for k, cell in enumerate(under_cells(x, window, rows.places, rows.first)):
        cell += columns[:, k]


def zeros_under(window: Window, size: Pair, channels: int, N: int, dtype: Any) -> Host:
    """Return zeros for bordered images of a size, with the batch last."""
    (H, W), (ph, pw) = size, window.pad
    return np.zeros((channels, H + 2 * ph, W + 2 * pw, N), dtype)
