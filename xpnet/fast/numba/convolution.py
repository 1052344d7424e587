"""Convolutions by tiles, over rows that threads share; no columns are made."""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from xpnet.fast.numba.correlation import add_products, correlate
from xpnet.fast.numba.threads import shared
from xpnet.fast.numba.tiles import WIDE
from xpnet.fast.numpy import convolution
from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.fast.numpy.windows import batch_first, batch_last
from xpnet.kernels.windows import Border, Sizes, Window
from xpnet.layers.bodies import body
from xpnet.layers.convolution import Convolution, Convolution1D, Convolution3D
from xpnet.layers.transposed_convolution import (
    TransposedConvolution,
    TransposedConvolution1D,
    TransposedConvolution3D,
)


class Seen(NamedTuple):
    """Images as the filters see them: flat, with a border, their columns sorted by the remainder of the stride.

    ``rows`` are the starts of the rows of places, ``at`` the distances of the cells of a filter, and ``group`` that of
    two groups of channels.
    """

    images: Host
    rows: Host
    at: Host
    group: int


def fits(x: Host, *lengths: int) -> bool:
    """Return whether each row of places fills a vector."""
    return min(lengths) * x.itemsize >= WIDE


def strides_of(shape: Sizes) -> list[int]:
    """Return the distances between elements of a contiguous array along each axis."""
    return [prod(shape[at + 1 :]) for at in range(len(shape))]


def summed_up(each: list[Any]) -> Host:
    """Return the sums of one number out of each list, in order, as whole numbers in one axis."""
    total = np.zeros((), np.int64)
    for numbers in each:
        total = np.add.outer(total, np.asarray(numbers, np.int64))
    return total.reshape(-1)


@lru_cache(maxsize=128)
def places_of(window: Window, places: Sizes, room: Sizes, N: int, channels: int) -> tuple[Host, Host, int]:
    """Return rows, distances and the distance of two groups of channels, in images with a border of some room."""
    s = window.stride[-1]
    *outer, phase, column = strides_of((*room[:-1], s, -(-room[-1] // s) * N))
    lengths = [*outer, phase]
    channel = prod(room[:-1]) * s * -(-room[-1] // s) * N
    rows = summed_up([
        [own * step * i for i in range(count)]
        for own, step, count in zip(window.stride[:-1], outer, places[:-1], strict=True)
    ])  # fmt: skip
    cells = [
        [d * k * step for k in range(F)]
        for d, step, F in zip(window.dilation[:-1], lengths[:-1], window.size[:-1], strict=True)
    ]
    last = [window.dilation[-1] * k for k in range(window.size[-1])]
    columns = [l % s * phase + l // s * N * column for l in last]  # noqa: E741
    at = summed_up([[c * channel for c in range(channels)], *cells, columns])
    return rows, at, channels * channel


def seen(x: Host, window: Window, places: Sizes, groups: int) -> Seen:
    """Return images ``(N, C, ...)`` as the filters of a window see them."""
    N, C, *size = x.shape
    room, s = window.room(tuple(size)), window.stride[-1]
    images = batch_last(x, window)
    if s > 1:  # columns that a filter sees side by side then lie so
        width = -(-room[-1] // s)
        sorted_ = np.empty((C, *room[:-1], s, width, N), x.dtype)
        for r in {window.dilation[-1] * k % s for k in range(window.size[-1])}:
            part = images[..., r::s, :]
            sorted_[..., r, : part.shape[-2], :] = part
        images = sorted_
    return Seen(images.reshape(-1), *places_of(window, places, room, N, C // groups))


def correlated(given: Seen, W: Host, b: Host, groups: int, places: Sizes, N: int) -> Host:
    """Return ``y[m] = b[m] + Σ W[m, c, k] x[c, k]`` at all places, ``(M, OH, OW, N)``."""
    M, L = len(W), places[-1] * N
    y = np.empty((M, *places, N), W.dtype)
    own = M // groups
    weights = np.ascontiguousarray(W.reshape(groups, own, len(given.at)).swapaxes(1, 2)).reshape(-1)
    dy, jobs = prod(places) * N, groups * len(given.rows)
    y_rows = np.arange(len(given.rows)) * L
    told = y.reshape(-1), y_rows, dy, given.images, given.rows, given.group, weights, given.at, b, own, L
    shared(jobs, y.size * len(given.at), partial(correlate, *told))
    return y


def products(given: Seen, d: Host, shape: tuple[int, ...], groups: int) -> tuple[Host, Host]:
    """Return ``dW[m, c, k] = Σ d[m] x[c, k]`` in a shape, and ``db = Σ d``, for d ``(M, OH, OW, N)``."""
    M, L = len(d), d.shape[-2] * d.shape[-1]
    own, K = M // groups, len(given.at)
    flat, dd = d.reshape(-1), d.size // M

    def run(first: int, last: int) -> tuple[Host, Host]:
        dW, db = np.zeros(M * K, d.dtype), np.zeros(M, d.dtype)
        spare = np.empty(own * (WIDE // d.itemsize), d.dtype)
        add_products(dW, db, spare, flat, dd, given.images, given.rows, given.group, given.at, own, L, first, last)
        return dW, db

    parts = shared(groups * len(given.rows), d.size * K, run)
    dW, db = (sum(part[1:], start=part[0]) for part in zip(*parts, strict=True))
    return dW.reshape(shape), db


class Phase(NamedTuple):
    """The elements along an axis that are as far from a multiple of the stride, and the cells that see them.

    ``first`` and ``number`` are theirs, ``start`` is the place from which a cell at distance 0 sees the first of them,
    and ``cells`` are the cells with their distances in places.
    """

    first: int
    number: int
    start: int
    cells: list[tuple[int, int]]


@lru_cache(maxsize=128)
def phases(window: Window, size: Sizes) -> list[list[Phase]]:
    """Return the phases along each axis of images of a size."""
    found = []
    for length, s, d, F, (before, _) in zip(size, window.stride, window.dilation, window.size, window.pad, strict=True):
        along = []
        for r in range(s):
            first = (r - before) % s
            cells = [(k, (d * k - r) // s) for k in range(F) if (d * k - r) % s == 0]
            along.append(Phase(first, max(0, -(-(length - first) // s)), (first + before) // s, cells))
        found.append([phase for phase in along if phase.number])
    return found


@lru_cache(maxsize=128)
def border_of_dout(window: Window, size: Sizes, places: Sizes) -> Border:
    """Return the border around dout that its places outside the images need."""
    border = []
    for along, count in zip(phases(window, size), places, strict=True):
        before = [distance - phase.start for phase in along for _, distance in phase.cells]
        after = [phase.start + phase.number - distance - count for phase in along for _, distance in phase.cells]
        border.append((max([0, *before]), max([0, *after])))
    return tuple(border)


def spread(d: Host, W: Host, b: Host, window: Window, size: Sizes, groups: int) -> Host | None:
    """Return the transpose of ``correlated`` plus b, ``(C, H, W, N)`` from d ``(M, OH, OW, N)``; None for short rows.

    What an element gets comes from the same cells as for those a multiple of the stride away: so their sums are
    correlations of d with these cells.
    """
    M, *places, N = d.shape
    along = phases(window, size)
    if not fits(d, *[phase.number * N for phase in along[-1]]):
        return None
    border = border_of_dout(window, size, tuple(places))
    around = Window((1,) * len(size), (1,) * len(size), border, (1,) * len(size))
    images = batch_last(batch_first(d), around)
    *outer, column = strides_of(images.shape[1:-1])
    steps = [step * N for step in (*outer, column)]
    channel = images.size // M
    C, own = groups * W.shape[1], M // groups
    filters = W.reshape(groups, own, W.shape[1], *window.size)
    s, width = window.stride[-1], -(-size[-1] // window.stride[-1])
    whole = all(phase.cells for each in along for phase in each)
    y = (np.empty if whole else np.zeros)((C, *size[:-1], s, width, N), d.dtype)
    if not whole and b.any():
        y += b.reshape(-1, *(1,) * (y.ndim - 1))
    flat, flat_images = y.reshape(-1), images.reshape(-1)
    y_steps = strides_of(y.shape)[1:-3]
    for chosen in product(*along):
        if not all(phase.cells for phase in chosen):
            continue
        picked = filters[(slice(None),) * 3 + np.ix_(*[[k for k, _ in phase.cells] for phase in chosen])]
        weights = np.ascontiguousarray(np.moveaxis(picked, 2, -1)).reshape(-1)
        at = summed_up([
            [m * channel for m in range(own)],
            *[[-distance * step for _, distance in phase.cells] for phase, step in zip(chosen, steps, strict=True)],
        ])  # fmt: skip
        starts = [
            [(phase.start + before + i) * step for i in range(phase.number)]
            for phase, (before, _), step in zip(chosen[:-1], border[:-1], steps[:-1], strict=True)
        ]
        begin = (chosen[-1].start + border[-1][0]) * steps[-1]
        x_rows = summed_up([[begin], *starts])
        r = chosen[-1].first
        y_rows = summed_up([
            [r * width * N],
            *[
                [(phase.first + own_s * i) * step for i in range(phase.number)]
                for phase, own_s, step in zip(chosen[:-1], window.stride[:-1], y_steps, strict=True)
            ],
        ])  # fmt: skip
        L = chosen[-1].number * N

        told = flat, y_rows, y.size // C, flat_images, x_rows, own * channel, weights, at, b, C // groups, L
        shared(groups * len(x_rows), C * len(x_rows) * L * len(at), partial(correlate, *told))
    if s == 1:
        return y.reshape(C, *size, N)
    found = np.empty((C, *size, N), d.dtype)
    for r in range(s):
        part = found[..., r::s, :]
        part[...] = y[..., r, : part.shape[-2], :]
    return found


def bias_of(layer: Any, size: int, dtype: Any) -> Host:
    """Return the bias of a layer, or zeros."""
    return np.ascontiguousarray(layer.b) if "b" in layer.parameters else np.zeros(size, dtype)


@body("numba", Convolution)
@body("numba", Convolution1D)
@body("numba", Convolution3D)
class ConvolutionByTiles(convolution.ConvolutionInBlocks):
    """A convolution whose tiles of y, dW and dx are summed up in registers, from the images where they lie."""

    def forward(self, x: Host) -> Any:
        layer, W, groups = self.layer, self.layer.W, self.layer.groups
        if not of_one(x, *layer.parameter_arrays().values()):
            return NotImplemented
        window = layer.window_on(x.shape)
        places = window.places(x.shape)
        self.tiled = bool(x.size and fits(x, places[-1] * len(x)))
        if not self.tiled:
            return super().forward(x)
        given = seen(x, window, places, groups)
        self.cache = given, x.shape, window
        return batch_first(correlated(given, W, bias_of(layer, len(W), x.dtype), groups, places, len(x)))

    def backward(self, dout: Any) -> Any:
        if not self.tiled:
            return super().backward(dout)
        layer, (given, shape, window) = self.layer, self.cache
        d = batch_last(dout)
        if self.trains:
            layer.dW, layer.db = products(given, d, layer.W.shape, layer.groups)
        if not self.needs_dx:
            return None
        none = np.zeros(shape[1], d.dtype)
        dx = spread(d, layer.W, none, window, shape[2:], layer.groups)
        if dx is None:
            return batch_first(self.added(d, window, shape), window)
        return batch_first(dx)

    def added(self, d: Host, window: Window, shape: tuple[int, ...]) -> Host:
        """Return dx by the columns, with the border of the window."""
        channels = convolution.by_group(d, self.layer.groups)
        return convolution.added_up(self.layer, window, channels, shape[2:], d.shape[1:-1], shape[0])


@body("numba", TransposedConvolution)
@body("numba", TransposedConvolution1D)
@body("numba", TransposedConvolution3D)
class TransposedConvolutionByTiles(convolution.TransposedConvolutionInBlocks):
    """A transposed convolution, whose forward is the dx of a convolution, and whose dx is a convolution."""

    def forward(self, x: Host) -> Any:
        layer = self.layer
        if not of_one(x, *layer.parameter_arrays().values()):
            return NotImplemented
        size = layer.size_of_y(x)
        window, d = layer.window_on(size), batch_last(x)
        b = bias_of(layer, layer.filters_of_y, x.dtype)
        y = spread(d, layer.W, b, window, size, layer.groups) if x.size and fits(x, x.shape[-1] * len(x)) else None
        self.tiled = y is not None
        if y is None:
            return super().forward(x)
        self.cache = x.shape, d, window
        return batch_first(y)

    def backward(self, dout: Any) -> Any:
        if not self.tiled:
            return super().backward(dout)
        layer, (shape, d, window) = self.layer, self.cache
        places, groups = shape[2:], layer.groups
        given = seen(dout, window, places, groups)
        if self.trains:
            layer.dW, _ = products(given, d, layer.W.shape, groups)
            layer.db = batch_last(dout).reshape(dout.shape[1], -1).sum(axis=1)
        if not self.needs_dx:
            return None
        none = np.zeros(shape[1], d.dtype)
        return batch_first(correlated(given, layer.W, none, groups, places, shape[0]))
