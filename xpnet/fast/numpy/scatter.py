"""NumPy body of the sum of rows by index, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet import kernels
from xpnet.fast.numpy.blocks import Host

WIDE = 64  # elements per row, above which sorting rows is quicker than counting elements


@kernels.scatter_add.on("numpy")
def scatter_add(g: Host, indices: Host, size: int) -> Any:
    if g.dtype.kind == "c":
        y = np.empty((size, g.shape[1]), g.dtype)
        y.real, y.imag = (scatter_add(part, indices, size) for part in (g.real, g.imag))
        return y
    known = (indices >= 0) & (indices < size)
    if not known.all():
        g, indices = g[known], indices[known]
    indices, D = indices.astype(np.int64, copy=False), g.shape[1]
    if D < WIDE or not len(g):
        at = indices if D == 1 else (indices[:, None] * D + np.arange(D)).reshape(-1)
        return np.bincount(at, g.reshape(-1), size * D).astype(g.dtype, copy=False).reshape(size, D)
    order = np.argsort(indices, kind="stable")
    indices = indices[order]
    first = np.flatnonzero(np.diff(indices, prepend=-1))
    y = np.zeros((size, D), g.dtype)
    y[indices[first]] = np.add.reduceat(g[order].astype(np.float64, copy=False), first, axis=0)
    return y
