"""NumPy bodies of the convolutions: a product for each block of columns, which stays in the processor's cache."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one, workspace
from xpnet.fast.numpy.windows import add_columns, batch_first, batch_last, columns_in_blocks, in_blocks, zeros_under
from xpnet.kernels.windows import Sizes, Window
from xpnet.layers.bodies import Body, body
from xpnet.layers.convolution import Convolution, Convolution1D, Convolution3D
from xpnet.layers.transposed_convolution import (
    TransposedConvolution,
    TransposedConvolution1D,
    TransposedConvolution3D,
)


@body("numpy", Convolution)
@body("numpy", Convolution1D)
@body("numpy", Convolution3D)
class ConvolutionInBlocks(Body):
    """A convolution that makes the columns a block at a time, in memory that is reused, by copying long runs."""

    def forward(self, x: Host) -> Any:
        layer, W, groups = self.layer, self.layer.W, self.layer.groups
        if not of_one(x, *layer.parameter_arrays().values()):
            return NotImplemented
        window = layer.window_on(x.shape)
        places = window.places(x.shape)
        y = np.empty((len(W), *places, len(x)), x.dtype)
        channels, filters = by_group(y, groups), by_group(W, groups)
        b = by_group(layer.b, groups) if "b" in layer.parameters else None
        for rows, columns in columns_in_blocks(x, window, places, groups):
            block = channels[..., rows.at]
            np.matmul(filters, columns, out=block)
            if b is not None:
                block += b
        self.cache = x, window
        return batch_first(y)

    def backward(self, dout: Any) -> Any:
        layer, (x, window), places = self.layer, self.cache, dout.shape[2:]
        channels = by_group(batch_last(dout), layer.groups)
        if self.trains:
            dW: Any = 0.0
            for rows, columns in columns_in_blocks(x, window, places, layer.groups):
                dW += channels[..., rows.at] @ columns.mT
            layer.dW = dW.reshape(layer.W.shape)
            layer.db = channels.sum(axis=2).reshape(-1)
        if not self.needs_dx:
            return None
        return batch_first(added_up(layer, window, channels, x.shape[2:], places, len(x)), window)


@body("numpy", TransposedConvolution)
@body("numpy", TransposedConvolution1D)
@body("numpy", TransposedConvolution3D)
class TransposedConvolutionInBlocks(Body):
    """A transposed convolution: forward is the backward of a convolution; backward makes the columns of dout once."""

    def forward(self, x: Host) -> Any:
        layer = self.layer
        if not of_one(x, *layer.parameter_arrays().values()):
            return NotImplemented
        channels, size = by_group(batch_last(x), layer.groups), layer.size_of_y(x)
        window = layer.window_on(size)
        y = added_up(layer, window, channels, size, x.shape[2:], len(x))
        if "b" in layer.parameters:
            y += layer.b.reshape(-1, *(1,) * (y.ndim - 1))
        self.cache = x.shape, channels, window
        return batch_first(y, window)

    def backward(self, dout: Any) -> Any:
        layer, (shape, channels, window) = self.layer, self.cache
        N, C, *places = shape
        filters, groups = by_group(layer.W, layer.groups), layer.groups
        dx = np.empty((C, *places, N), dout.dtype) if self.needs_dx else None
        dW: Any = 0.0
        for rows, columns in columns_in_blocks(dout, window, tuple(places), groups):
            if self.trains:
                dW += channels[..., rows.at] @ columns.mT
            if dx is not None:
                np.matmul(filters, columns, out=by_group(dx, groups)[..., rows.at])
        if self.trains:
            layer.dW = dW.reshape(layer.W.shape)
            layer.db = batch_last(dout).reshape(dout.shape[1], -1).sum(axis=1)
        return None if dx is None else batch_first(dx)


def added_up(layer: Any, window: Window, channels: Host, size: Sizes, places: Sizes, N: int) -> Host:
    """Return ``col2im(Wᵀ channels)`` as bordered images of a size, with the batch last.

    Shapes: ``channels (G, M/G, OH OW N)``, result ``(C, H + 2p, W + 2p, N)``.
    """
    filters = by_group(layer.W, layer.groups).mT
    x = zeros_under(window, size, layer.groups * layer.W.shape[1], N, channels.dtype)
    for rows in in_blocks(places, N, layer.groups * filters.shape[1]):
        block = channels[..., rows.at]
        columns = workspace("columns", (*filters.shape[:2], block.shape[-1]), channels.dtype)
        np.matmul(filters, block, out=columns)
        add_columns(x, columns, window, rows)
    return x


def by_group(rows: Host, groups: int) -> Host:
    """Return ``(M, ...)`` as ``(groups, M/groups, rest)``."""
    M, *rest = rows.shape
    return rows.reshape(groups, M // groups, math.prod(rest))
