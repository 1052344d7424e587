"""Pools of large windows that lie side by side, on images in C order: a window is a row of values, a tile."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.fast.numpy.windows import BLOCK
from xpnet.kernels.windows import Sizes
from xpnet.layers.adaptive_pooling import AdaptiveMaxPooling, GlobalMaxPooling
from xpnet.layers.bodies import Body, body

MANY = 32  # cells of a window from which on one row of them takes less time than cells in pairs
FEW, MOST, OWN = 8, 100, 512  # bins that are pooled one after another: few, or more of so many values each


def in_tiles(x: Host, size: Sizes) -> bool:
    """Return whether images are to be pooled in tiles of a size."""
    return prod(size) >= MANY and x.size > 0 and x.flags.c_contiguous and of_one(x)


def largest_of_tiles(x: Host, size: Sizes) -> tuple[Host, Host]:
    """Return the maximum of each tile and the place in x in one axis that has it, the first; of NaN it may be wrong.

    Shapes: ``x (N, C, H, W)``, ``y (N, C, OH, OW)``, places as ``y``.
    """
    N, C, *lengths = x.shape
    places = [length // F for length, F in zip(lengths, size, strict=True)]
    planes, axes = x.reshape(N * C, *lengths), len(size)
    y = np.empty((N * C, *places), x.dtype)
    winner = np.empty(y.shape, np.intp)
    whole = tuple([slice(count * F) for count, F in zip(places, size, strict=True)])
    apart = [part for pair in zip(places, size, strict=True) for part in pair]  # places and cells of each axis in turns
    order = (0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2))
    step = max(1, BLOCK // prod(lengths))
    for start in range(0, N * C, step):
        part = planes[(slice(start, start + step), *whole)]
        tiles = part.reshape(-1, *apart).transpose(order).reshape(-1, prod(size))
        won = tiles.argmax(axis=1)
        y[start : start + step] = tiles[np.arange(len(won)), won].reshape(-1, *places)
        winner[start : start + step] = won.reshape(-1, *places)
    place = np.arange(N * C).reshape(-1, *[1] * axes)
    cells, numbers = np.unravel_index(winner, size), np.ogrid[tuple(map(slice, places))]
    for length, F, number, cell in zip(lengths, size, numbers, cells, strict=True):
        place = place * length + (number * F + cell)
    return y.reshape(N, C, *places), place.reshape(N, C, *places)


def to_places(dout: Host, place: Host, shape: tuple[int, ...]) -> Host:
    """Return images of a shape with dout at its places, of which no two are the same, and else 0."""
    dx = np.zeros(shape, dout.dtype)
    dx.reshape(-1)[place.reshape(-1)] = dout.reshape(-1)
    return dx


def sum_of_tiles(x: Host, size: Sizes) -> Host:
    """Return the sum of each tile."""
    for axis, F in zip(range(x.ndim - 1, 1, -1), reversed(size), strict=True):
        *before, length = x.shape[: axis + 1]
        rows = x[(slice(None),) * axis + (slice(length // F * F),)].reshape(
            *before, length // F, F, *x.shape[axis + 1 :]
        )
        x = rows @ np.ones(F, x.dtype) if axis == x.ndim - 1 else rows.sum(axis=axis + 1)
    return x


def over_tiles(share: Host, size: Sizes, shape: tuple[int, ...]) -> Host:
    """Return images of a shape whose tiles hold one value each, and 0 beyond them."""
    for axis in range(share.ndim - 1, 1, -1):
        share = share.repeat(size[axis - 2], axis=axis)
    if share.shape == shape:
        return share
    dx = np.zeros(shape, share.dtype)
    dx[tuple(map(slice, share.shape))] = share
    return dx


@body("numpy", AdaptiveMaxPooling)
class LargestOfBins(Body):
    """Max pooling of bins, one after another over all images."""

    def forward(self, x: Host) -> Any:
        bins = self.layer.bins(x)
        if prod(bins) > min(MOST, max(FEW, x.size // OWN)) or not of_one(x):
            return NotImplemented
        N, C, *size = x.shape
        y, winner = np.empty((N * C, *bins), x.dtype), np.empty((N * C, *bins), np.intp)
        numbers = np.arange(prod(size)).reshape(size)
        for at in np.ndindex(bins):
            own = tuple([slice(i * n // k, -(-(i + 1) * n // k)) for i, n, k in zip(at, size, bins, strict=True)])
            cells = x[(slice(None), slice(None), *own)]
            cells = cells.reshape(N * C, prod(cells.shape[2:]))
            won = cells.argmax(axis=1)
            y[(slice(None), *at)] = cells[np.arange(N * C), won]
            winner[(slice(None), *at)] = numbers[own].reshape(-1)[won]
        if np.isnan(y).any():  # the first one has won here
            return NotImplemented
        self.cache = winner, x.shape
        return y.reshape(N, C, *bins)

    def backward(self, dout: Host) -> Any:
        winner, shape = self.cache
        dx, dout = np.zeros((len(winner), prod(shape[2:])), dout.dtype), dout.reshape(winner.shape)
        for at in np.ndindex(winner.shape[1:]):  # a place may win several bins, which overlap
            dx[np.arange(len(winner)), winner[(slice(None), *at)]] += dout[(slice(None), *at)]
        return dx.reshape(shape)


@body("numpy", GlobalMaxPooling)
class LargestOfAll(LargestOfBins):
    """Max pooling of whole images."""

    def forward(self, x: Host) -> Any:
        y = super().forward(x)
        return y if y is NotImplemented else y.reshape(x.shape[:2])
