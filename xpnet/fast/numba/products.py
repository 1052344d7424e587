"""Products of matrices inside of compiled loops, by blocks of sums that stay in a processor's registers.

A block is some rows by one vector of columns. What it reads is laid out before: the rows of a block of the left matrix
side by side, ``(blocks, K, ROWS)``, and the columns of a vector of the right one, ``(K, lanes)``, a *panel*. A loop
that needs many products of one left matrix, as that of a recurrent layer for its steps, packs it once, and no core
waits for another between them. For a single product BLAS is as fast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.blocks import ROWS, copy_vector, tile_turned, write_block
from xpnet.fast.numba.compiler import compiled
from xpnet.fast.numba.tiles import WIDE
from xpnet.fast.numpy.blocks import Host


def lanes_of(dtype: Any) -> int:
    """Return the numbers of a vector."""
    return int(WIDE // np.dtype(dtype).itemsize)


def flat(x: Host) -> Host:
    """Return the memory of a matrix from its first element on."""
    if x.flags.c_contiguous:
        return x.reshape(-1)
    size = 1 + sum((n - 1) * s for n, s in zip(x.shape, x.strides, strict=True)) // x.itemsize
    return np.lib.stride_tricks.as_strided(x, (size,), (x.itemsize,))


def seen(x: Host) -> tuple[Host, int, int]:
    """Return the memory of a matrix, and the distances of its rows and of its columns, one of which is 1."""
    if x.itemsize not in x.strides or min(x.strides) < x.itemsize:
        x = np.ascontiguousarray(x)
    return flat(x), x.strides[0] // x.itemsize, x.strides[1] // x.itemsize


def packed(W: Host) -> Host:
    """Return W ``(M, K)`` as blocks, with rows of zeros at the end; see ``multiply``."""
    M, K = W.shape
    made = np.empty(-(-M // ROWS) * ROWS * K, W.dtype)
    pack_blocks(made, ROWS, *seen(W), M, K)
    return made


@compiled
def pack_blocks(out: Host, width: Any, x: Host, dr: Any, dk: Any, M: Any, K: Any) -> None:
    """Lay out a left matrix as blocks of ``width`` rows, with rows of zeros at the end."""
    for m in range(0, M, width):
        pack(out[m * K :], width, x[m * dr :], dr, dk, min(width, M - m), K)


@compiled
def pack(out: Host, width: Any, x: Host, dr: Any, dk: Any, rows: Any, K: Any) -> None:
    """Write rows of x, at most ``width``, side by side, ``out[k, r] = x[r dr + k dk]``, with zeros beside them."""
    lanes = WIDE // x.itemsize
    if rows < width:
        for k in range(K):
            for r in range(rows, width):
                out[k * width + r] = 0.0
    if dr == 1 and rows >= lanes:
        for k in range(K):
            for near in range(0, rows, lanes):
                r = min(near, rows - lanes)  # the last vector overlaps the one before
                copy_vector(out, k * width + r, x, k * dk + r)
    elif dk == 1 and min(rows, K) >= lanes:
        for near in range(0, rows, lanes):
            r = min(near, rows - lanes)
            for close in range(0, K, lanes):
                k = min(close, K - lanes)
                tile_turned(out, k * width + r, width, x, r * dr + k, dr)
    else:
        for r in range(rows):
            for k in range(K):
                out[k * width + r] = x[r * dr + k * dk]


@compiled
def unpack(y: Host, y0: Any, dy: Any, panel: Host, rows: Any, width: Any) -> None:
    """Write the first columns of a panel as rows, ``y[y0 + n dy + k] = panel[k, n]``."""
    lanes = WIDE // y.itemsize
    if width == lanes and rows >= lanes:
        for close in range(0, rows, lanes):
            k = min(close, rows - lanes)
            tile_turned(y, y0 + k, dy, panel, k * lanes, lanes)
    else:
        for n in range(width):
            for k in range(rows):
                y[y0 + n * dy + k] = panel[k * lanes + n]


@compiled
def multiply(y: Host, W: Host, z: Host, K: Any) -> None:
    """Write ``y = W z`` for a packed W and columns of one vector, y having the rows of W with those of zeros."""
    lanes = len(z) // K
    for b in range(len(W) // (K * ROWS)):
        write_block(y, b * ROWS * lanes, lanes, W, b * ROWS * K, z, 0, K)
