"""NumPy bodies of the convolution: columns in blocks that stay in cache, and a product for each block."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xpnet.backend.halves import in_float32
from xpnet.fast.numpy.blocks import workspace
from xpnet.kernels.numpy.windows import (
    add_columns,
    batch_first,
    batch_last,
    columns_in_blocks,
    in_blocks,
    zeros_under,
)
from xpnet.kernels.standard import convolution as standard
from xpnet.kernels.standard.windows import Pair, Window


@standard.convolution.on("numpy")
@in_float32
def convolution(x: Any, W: Any, b: Any, window: Window, groups: int) -> Any:
    if x.dtype != W.dtype or (b is not None and b.dtype != x.dtype):
        return standard.convolution.reference(x, W, b, window, groups)
    places, N, M = window.places(x.shape), x.shape[0], W.shape[0]
    y = np.empty((M, *places, N), dtype=x.dtype)
    channels, filters = by_group(y, groups), by_group(W, groups)
    for rows, columns in columns_in_blocks(x, window, places, groups):
        block = channels[..., rows.at]
        np.matmul(filters, columns, out=block)
        if b is not None:
            block += b.reshape(groups, M // groups, 1)
    return batch_first(y)


@standard.convolution_dw.on("numpy")
@in_float32
def convolution_dw(dout: Any, x: Any, window: Window, groups: int) -> Any:
    M, C, places = dout.shape[1], x.shape[1], dout.shape[-2:]
    channels = by_group(batch_last(dout), groups)
    dW: Any = 0.0
    for rows, columns in columns_in_blocks(x, window, places, groups):
        dW += channels[..., rows.at] @ columns.transpose(0, 2, 1)
    return dW.reshape(M, C // groups, *window.size)


@standard.convolution_dx.on("numpy")
@in_float32
def convolution_dx(dout: Any, W: Any, size: Pair, window: Window, groups: int) -> Any:
    if dout.dtype != W.dtype:
        return standard.convolution_dx.reference(dout, W, size, window, groups)
    C, places = groups * W.shape[1], dout.shape[-2:]
    channels, filters = by_group(batch_last(dout), groups), by_group(W, groups).transpose(0, 2, 1)
    dx = zeros_under(window, size, dout, C)
    for rows in in_blocks(places, dout.shape[0], groups * filters.shape[1]):
        block = channels[..., rows.at]
        columns = workspace("columns", (*filters.shape[:2], block.shape[-1]), dout.dtype)
        np.matmul(filters, block, out=columns)
        add_columns(dx, columns, window, rows)
    return batch_first(dx, window.pad)


def by_group(rows: Any, groups: int) -> Any:
    """``(groups, M/groups, rest)`` of ``(M, ...)``."""
    M, *rest = rows.shape
    return rows.reshape(groups, M // groups, math.prod(rest))
