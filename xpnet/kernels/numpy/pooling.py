"""NumPy bodies of pooling: cells in pairs, on images with the batch last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.kernels.numpy.windows import batch_first, batch_last, under_cells, zeros_under
from xpnet.kernels.standard import pooling as standard
from xpnet.kernels.standard.windows import Pair, Window


@standard.max_pooling.on("numpy")
def max_pooling(x: Any, window: Window) -> Any:
    if x.ndim != 4:
        return standard.max_pooling.reference(x, window)
    y, winner = first_largest(under_cells(batch_last(x, window.pad, -np.inf), window, window.places(x.shape)))
    if np.isnan(y).any() or (any(window.pad) and np.isneginf(y).any()):  # the border must not win
        return standard.max_pooling.reference(x, window)
    return batch_first(y), batch_first(winner)


def first_largest(cells: Sequence[Any]) -> tuple[Any, Any]:
    """The largest of some arrays, and which that is, the first of equals; for NaN it need not be the NaN."""
    y = cells[0].copy()
    counted = np.uint8 if len(cells) <= 256 else np.int32
    winner = np.zeros(y.shape, dtype=counted)
    for k, other in enumerate(cells[1:], 1):
        better = np.greater(other, y).view(np.uint8).astype(counted, copy=False)
        np.maximum(y, other, out=y)
        better *= k  # a later winner has the larger number: no masked copy, which is slow
        np.maximum(winner, better, out=winner)
    return y, winner


@standard.max_pooling_backward.on("numpy")
def max_pooling_backward(dout: Any, winner: Any, size: Pair, window: Window) -> Any:
    if dout.ndim != 4 or dout.dtype.char == "e" or not np.isfinite(dout).all():  # 0 times infinity is NaN
        return standard.max_pooling_backward.reference(dout, winner, size, window)
    dx = zeros_under(window, size, dout, dout.shape[1])
    dout, winner = batch_last(dout), batch_last(winner)
    for k, cell in enumerate(under_cells(dx, window, dout.shape[1:3])):
        if window.stride == window.size:
            np.multiply(dout, winner == k, out=cell)
        else:
            cell += dout * (winner == k)
    return batch_first(dx, window.pad)


@standard.average_pooling.on("numpy")
def average_pooling(x: Any, window: Window) -> Any:
    if x.ndim != 4 or x.dtype.char == "e":
        return standard.average_pooling.reference(x, window)
    y, *others = under_cells(batch_last(x, window.pad), window, window.places(x.shape))
    y = y.copy()
    for other in others:
        y += other
    y /= window.size[0] * window.size[1]
    return batch_first(y)


@standard.average_pooling_backward.on("numpy")
def average_pooling_backward(dout: Any, size: Pair, window: Window) -> Any:
    if dout.ndim != 4 or dout.dtype.char == "e":
        return standard.average_pooling_backward.reference(dout, size, window)
    dx = zeros_under(window, size, dout, dout.shape[1])
    share = batch_last(dout) / (window.size[0] * window.size[1])
    for cell in under_cells(dx, window, share.shape[1:3]):
        cell += share
    return batch_first(dx, window.pad)
