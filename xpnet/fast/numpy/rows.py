"""NumPy bodies for some rows of a table, whose work does not grow with the table."""

from __future__ import annotations

from typing import Any

from xpnet import kernels
from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.scatter import known, sums_of_runs


@kernels.sum_of_rows.on("numpy")
def sum_of_rows(g: Host, indices: Host, size: int) -> Any:
    g, indices = known(g, indices, size)
    return sums_of_runs(g, indices, size) if len(g) else (indices, g)


@kernels.put_rows.on("numpy")
def put_rows(W: Host, rows: Host, values: Host) -> Host:
    if not W.flags.writeable:
        W = W.copy()
    W[rows] = values
    return W
