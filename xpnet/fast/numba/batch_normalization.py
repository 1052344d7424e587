"""Batch normalization by compiled loops, which threads share by channels, with a ReLU and a dropout in the same passes.

A channel of images, or some columns of rows, stay in the cache from their mean to their y.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from xpnet.fast.numba.batch_loops import (
    COLUMNS,
    normalize_channels,
    normalize_columns,
    through_channels,
    through_columns,
)
from xpnet.fast.numba.dropout import drawn
from xpnet.fast.numba.threads import shared
from xpnet.fast.numpy import batch_normalization
from xpnet.fast.numpy.blocks import Host
from xpnet.layers.activation import Relu
from xpnet.layers.bodies import body
from xpnet.layers.dropout import Dropout
from xpnet.layers.normalization import BatchNormalization

WORK = 8  # multiplications that a value counts as


@body("numba", BatchNormalization)
class ChannelsOnceInCache(batch_normalization.ChannelsInBlocks):
    """Batch normalization of a channel after the other."""

    def kept_of(self, dropout: Dropout, shape: tuple[int, ...]) -> Host:
        return drawn(dropout, shape)

    def normalize(
        self,
        x: Host,
        y: Host,
        shape: tuple[int, int, int],
        mean: Host,
        var: Host,
        gamma: Host,
        beta: Host,
        by_batch: bool,
        kept: Host | None,
        scale: Any,
    ) -> None:
        N, C, places = shape
        how = mean, var, gamma, beta, self.layer.eps, by_batch, self.cuts, nothing(kept, np.bool_), scale
        if places == 1:
            told = x.reshape(N, C), y.reshape(N, C), *how
            shared(-(-C // COLUMNS), x.size * WORK, partial(normalize_columns, *told))
        else:
            shared(C, x.size * WORK, partial(normalize_channels, x, y, *how, N, places))

    def through(
        self,
        d: Host,
        x: Host,
        y: Host | None,
        dx: Host,
        shape: tuple[int, int, int],
        mean: Host,
        var: Host,
        gamma: Host,
        dgamma: Host,
        dbeta: Host,
        by_batch: bool,
        scale: Any,
    ) -> None:
        N, C, places = shape
        how = mean, var, gamma, dgamma, dbeta, self.layer.eps, by_batch, scale, self.needs_dx
        y = nothing(y, d.dtype)
        if places == 1:
            told = d.reshape(N, C), x.reshape(N, C), y, dx.reshape(N, C), *how
            shared(-(-C // COLUMNS), x.size * WORK, partial(through_columns, *told))
        else:
            shared(C, x.size * WORK, partial(through_channels, d, x, y, dx, *how, N, places))


@body("numba", BatchNormalization, Relu)
@body("numba", BatchNormalization, Relu, Dropout)
class ChannelsOnceInCacheAndCut(ChannelsOnceInCache, batch_normalization.ChannelsInBlocksAndCut):
    """Batch normalization, a ReLU, and maybe a dropout, while a channel is in the cache."""


def nothing(array: Host | None, dtype: Any) -> Host:
    """Return the array, or an empty one in its place: a loop is compiled for each kind of argument."""
    return np.empty(0, dtype) if array is None else array
