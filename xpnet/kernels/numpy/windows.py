"""Sliding windows on NumPy: images lie in memory with the batch last, ``(C, H, W, N)``.

So the cells of a window see long runs of memory, also where it moves in steps: copies, maxima and sums run at the speed
of memory, and ``(N, C, H, W)`` is a transposed view of it. What one layer gives, the next finds in this order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from xpnet.kernels.standard.windows import Pair, Window

BLOCK = 1 << 18  # values of the columns that are made at a time: they stay in a processor's cache


def batch_last(x: Any, pad: Pair = (0, 0), border: float = 0.0) -> Any:
    """Images as ``(C, H + 2p, W + 2p, N)``, contiguous; a view where they lie so already and need no border."""
    turned = x.transpose(1, 2, 3, 0)
    if not any(pad):
        return np.ascontiguousarray(turned)
    (C, H, W, N), (ph, pw) = turned.shape, pad
    y = np.full((C, H + 2 * ph, W + 2 * pw, N), border, dtype=x.dtype)
    y[:, ph : ph + H, pw : pw + W] = turned
    return y


def batch_first(x: Any, pad: Pair = (0, 0)) -> Any:
    """The view ``(N, C, H, W)`` of what lies inside a border."""
    (ph, pw), (H, W) = pad, x.shape[1:3]
    return x[:, ph : H - ph, pw : W - pw].transpose(3, 0, 1, 2)


def under_cells(x: Any, window: Window, places: Pair, first: int = 0) -> list[Any]:
    """Views of what each cell sees in bordered images with the batch last, from the window's place ``first`` on."""
    (OH, OW), (sh, sw) = places, window.stride
    return [
        x[:, i + sh * first : i + sh * (first + OH - 1) + 1 : sh, j : j + sw * (OW - 1) + 1 : sw]
        for i, j in window.cells
    ]


def columns_in_blocks(x: Any, window: Window, places: Pair, groups: int) -> Iterator[tuple[slice, Any]]:
    """The columns of ``im2col`` a few rows of places at a time, and which they are; the next block takes their memory.

    Shapes: ``x (N, C, H, W)``, columns ``(groups, C/groups FH FW, rows OW N)``.
    """
    x = batch_last(x, window.pad)
    (C, _, _, N), (c, h, w, n) = x.shape, x.strides
    (FH, FW), (OH, OW), (sh, sw), (dh, dw) = window.size, places, window.stride, window.dilation
    if FH * FW == sh * sw == 1:
        yield slice(None), x.reshape(groups, C // groups, OH * OW * N)
        return
    patches = as_strided(x, (C, FH, FW, OH, OW, N), (c, dh * h, dw * w, sh * h, sw * w, n), writeable=False)
    for rows in blocks_of_rows(C * FH * FW * OW * N, OH):
        part = patches[:, :, :, rows]
        if rows.start == 0:
            memory = np.empty(part.size, dtype=x.dtype)
        columns = memory[: part.size].reshape(part.shape)
        columns[...] = part
        shape = (groups, C // groups * FH * FW, (rows.stop - rows.start) * OW * N)
        yield slice(rows.start * OW * N, rows.stop * OW * N), columns.reshape(shape)


def blocks_of_rows(values: int, rows: int) -> Iterator[slice]:
    """Slices of rows that hold about a block, of so many values a row."""
    step = max(1, BLOCK // max(1, values))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))
