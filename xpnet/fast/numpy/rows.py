"""NumPy bodies for some rows of a table, whose work does not grow with the table."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet import kernels
from xpnet.fast.numpy.blocks import Host


@kernels.sum_of_rows.on("numpy")
def sum_of_rows(g: Host, indices: Host, size: int) -> Any:
    known = (indices >= 0) & (indices < size)
    if not known.all():
        g, indices = g[known], indices[known]
    indices = indices.astype(np.int64, copy=False)
    if not len(indices):
        return indices, g
    order = np.argsort(indices, kind="stable")
    indices = indices[order]
    first = np.flatnonzero(np.diff(indices, prepend=-1))
    sums = np.add.reduceat(g[order], first, axis=0, dtype=np.result_type(g.dtype, np.float64))
    return indices[first], sums.astype(g.dtype, copy=False)


@kernels.put_rows.on("numpy")
def put_rows(W: Host, rows: Host, values: Host) -> Host:
    if not W.flags.writeable:
        W = W.copy()
    W[rows] = values
    return W
