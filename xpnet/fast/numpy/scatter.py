"""NumPy body of the sum of rows by index: in float64, or in a tree for rows of some width."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet import kernels
from xpnet.fast.numpy.blocks import Host

WIDE = 32  # elements per row, from which on sums of rows are quicker than counting elements
MOST = 256  # rows of a sum, up to which it keeps its digits when they are added one after another
MORE = 3  # times as many rows, up to which sums of equal lengths take less time than those pair by pair


@kernels.scatter_add.on("numpy")
def scatter_add(g: Host, indices: Host, size: int) -> Any:
    g, indices, D = *known(g, indices, size), g.shape[1]
    if D < WIDE and g.dtype.kind == "c":
        y = np.empty((size, D), g.dtype)
        y.real, y.imag = (scatter_add(part, indices, size) for part in (g.real, g.imag))
        return y
    if D < WIDE or not len(g):
        indices = indices.astype(np.int64, copy=False)
        at = indices if D == 1 else (indices[:, None] * D + np.arange(D)).reshape(-1)
        return np.bincount(at, g.reshape(-1), size * D).astype(g.dtype, copy=False).reshape(size, D)
    y = np.zeros((size, D), g.dtype)
    rows, sums = sums_of_runs(g, indices, size)
    y[rows] = sums
    return y


def known(g: Host, indices: Host, size: int) -> tuple[Host, Host]:
    """Return what has an index in a table of that size."""
    inside = (indices >= 0) & (indices < size)
    return (g, indices) if inside.all() else (g[inside], indices[inside])


def sums_of_runs(g: Host, indices: Host, size: int) -> tuple[Host, Host]:
    """Return the different indices in order, and the sum of the rows of each."""
    if size <= 1 << 16:
        indices = indices.astype(np.uint16)  # which are sorted by their digits
    rows = np.argsort(indices, kind="stable")
    indices = indices[rows].astype(np.int64, copy=False)
    starts = np.flatnonzero(np.diff(indices, prepend=-1))
    return indices[starts], summed(g, rows, starts, np.diff(starts, append=len(rows)))


def summed(g: Host, rows: Host, starts: Host, lengths: Host) -> Host:
    """Return the sums of runs of some rows."""
    if len(starts) == len(rows):
        return g[rows]
    most = int(lengths.max())
    if most > MOST or most * len(starts) > MORE * len(rows):
        return in_pairs(g, rows, starts, lengths)
    at = starts[:, None] + np.arange(most)
    rows = np.where(np.arange(most) < lengths[:, None], rows.take(at, mode="clip"), len(g))
    sums: Host = np.add.reduce(np.concatenate([g, np.zeros_like(g[:1])]).take(rows, axis=0), axis=1)
    return sums


def in_pairs(g: Host, rows: Host, starts: Host, lengths: Host) -> Host:
    """Return the sums of runs, pair by pair: what is left halves each time, and long sums keep their digits."""
    sums, runs, values = np.empty((len(starts), g.shape[1]), g.dtype), np.arange(len(starts)), g
    while True:
        alone = lengths == 1
        sums[runs[alone]] = values[rows[starts[alone]]]
        left = np.flatnonzero(~alone)
        if not left.size:
            return sums
        runs, starts, lengths = runs[left], starts[left], lengths[left]
        halves = (lengths + 1) // 2
        firsts = np.cumsum(halves) - halves
        at = np.repeat(starts - 2 * firsts, halves) + 2 * np.arange(firsts[-1] + halves[-1])
        paired = np.flatnonzero(at + 1 < np.repeat(starts + lengths, halves))
        halved = values.take(rows[at], axis=0)
        halved[paired] += values.take(rows[at[paired] + 1], axis=0)
        values, rows, starts, lengths = halved, np.arange(len(halved)), firsts, halves
