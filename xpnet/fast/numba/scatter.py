"""The sum of rows by index in one compiled pass over the rows in the order of their indices, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet import kernels
from xpnet.fast.numba.compiler import compiled, in_order
from xpnet.fast.numpy import scatter
from xpnet.fast.numpy.blocks import Host

MOST = 8  # times as many rows of a table as are summed, up to which they are counted


@kernels.scatter_add.on("numba")
def scatter_add(g: Host, indices: Host, size: int) -> Any:
    if g.shape[1] == 1 or not in_order(g) or size > MOST * len(g) + 1000:
        return scatter.scatter_add(g, indices, size)
    y, numbers = np.empty((size, g.shape[1]), g.dtype), indices.astype(np.int64)
    add_rows(g, numbers, y, np.empty(size + 1, np.int64), np.empty(len(g), np.int64))
    return y


@compiled
def add_rows(g: Host, indices: Host, y: Host, ends: Host, order: Host) -> None:
    """Sort the rows by counting, and write the sum of those of each index."""
    (n, D), size = g.shape, len(y)
    ends[:] = 0
    for i in range(n):
        if 0 <= indices[i] < size:
            ends[indices[i] + 1] += 1
    for k in range(size):
        ends[k + 1] += ends[k]
    for i in range(n):
        k = indices[i]
        if 0 <= k < size:
            order[ends[k]] = i
            ends[k] += 1
    total, start = np.empty(D), 0
    for k in range(size):
        out, end = y[k], ends[k]
        if start == end:
            out[:] = g.dtype.type(0)
        elif end == start + 1:
            out[:] = g[order[start]]
        else:
            total[:] = 0.0
            for at in range(start, end):
                row = g[order[at]]
                for j in range(D):
                    total[j] += row[j]
            for j in range(D):
                out[j] = total[j]
        start = end
