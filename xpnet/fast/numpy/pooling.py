"""NumPy bodies of pooling: cells in pairs, on images with the batch last."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.fast.numpy.tiles import in_tiles, largest_of_tiles, over_tiles, sum_of_tiles, to_places
from xpnet.fast.numpy.windows import batch_first, batch_last, under_cells, zeros_under
from xpnet.layers.bodies import Body, body
from xpnet.layers.pooling import (
    AveragePooling,
    AveragePooling1D,
    AveragePooling3D,
    MaxPooling,
    MaxPooling1D,
    MaxPooling3D,
)


@body("numpy", MaxPooling)
@body("numpy", MaxPooling1D)
@body("numpy", MaxPooling3D)
class LargestOfCells(Body):
    """Max pooling that compares cells without regard to NaN or the border, and uses products with 0 and 1 for choices.

    Values for which that makes a difference are left to the equations.
    """

    def forward(self, x: Host) -> Any:
        window = self.layer.window_on(x.shape)
        if not of_one(x):
            return NotImplemented
        if window.side_by_side and not window.bordered and in_tiles(x, window.size):
            y, place = largest_of_tiles(x, window.size)
            if np.isnan(y).any():
                return NotImplemented
            self.cache = place, x.shape, None
            return y
        y, winner = first_largest(under_cells(batch_last(x, window, -np.inf), window, window.places(x.shape)))
        if np.isnan(y).any() or (window.bordered and np.isneginf(y).any()):  # the border must not win
            return NotImplemented
        self.cache = winner, x.shape[2:], window
        return batch_first(y)

    def backward(self, dout: Any) -> Any:
        winner, size, window = self.cache
        if window is None:
            return to_places(dout, winner, size)
        N, C, *places = dout.shape
        dx = zeros_under(window, size, C, N, dout.dtype)
        dout = batch_last(dout)
        finite = np.isfinite(dout).all()  # 0 times infinity is NaN
        for k, cell in enumerate(under_cells(dx, window, tuple(places))):
            if not finite:
                cell += np.where(winner == k, dout, 0)
            elif window.side_by_side:
                np.multiply(dout, winner == k, out=cell)
            else:
                cell += dout * (winner == k)
        return batch_first(dx, window)


@body("numpy", AveragePooling)
@body("numpy", AveragePooling1D)
@body("numpy", AveragePooling3D)
class MeanOfCells(Body):
    """Average pooling that adds the cells in place of the first, in long runs of memory."""

    def forward(self, x: Host) -> Any:
        window = self.layer.window_on(x.shape)
        if not of_one(x):
            return NotImplemented
        counted = counts(self.layer, x)
        if window.side_by_side and not window.bordered and in_tiles(x, window.size):  # all count as many
            self.cache = x.shape, window, counted, True
            return sum_of_tiles(x, window.size) / counted
        first, *others = under_cells(batch_last(x, window), window, window.places(x.shape))
        y = first.copy()
        for other in others:
            y += other
        y /= counted
        self.cache = x.shape, window, counted, False
        return batch_first(y)

    def backward(self, dout: Any) -> Any:
        (shape, window, counted, tiled), (N, C, *places) = self.cache, dout.shape
        if tiled:
            return over_tiles(dout / counted, window.size, shape)
        dx = zeros_under(window, shape[2:], C, N, dout.dtype)
        share = batch_last(dout) / counted
        for cell in under_cells(dx, window, tuple(places)):
            cell += share
        return batch_first(dx, window)


def counts(layer: Any, x: Host) -> Any:
    """Return how many cells count at each place of images with the batch last, or one number for all places."""
    each = [np.asarray(along, x.dtype) for along in layer.counts_along_axes(x.shape)]
    found: Any = reduce(np.multiply, np.ix_(*each, np.ones(1, x.dtype)))
    return found if np.ptp(found) else found.flat[0]


def first_largest(cells: Sequence[Host] | Host) -> tuple[Host, Host]:
    """Return the maximum of some arrays and the index of the first one that has it; for NaN the index may be wrong."""
    y = cells[0].copy()
    counted = np.uint8 if len(cells) <= 256 else np.int32
    winner = np.zeros(y.shape, dtype=counted)
    for k, other in enumerate(cells[1:], 1):
        better: Host = np.greater(other, y).view(np.uint8).astype(counted, copy=False)
        np.maximum(y, other, out=y)
        better *= k  # a later winner has the larger number: no masked copy, which is slow
        np.maximum(winner, better, out=winner)
    return y, winner
