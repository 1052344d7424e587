"""NumPy body of convolution, ReLU and max pooling as one.

A pool of four cells sees four outputs of the convolution, side by side. Their patches lie in one larger patch: so a
product of the larger patches with each filter, put at its four places among zeros, yields the four values of every
pool as four slabs, of which the largest is taken slab by slab; bias and ReLU come after it, on a fourth of the values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one, workspace
from xpnet.fast.numpy.pooling import first_largest
from xpnet.fast.numpy.windows import add_columns, batch_first, batch_last, in_blocks, patches, zeros_under
from xpnet.kernels.windows import Window
from xpnet.layers.activation import Relu
from xpnet.layers.bodies import Body, body
from xpnet.layers.convolution import Convolution
from xpnet.layers.pooling import MaxPooling

MORE = 32  # zeros in a larger patch beyond which their products cost more than the slabs spare


@body("numpy", Convolution, Relu, MaxPooling)
class LargestOfSlabs(Body):
    """Convolution, ReLU and pooling: a product gives the values of a pool as slabs, of which only the largest stay."""

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        """Return whether there are larger patches, with few enough zeros."""
        convolution, _, pooling = layers
        window, pool = convolution.window, pooling.window
        (_, C, FH, FW), (PH, PW) = convolution.W.shape, pool.size
        side_by_side = pool.side_by_side and not (pool.bordered or pooling.same or pooling.ceil_mode)
        plain = window.stride == window.dilation == (1, 1) and convolution.groups == 1 and "b" in convolution.parameters
        return side_by_side and plain and C * ((FH + PH - 1) * (FW + PW - 1) - FH * FW) <= MORE

    def forward(self, x: Host) -> Any:
        (layer, _, pooling), W, b = self.layers, self.layer.W, self.layer.b
        if not self.made_for(*self.layers) or not of_one(x, W, b):
            return NotImplemented
        window, pool, N, M = layer.window_on(x.shape), pooling.window, len(x), len(W)
        seen = window.places(x.shape)
        large, places = larger_patches(window, pool), pooling.window_on(seen).places(seen)
        filters = at_every_cell(W, pool)
        y, winner = np.empty((M, *places, N), x.dtype), np.empty((M, *places, N), np.uint8)
        largest, cells = y.reshape(M, -1), winner.reshape(M, -1)
        columns = np.ascontiguousarray(patches(x, large, places)).reshape(filters.shape[1], -1)
        for rows in in_blocks(places, N, len(columns)):
            block = columns[:, rows.at]
            slabs = workspace("slabs", (len(filters), block.shape[1]), x.dtype)
            with np.errstate(invalid="ignore"):
                np.matmul(filters, block, out=slabs)
            self.take_largest(slabs.reshape(len(pool.cells), M, -1), b, largest, cells, rows.at.start)
        if np.isnan(y).any():  # a zero of a larger patch times ∞, too
            return NotImplemented
        self.cache = x.shape, large, columns, largest, cells
        return batch_first(y)

    def take_largest(self, slabs: Host, b: Host, y: Host, winner: Host, first: int) -> None:
        """Write ``y = max(maxₖ slabs + b, 0)`` from a place on, and the index of the slab that won."""
        at = slice(first, first + slabs.shape[-1])
        block, winner[:, at] = first_largest(slabs)
        block += b[:, None]
        np.maximum(block, np.zeros_like(block), out=y[:, at])

    def backward(self, dout: Any) -> Any:
        (N, C, *size), large, columns, largest, cells = self.cache
        layer, pool = self.layer, self.layers[2].window
        M, places = len(layer.W), dout.shape[-2:]
        dlargest = (largest > 0).astype(dout.dtype)
        dlargest *= batch_last(dout).reshape(M, -1)
        filters = at_every_cell(layer.W, pool)
        dx = zeros_under(large, size, C, N, dout.dtype) if self.needs_dx else None
        dfilters = np.zeros_like(filters)
        for rows in in_blocks(places, N, len(columns)):
            block = columns[:, rows.at]
            slabs = workspace("slabs", (len(pool.cells), M, block.shape[1]), dout.dtype)
            self.part_among_slabs(dlargest, cells, rows.at.start, slabs)
            slabs = slabs.reshape(len(filters), -1)
            if self.trains:
                dfilters += slabs @ block.T
            if dx is not None:
                add_columns(dx, filters.T @ slabs, large, rows)
        if self.trains:
            layer.dW, layer.db = from_every_cell(dfilters, layer.W.shape, pool), dlargest.sum(axis=1)
        return None if dx is None else batch_first(dx, large)

    def part_among_slabs(self, dout: Host, winner: Host, first: int, slabs: Host) -> None:
        """Write into each slab the part of dout for the values that it won, from a place on, else 0."""
        at = slice(first, first + slabs.shape[-1])
        for k, slab in enumerate(slabs):
            np.multiply(dout[:, at], winner[:, at] == k, out=slab)


def larger_patches(window: Window, pool: Window) -> Window:
    """Return the window that sees all that the outputs under a pool see, and moves as the pool does."""
    (FH, FW), (PH, PW) = window.size, pool.size
    return Window((FH + PH - 1, FW + PW - 1), pool.size, window.pad, (1, 1))


def at_every_cell(W: Host, pool: Window) -> Host:
    """Return filters of the larger patches, one per filter and cell of the pool: ``(PH PW M, C (FH + PH - 1) ...)``."""
    (M, C, FH, FW), (PH, PW) = W.shape, pool.size
    filters = np.zeros((PH * PW, M, C, FH + PH - 1, FW + PW - 1), dtype=W.dtype)
    for k, (i, j) in enumerate(pool.cells):
        filters[k, :, :, i : i + FH, j : j + FW] = W
    return filters.reshape(PH * PW * M, -1)


def from_every_cell(filters: Host, shape: tuple[int, ...], pool: Window) -> Any:
    """Return the transpose of ``at_every_cell``: the sum for each filter over the cells."""
    (M, C, FH, FW), (PH, PW) = shape, pool.size
    filters = filters.reshape(PH * PW, M, C, FH + PH - 1, FW + PW - 1)
    return sum(filters[k, :, :, i : i + FH, j : j + FW] for k, (i, j) in enumerate(pool.cells))
