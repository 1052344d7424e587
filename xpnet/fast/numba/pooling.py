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

from xpnet.fast.numba.pooling_loops import largest, means, to_windows, to_winners
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
        dx = np.empty(prod(shape), dout.dtype)
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
        """Write dx."""
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
