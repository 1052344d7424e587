"""NumPy bodies of the convolution: columns in blocks that stay in cache, one product for each block."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.kernels.numpy.windows import batch_first, batch_last, blocks_of_rows, columns_in_blocks, under_cells
from xpnet.kernels.standard import convolution as standard
from xpnet.kernels.standard.windows import Pair, Window


@standard.convolution.on("numpy")
def convolution(x: Any, W: Any, b: Any, window: Window, groups: int) -> Any:
    if x.dtype != W.dtype:
        return standard.convolution.reference(x, W, b, window, groups)
    places, N, M = window.places(x.shape), x.shape[0], W.shape[0]
    y = np.empty((M, *places, N), dtype=x.dtype)
    channels, filters = by_group(y, groups), by_group(W, groups)
    for at, columns in columns_in_blocks(x, window, places, groups):
        block = channels[..., at]
        np.matmul(filters, columns, out=block)
        if b is not None:
            block += b.reshape(groups, M // groups, 1)
    return batch_first(y)


@standard.convolution_dw.on("numpy")
def convolution_dw(dout: Any, x: Any, window: Window, groups: int) -> Any:
    M, C, places = dout.shape[1], x.shape[1], dout.shape[-2:]
    channels = by_group(batch_last(dout), groups)
    dW: Any = 0.0
    for at, columns in columns_in_blocks(x, window, places, groups):
        dW += channels[..., at] @ columns.transpose(0, 2, 1)
    return dW.reshape(M, C // groups, *window.size)


@standard.convolution_dx.on("numpy")
def convolution_dx(dout: Any, W: Any, size: Pair, window: Window, groups: int) -> Any:
    N, _, OH, OW = dout.shape
    C, (FH, FW), (ph, pw) = groups * W.shape[1], window.size, window.pad
    channels, filters = by_group(batch_last(dout), groups), by_group(W, groups).transpose(0, 2, 1)
    dx = np.zeros((C, size[0] + 2 * ph, size[1] + 2 * pw, N), dtype=np.result_type(dout, W))
    for rows in blocks_of_rows(C * FH * FW * OW * N, OH):
        columns = filters @ channels[..., rows.start * OW * N : rows.stop * OW * N]
        columns = columns.reshape(C, FH * FW, rows.stop - rows.start, OW, N)
        for k, cell in enumerate(under_cells(dx, window, columns.shape[2:4], rows.start)):
            cell += columns[:, k]
    return batch_first(dx, window.pad)


def by_group(rows: Any, groups: int) -> Any:
    """``(groups, M/groups, rest)`` of ``(M, ...)``."""
    return rows.reshape(groups, rows.shape[0] // groups, -1)
