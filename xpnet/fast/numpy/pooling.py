"""NumPy bodies of pooling: cells in pairs, on images with the batch last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.fast.numpy.windows import batch_first, batch_last, under_cells, zeros_under
from xpnet.layers.bodies import Body, body
from xpnet.layers.pooling import AveragePooling, MaxPooling


@body("numpy", MaxPooling)
class LargestOfCells(Body):
    """Max pooling that compares cells without regard to NaN or the border, and uses products with 0 and 1 for choices.

    Values for which that makes a difference are left to the equations.
    """

    def forward(self, x: Host) -> Any:
        window, places = self.layer.window, self.layer.places_in(x.shape)
        if not of_one(x):
            return NotImplemented
        y, winner = first_largest(under_cells(batch_last(x, window.pad, -np.inf), window, places))
        if np.isnan(y).any() or (any(window.pad) and np.isneginf(y).any()):  # the border must not win
            return NotImplemented
        self.cache = winner, x.shape[-2:]
        return batch_first(y)

    def backward(self, dout: Any) -> Any:
        window, (winner, size) = self.layer.window, self.cache
        N, C, *places = dout.shape
        dx = zeros_under(window, size, C, N, dout.dtype)
        dout = batch_last(dout)
        finite = np.isfinite(dout).all()  # 0 times infinity is NaN
        for k, cell in enumerate(under_cells(dx, window, places)):
            if not finite:
                cell += np.where(winner == k, dout, 0)
            elif window.stride == window.size:
                np.multiply(dout, winner == k, out=cell)
            else:
                cell += dout * (winner == k)
        return batch_first(dx, window.pad)


@body("numpy", AveragePooling)
class MeanOfCells(Body):
    """Average pooling that adds the cells in place of the first, in long runs of memory."""

    def forward(self, x: Host) -> Any:
        window, places = self.layer.window, self.layer.places_in(x.shape)
        if not of_one(x):
            return NotImplemented
        first, *others = under_cells(batch_last(x, window.pad), window, places)
        y = first.copy()
        for other in others:
            y += other
        y /= window.size[0] * window.size[1]
        self.cache = x.shape[-2:]
        return batch_first(y)

    def backward(self, dout: Any) -> Any:
        window, (N, C, *places) = self.layer.window, dout.shape
        dx = zeros_under(window, self.cache, C, N, dout.dtype)
        share = batch_last(dout) / (window.size[0] * window.size[1])
        for cell in under_cells(dx, window, places):
            cell += share
        return batch_first(dx, window.pad)


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
