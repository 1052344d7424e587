"""NumPy bodies of layers that a network runs as one.

A pool of four cells sees four outputs of the convolution, side by side. Their patches lie in one larger patch: so a
product of the larger patches with each filter, put at its four places among zeros, yields the four values of every
pool as four slabs, of which the largest is taken slab by slab; bias and ReLU come after it, on a fourth of the values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import workspace
from xpnet.kernels.numpy.pooling import first_largest
from xpnet.kernels.numpy.windows import add_columns, batch_first, batch_last, in_blocks, patches, zeros_under
from xpnet.kernels.standard import joint as standard
from xpnet.kernels.standard.activation import relu_backward
from xpnet.kernels.standard.windows import Window

MORE = 32  # zeros in a larger patch beyond which their products cost more than the slabs spare


def take_largest(slabs: Any, b: Any, y: Any, winner: Any, first: int) -> None:
    """``y = max(maxₖ slabs + b, 0)`` from a place on, and which slab won."""
    at = slice(first, first + slabs.shape[-1])
    block, winner[:, at] = first_largest(slabs)
    block += b[:, None]
    np.maximum(block, np.zeros_like(block), out=y[:, at])


def part_among_slabs(dout: Any, winner: Any, first: int, slabs: Any) -> None:
    """What a value passes back to its slab, from a place on; the others get 0."""
    at = slice(first, first + slabs.shape[-1])
    for k, slab in enumerate(slabs):
        np.multiply(dout[:, at], winner[:, at] == k, out=slab)


@standard.convolution_relu_pooling.on("numpy")
def convolution_relu_pooling(
    x: Any, W: Any, b: Any, window: Window, groups: int, pool: Window, take: Callable[..., None] = take_largest
) -> Any:
    if not pays(W, window, groups, pool) or not x.dtype == W.dtype == b.dtype:
        return standard.convolution_relu_pooling.reference(x, W, b, window, groups, pool)
    N, M, large = x.shape[0], W.shape[0], larger_patches(window, pool)
    places = large.places(x.shape)
    filters = at_every_cell(W, pool)
    y, winner = np.empty((M, *places, N), dtype=x.dtype), np.empty((M, *places, N), dtype=np.uint8)
    largest, cells = y.reshape(M, -1), winner.reshape(M, -1)
    columns = np.ascontiguousarray(patches(x, large, places)).reshape(filters.shape[1], -1)
    for rows in in_blocks(places, N, len(columns)):
        block = columns[:, rows.at]
        slabs = workspace("slabs", (len(filters), block.shape[1]), x.dtype)
        with np.errstate(invalid="ignore"):
            np.matmul(filters, block, out=slabs)
        take(slabs.reshape(len(pool.cells), M, -1), b, largest, cells, rows.at.start)
    if np.isnan(y).any():  # a zero of a larger patch times ∞, too
        return standard.convolution_relu_pooling.reference(x, W, b, window, groups, pool)
    return batch_first(y), batch_first(winner), columns


@standard.convolution_relu_pooling_backward.on("numpy")
def convolution_relu_pooling_backward(
    dout: Any,
    x: Any,
    columns: Any,
    W: Any,
    y: Any,
    winner: Any,
    window: Window,
    groups: int,
    pool: Window,
    needs_dx: bool,
    part: Callable[..., None] = part_among_slabs,
) -> Any:
    if columns is x or not dout.dtype == x.dtype == W.dtype:
        return standard.convolution_relu_pooling_backward.reference(
            dout, x, x, W, y, winner, window, groups, pool, needs_dx
        )
    M, large = W.shape[0], larger_patches(window, pool)
    places = dout.shape[-2:]
    dout = np.asarray(relu_backward(batch_last(dout), batch_last(y))).reshape(M, -1)
    winner = batch_last(winner).reshape(M, -1)
    filters = at_every_cell(W, pool)
    dx = zeros_under(large, x.shape[-2:], x, x.shape[1]) if needs_dx else None
    dfilters = np.zeros_like(filters)
    for rows in in_blocks(places, x.shape[0], len(columns)):
        block = columns[:, rows.at]
        slabs = workspace("slabs", (len(pool.cells), M, block.shape[1]), dout.dtype)
        part(dout, winner, rows.at.start, slabs)
        slabs = slabs.reshape(filters.shape[0], -1)
        dfilters += slabs @ block.T
        if dx is not None:
            add_columns(dx, filters.T @ slabs, large, rows)
    dW = from_every_cell(dfilters, W.shape, pool)
    return None if dx is None else batch_first(dx, window.pad), dW, dout.sum(axis=1)


def pays(W: Any, window: Window, groups: int, pool: Window) -> bool:
    """Whether there are larger patches, and with few enough zeros."""
    (_, C, FH, FW), (PH, PW) = W.shape, pool.size
    side_by_side = pool.stride == pool.size and not any(pool.pad)
    plain = window.stride == window.dilation == (1, 1) and groups == 1
    return side_by_side and plain and C * ((FH + PH - 1) * (FW + PW - 1) - FH * FW) <= MORE


def larger_patches(window: Window, pool: Window) -> Window:
    """The window that sees all that the outputs under a pool see, and moves as the pool does."""
    (FH, FW), (PH, PW) = window.size, pool.size
    return Window((FH + PH - 1, FW + PW - 1), pool.size, window.pad)


def at_every_cell(W: Any, pool: Window) -> Any:
    """The filters of the larger patches, each filter at each cell of the pool: ``(PH PW M, C (FH + PH - 1) ...)``."""
    (M, C, FH, FW), (PH, PW) = W.shape, pool.size
    filters = np.zeros((PH * PW, M, C, FH + PH - 1, FW + PW - 1), dtype=W.dtype)
    for k, (i, j) in enumerate(pool.cells):
        filters[k, :, :, i : i + FH, j : j + FW] = W
    return filters.reshape(PH * PW * M, -1)


def from_every_cell(filters: Any, shape: tuple[int, ...], pool: Window) -> Any:
    """The transpose of ``at_every_cell``: the sum of what came to a filter at each cell."""
    (M, C, FH, FW), (PH, PW) = shape, pool.size
    filters = filters.reshape(PH * PW, M, C, FH + PH - 1, FW + PW - 1)
    return sum(filters[k, :, :, i : i + FH, j : j + FW] for k, (i, j) in enumerate(pool.cells))
