"""The sums of a convolution as loops over tiles, which read the images where they lie.

Arrays are flat. A row is a run of places that lie one after another: the columns of images with the batch last. What
a filter sees lies at a fixed distance from its place, ``offsets``, one for each channel and cell.
"""

from __future__ import annotations

from typing import Any

from xpnet.fast.numba.compiler import compiled, compiled_sums
from xpnet.fast.numba.tiles import CELLS, ROWS, SHAPES, WIDE, dots, tile
from xpnet.fast.numpy.blocks import Host

SEEN = 1 << 16  # values under the filters at the places of a chunk: they stay in a core's cache
RUN = 1024  # places of a dot product, whose rows stay there

F0, F1, F2, F3 = (filters for filters, _ in SHAPES)
V0, V1, V2, V3 = (vectors for _, vectors in SHAPES)
wide0, wide1, wide2, wide3 = (tile(*shape) for shape in SHAPES)
narrow0, narrow1, narrow2, narrow3 = (tile(filters, 1) for filters, _ in SHAPES)
dots_of_both, dots_of_rows, dots_of_cells, dots_of_one = dots(ROWS, CELLS), dots(ROWS, 1), dots(1, CELLS), dots(1, 1)


@compiled
def correlate(
    y: Host, y_rows: Host, dy: Any, x: Host, x_rows: Host, dx: Any, W: Host, at: Host, b: Host, M: Any, L: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    """Write ``y[g M + m, row, t] = b[g M + m] + Σₖ W[g, k, m] x[g, row, at[k] + t]`` for some pairs of g and row.

    ``dy`` is the distance of the rows of two filters, and ``dx`` that of two groups of channels.
    """
    K, R = len(at), len(x_rows)
    lanes = WIDE // y.itemsize
    chunk = max(1, SEEN // (max(K, 1) * 24 * lanes)) * 24 * lanes
    for job in range(first, last):
        g, row = job // R, job % R
        x0, y0, w0 = x_rows[row] + g * dx, y_rows[row] + g * M * dy, g * K * M
        for start in range(0, L, chunk):
            end = min(L, start + chunk)
            m = 0
            while m < M:
                left = M - m
                step = F0 if left >= F0 else F1 if left >= F1 else F2 if left >= F2 else F3
                vectors = V0 if step == F0 else V1 if step == F1 else V2 if step == F2 else V3
                width = vectors * lanes if vectors * lanes <= L else lanes
                t = start
                while t < end:
                    own = min(t, L - width)
                    ys, xs = y0 + m * dy + own, x0 + own
                    if width > lanes:
                        if step == F0:
                            wide0(y, ys, dy, W, w0 + m, M, x, xs, at, K, b, g * M + m)
                        elif step == F1:
                            wide1(y, ys, dy, W, w0 + m, M, x, xs, at, K, b, g * M + m)
                        elif step == F2:
                            wide2(y, ys, dy, W, w0 + m, M, x, xs, at, K, b, g * M + m)
                        else:
                            wide3(y, ys, dy, W, w0 + m, M, x, xs, at, K, b, g * M + m)
                    elif step == F0:
                        narrow0(y, ys, dy, W, w0 + m, M, x, xs, at, K, b, g * M + m)
                    elif step == F1:
                        narrow1(y, ys, dy, W, w0 + m, M, x, xs, at, K, b, g * M + m)
                    elif step == F2:
                        narrow2(y, ys, dy, W, w0 + m, M, x, xs, at, K, b, g * M + m)
                    else:
                        narrow3(y, ys, dy, W, w0 + m, M, x, xs, at, K, b, g * M + m)
                    t += width
                m += step


@compiled_sums
def add_products(
    dW: Host, db: Host, spare: Host, d: Host, dd: Any, x: Host, x_rows: Host, dx: Any, at: Host, M: Any, L: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    """Add ``dW[g M + m, k] += Σ d[g M + m, row, t] x[g, row, at[k] + t]`` and ``db += Σ d`` for some pairs g, row.

    The rows of d lie one after another, ``dd`` is the distance of two filters, and ``spare`` holds a vector for each.
    """
    K, R = len(at), len(x_rows)
    lanes = WIDE // d.itemsize
    whole = L // lanes * lanes
    for job in range(first, last):
        g, row = job // R, job % R
        x0, d0 = x_rows[row] + g * dx, row * L + g * M * dd
        for t in range(0, whole, RUN):
            add_dots(dW, g * M * K, d, d0 + t, dd, x, x0 + t, at, M, K, min(RUN, whole - t) // lanes)
        if whole < L:  # the last vector begins earlier, with zeros where it was
            for m in range(M):
                for i in range(lanes):
                    place = L - lanes + i
                    spare[m * lanes + i] = d[d0 + m * dd + place] if place >= whole else spare.dtype.type(0)
            add_dots(dW, g * M * K, spare, 0, lanes, x, x0 + L - lanes, at, M, K, 1)
        for m in range(M):
            total = db.dtype.type(0)
            for t in range(L):
                total += d[d0 + m * dd + t]
            db[g * M + m] += total


@compiled
def add_dots(
    dW: Host, w0: Any, d: Host, d0: Any, dd: Any, x: Host, x0: Any, at: Host, M: Any, K: Any, count: Any
) -> None:
    """Add the dot products of all rows of d and all cells over a number of vectors."""
    k = 0
    while k < K:
        cells = CELLS if K - k >= CELLS else 1
        m = 0
        while m < M:
            rows = ROWS if M - m >= ROWS else 1
            w, start = w0 + m * K + k, d0 + m * dd
            if rows == ROWS and cells == CELLS:
                dots_of_both(dW, w, K, d, start, dd, x, x0, at, k, count)
            elif rows == ROWS:
                dots_of_rows(dW, w, K, d, start, dd, x, x0, at, k, count)
            elif cells == CELLS:
                dots_of_cells(dW, w, K, d, start, dd, x, x0, at, k, count)
            else:
                dots_of_one(dW, w, K, d, start, dd, x, x0, at, k, count)
            m += rows
        k += cells
