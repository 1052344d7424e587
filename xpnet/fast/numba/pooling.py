"""Poolings in one pass over the images, by compiled loops over windows that threads share.

A window is the places from ``first`` to before ``end`` along each axis, already cut at the border: so bins of any size
are windows, too. Images are planes with runs of values side by side: with the batch last a run is the batch, and in C
order it is one value.
"""

from __future__ import annotations

from functools import lru_cache, partial, reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np

from xpnet.fast.numba.compiler import compiled
from xpnet.fast.numba.threads import shared
from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.fast.numpy.windows import batch_first, turned
from xpnet.kernels.windows import Sizes
from xpnet.layers.adaptive_pooling import AdaptiveAveragePooling, AdaptiveMaxPooling, GlobalMaxPooling
from xpnet.layers.bodies import Body, body
from xpnet.layers.pooling import (
    AveragePooling,
    AveragePooling1D,
    AveragePooling3D,
    MaxPooling,
    MaxPooling1D,
    MaxPooling3D,
)

MANY = 16  # places of a window above which dout is put to each winner by itself, instead of a run at a time
WIDE = 8  # columns of a window above which its largest value is found first, and then its place


class Windows(NamedTuple):
    """The windows at all places of images of three axes: ``first``, ``end`` and the size of the images."""

    first: tuple[Host, Host, Host]
    end: tuple[Host, Host, Host]
    size: Sizes
    places: Sizes


def of_three(each: list[tuple[Host, Host]], size: Sizes) -> Windows:
    """Return windows, given the firsts and ends along the axes of images, of three axes: those they lack come first."""
    one = (np.zeros(1, np.int64), np.ones(1, np.int64))
    whole = [one] * (3 - len(each)) + each
    first, end = (tuple(part) for part in zip(*whole, strict=True))
    return Windows(first, end, (1,) * (3 - len(size)) + size, tuple(map(len, first)))


@lru_cache(maxsize=128)
def windows_of(layer_window: Any, places: Sizes, size: Sizes) -> Windows:
    """Return the windows of a pooling at all places."""
    each = []
    for length, count, F, s, (before, _) in zip(
        size, places, layer_window.size, layer_window.stride, layer_window.pad, strict=True
    ):
        start = np.arange(count) * s - before
        each.append((np.maximum(start, 0), np.minimum(start + F, length)))
    return of_three(each, size)


@lru_cache(maxsize=128)
def bins_of(bins: Sizes, size: Sizes) -> Windows:
    """Return the bins of an adaptive pooling."""
    each = []
    for length, count in zip(size, bins, strict=True):
        i = np.arange(count)
        each.append((i * length // count, -(-(i + 1) * length // count)))
    return of_three(each, size)


def planes(x: Host, run: int) -> Host:
    """Return the values of images in one axis, with the batch last if it is the run, else in C order."""
    return np.ascontiguousarray(turned(x) if run > 1 else x).reshape(-1)


def images(values: Host, shape: tuple[int, ...], run: int) -> Host:
    """Return values in one axis as images of a shape, the inverse of ``planes``."""
    if run == 1:
        return values.reshape(shape)
    return batch_first(values.reshape(*shape[1:], shape[0]))


class PoolingInOnePass(Body):
    """A pooling whose threads each take some planes."""

    def forward(self, x: Host) -> Any:
        windows, places = self.windows(x)
        if not of_one(x):
            return NotImplemented
        run = len(x) if not x.flags.c_contiguous and turned(x).flags.c_contiguous else 1
        count = x.size // (prod(x.shape[2:]) * run) if x.size else 0
        y = np.empty(count * prod(places) * run, x.dtype)
        self.cache = x.shape, run, windows, self.pooled(planes(x, run), y, windows, run, count, x)
        return images(y, (*x.shape[:2], *places), run)

    def backward(self, dout: Any) -> Any:
        shape, run, windows, kept = self.cache
        dx = np.zeros(prod(shape), dout.dtype)
        count = dx.size // (prod(shape[2:]) * run) if dx.size else 0
        self.back(planes(dout, run), dx, windows, run, count, kept)
        return images(dx, shape, run)

    def windows(self, x: Host) -> tuple[Windows, Sizes]:
        """Return the windows on images, and the number of places."""
        window = self.layer.window_on(x.shape)
        places = window.places(x.shape)
        return windows_of(window, places, x.shape[2:]), places

    def pooled(self, x: Host, y: Host, windows: Windows, run: int, count: int, shaped: Host) -> Any:
        """Write y, and return what backward needs."""
        raise NotImplementedError

    def back(self, dout: Host, dx: Host, windows: Windows, run: int, count: int, kept: Any) -> None:
        """Add to dx."""
        raise NotImplementedError


@body("numba", MaxPooling)
@body("numba", MaxPooling1D)
@body("numba", MaxPooling3D)
class MaxInOnePass(PoolingInOnePass):
    """Max pooling that notes the place in the plane that won."""

    def pooled(self, x: Host, y: Host, windows: Windows, run: int, count: int, shaped: Host) -> Any:  # noqa: ARG002
        winner = np.empty(y.size, np.int32)
        told: tuple[Any, ...] = x, y, winner, *windows.first, *windows.end, *windows.size, run
        shared(count, x.size * 4, partial(largest, *told))
        return winner

    def back(self, dout: Host, dx: Host, windows: Windows, run: int, count: int, kept: Any) -> None:
        many = max(prod(sizes) for sizes in zip(*map(widest, windows.first, windows.end), strict=True)) > MANY
        told = dout, dx, kept, *windows.first, *windows.end, *windows.size, run, many
        shared(count, dx.size * 4, partial(to_winners, *told))


@body("numba", AveragePooling)
@body("numba", AveragePooling1D)
@body("numba", AveragePooling3D)
class MeanInOnePass(PoolingInOnePass):
    """Average pooling that divides by what counts at each place."""

    def pooled(self, x: Host, y: Host, windows: Windows, run: int, count: int, shaped: Host) -> Any:
        share = 1.0 / reduce(np.multiply.outer, self.counts(windows, shaped))
        share = np.ascontiguousarray(share, x.dtype).reshape(-1)
        told: tuple[Any, ...] = x, y, share, *windows.first, *windows.end, *windows.size, run
        shared(count, x.size * 4, partial(means, *told))
        return share

    def counts(self, windows: Windows, x: Host) -> list[Host]:  # noqa: ARG002
        """Return how many values count along each axis."""
        return [np.asarray(each, np.float64) for each in self.layer.counts_along_axes(x.shape)]

    def back(self, dout: Host, dx: Host, windows: Windows, run: int, count: int, kept: Any) -> None:
        told = dout, dx, kept, *windows.first, *windows.end, *windows.size, run
        shared(count, dx.size * 4, partial(to_windows, *told))


@body("numba", AdaptiveMaxPooling)
class AdaptiveMaxInOnePass(MaxInOnePass):
    """Max pooling of bins."""

    def windows(self, x: Host) -> tuple[Windows, Sizes]:
        bins = self.layer.bins(x)
        return bins_of(bins, x.shape[2:]), bins


@body("numba", GlobalMaxPooling)
class GlobalMaxInOnePass(AdaptiveMaxInOnePass):
    """Max pooling of whole images."""

    def forward(self, x: Host) -> Any:
        y = super().forward(x)
        return y if y is NotImplemented else y.reshape(x.shape[:2])


@body("numba", AdaptiveAveragePooling)
class AdaptiveMeanInOnePass(MeanInOnePass):
    """Average pooling of bins."""

    windows = AdaptiveMaxInOnePass.windows

    def counts(self, windows: Windows, x: Host) -> list[Host]:  # noqa: ARG002
        return [(end - first).astype(np.float64) for first, end in zip(windows.first, windows.end, strict=True)]


def widest(first: Host, end: Host) -> tuple[int]:
    """Return the most places that a window has along an axis."""
    return (int((end - first).max(initial=0)),)


@compiled
def largest(
    x: Host, y: Host, winner: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any, W: Any,
    run: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Write the largest value of each window, the first of equal ones and NaN before all, and its place."""
    out = begin * len(t0) * len(h0) * len(w0) * run
    for plane in range(begin, last):
        base = plane * T * H * W * run
        for i in range(len(t0)):
            for j in range(len(h0)):
                for k in range(len(w0)):
                    place = (t0[i] * H + h0[j]) * W + w0[k]
                    if run == 1:
                        best, won = x[base + place], place
                        for t in range(t0[i], t1[i]):
                            for h in range(h0[j], h1[j]):
                                line = (t * H + h) * W + w0[k]
                                values = x[base + line : base + line + w1[k] - w0[k]]
                                if len(values) < WIDE:
                                    for w in range(len(values)):
                                        better = (values[w] > best) | (values[w] != values[w])
                                        best = values[w] if better else best
                                        won = line + w if better else won
                                    continue
                                top = values[0]
                                for w in range(1, len(values)):  # compared again only where it wins
                                    top = values[w] if (values[w] > top) | (values[w] != values[w]) else top
                                if top > best or top != top:
                                    best = top
                                    for w in range(len(values)):
                                        if values[w] == top or (top != top and values[w] != values[w]):
                                            won = line + w
                                            if top == top:
                                                break
                        y[out], winner[out] = best, won
                    else:
                        own, places = y[out : out + run], winner[out : out + run]
                        seen = x[base + place * run : base + (place + 1) * run]
                        for n in range(run):
                            own[n] = seen[n]
                            places[n] = np.int32(place)
                        for t in range(t0[i], t1[i]):
                            for h in range(h0[j], h1[j]):
                                for w in range(w0[k], w1[k]):
                                    number = np.int32((t * H + h) * W + w)
                                    at = base + number * run
                                    values = x[at : at + run]
                                    for n in range(run):
                                        value = values[n]
                                        better = (value > own[n]) | (value != value)
                                        own[n] = value if better else own[n]
                                        places[n] = number if better else places[n]
                    out += run


@compiled
def to_winners(
    dout: Host, dx: Host, winner: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any,
    W: Any, run: Any, many: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Add dout to the places that won."""
    zero = dout.dtype.type(0)
    out = begin * len(t0) * len(h0) * len(w0) * run
    for plane in range(begin, last):
        base = plane * T * H * W * run
        for i in range(len(t0)):
            for j in range(len(h0)):
                for k in range(len(w0)):
                    if run == 1 or many:
                        for n in range(run):
                            dx[base + winner[out + n] * run + n] += dout[out + n]
                    else:
                        d, places = dout[out : out + run], winner[out : out + run]
                        for t in range(t0[i], t1[i]):
                            for h in range(h0[j], h1[j]):
                                for w in range(w0[k], w1[k]):
                                    number = np.int32((t * H + h) * W + w)
                                    at = base + number * run
                                    own = dx[at : at + run]
                                    for n in range(run):
                                        own[n] += d[n] if places[n] == number else zero
                    out += run


@compiled
def means(
    x: Host, y: Host, share: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any, W: Any,
    run: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Write the sum of each window times its share."""
    zero = x.dtype.type(0)
    count = len(t0) * len(h0) * len(w0)
    for plane in range(begin, last):
        base, place = plane * T * H * W * run, 0
        for i in range(len(t0)):
            for j in range(len(h0)):
                for k in range(len(w0)):
                    out = (plane * count + place) * run
                    part = share[place]
                    if run == 1:
                        total = zero
                        for t in range(t0[i], t1[i]):
                            for h in range(h0[j], h1[j]):
                                line, own_sum = base + (t * H + h) * W + w0[k], zero
                                values = x[line : line + w1[k] - w0[k]]
                                for w in range(len(values)):
                                    own_sum += values[w]
                                total += own_sum
                        y[out] = total * part
                    else:
                        own = y[out : out + run]
                        for n in range(run):
                            own[n] = zero
                        for t in range(t0[i], t1[i]):
                            for h in range(h0[j], h1[j]):
                                for w in range(w0[k], w1[k]):
                                    at = base + ((t * H + h) * W + w) * run
                                    values = x[at : at + run]
                                    for n in range(run):
                                        own[n] += values[n]
                        for n in range(run):
                            own[n] *= part
                    place += 1


@compiled
def to_windows(
    dout: Host, dx: Host, share: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any,
    W: Any, run: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Add to all places of each window its share of dout."""
    count = len(t0) * len(h0) * len(w0)
    for plane in range(begin, last):
        base, place = plane * T * H * W * run, 0
        for i in range(len(t0)):
            for j in range(len(h0)):
                for k in range(len(w0)):
                    out = (plane * count + place) * run
                    part = share[place]
                    d = dout[out : out + run]
                    for t in range(t0[i], t1[i]):
                        for h in range(h0[j], h1[j]):
                            line = base + (t * H + h) * W * run
                            if run == 1:
                                value, places = d[0] * part, dx[line + w0[k] : line + w1[k]]
                                for w in range(len(places)):
                                    places[w] += value
                            else:
                                for w in range(w0[k], w1[k]):
                                    own = dx[line + w * run : line + (w + 1) * run]
                                    for n in range(run):
                                        own[n] += d[n] * part
                    place += 1
