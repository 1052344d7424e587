"""NumPy bodies of pooling: cells in pairs, on images with the batch last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.kernels.numpy.windows import batch_first, batch_last, under_cells
from xpnet.kernels.standard import pooling as standard
from xpnet.kernels.standard.windows import Pair, Window


@standard.max_pooling.on("numpy")
def max_pooling(x: Any, window: Window) -> Any:
    if x.ndim != 4:
        return standard.max_pooling.reference(x, window)
    y, winner = first_largest(under_cells(batch_last(x, window.pad, -np.inf), window, window.places(x.shape)))
    if np.isnan(y).any():
        return standard.max_pooling.reference(x, window)
    return batch_first(y), batch_first(winner)


def first_largest(cells: Sequence[Any]) -> tuple[Any, Any]:
    """The largest of some arrays, and which that is, the first of equals; for NaN it need not be the NaN."""
    y, *others = cells
    winner = np.zeros(y.shape, dtype=np.uint8 if len(others) < 256 else np.int32)
    y = y.copy()
    for k, other in enumerate(others, 1):
        better = np.greater(other, y)
        np.maximum(y, other, out=y)
        np.maximum(winner, np.multiply(better, k, dtype=winner.dtype), out=winner)  # faster than a masked copy
    return y, winner


@standard.max_pooling_backward.on("numpy")
def max_pooling_backward(dout: Any, winner: Any, size: Pair, window: Window) -> Any:
    if dout.ndim != 4:
        return standard.max_pooling_backward.reference(dout, winner, size, window)
    dout, winner = batch_last(dout), batch_last(winner)
    dx = zeros_under(dout, size, window)
    for k, cell in enumerate(under_cells(dx, window, dout.shape[1:3])):
        if window.stride == window.size:
            np.multiply(dout, winner == k, out=cell)
        else:
            cell += dout * (winner == k)
    return batch_first(dx, window.pad)


@standard.average_pooling.on("numpy")
def average_pooling(x: Any, window: Window) -> Any:
    if x.ndim != 4:
        return standard.average_pooling.reference(x, window)
    y, *others = under_cells(batch_last(x, window.pad), window, window.places(x.shape))
    y = y.copy()
    for other in others:
        y += other
    y /= window.size[0] * window.size[1]
    return batch_first(y)


@standard.average_pooling_backward.on("numpy")
def average_pooling_backward(dout: Any, size: Pair, window: Window) -> Any:
    if dout.ndim != 4:
        return standard.average_pooling_backward.reference(dout, size, window)
    share = batch_last(dout) / (window.size[0] * window.size[1])
    dx = zeros_under(share, size, window)
    for cell in under_cells(dx, window, share.shape[1:3]):
        cell += share
    return batch_first(dx, window.pad)


def zeros_under(dout: Any, size: Pair, window: Window) -> Any:
    """Zeros of the images that a window sees, with border and the batch last."""
    (H, W), (ph, pw) = size, window.pad
    return np.zeros((dout.shape[0], H + 2 * ph, W + 2 * pw, dout.shape[-1]), dtype=dout.dtype)
