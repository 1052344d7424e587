"""Batch and group normalization of images by compiled loops, which threads share by channels or groups.

Images lie in memory with the batch last, ``(C, H W, N)``, as convolutions leave them, or in C order, ``(N, C, H W)``.
x̂ is not kept: it is computed again from x, which is read anyway.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from xpnet.fast.numba.normalization_loops import (
    normalize_channels,
    normalize_rows,
    normalize_runs,
    through_channels,
    through_rows,
    through_runs,
)
from xpnet.fast.numba.threads import shared
from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.fast.numpy.windows import batch_first, turned
from xpnet.layers.bodies import Body, body
from xpnet.layers.normalization import BatchNormalization, GroupNormalization


def is_batch_last(x: Host) -> bool:
    """Return whether images lie in memory with the batch last."""
    return not x.flags.c_contiguous and bool(turned(x).flags.c_contiguous)


def in_memory(x: Host, batch_last: bool) -> Host:
    """Return the values of images in one axis, in either order."""
    return np.ascontiguousarray(turned(x) if batch_last else x).reshape(-1)


def images(values: Host, shape: tuple[int, ...], batch_last: bool) -> Host:
    """Return values in one axis as images of a shape."""
    return batch_first(values.reshape(*shape[1:], shape[0])) if batch_last else values.reshape(shape)


@body("numba", BatchNormalization)
class ChannelsOnceInCache(Body):
    """Batch normalization of images, a channel after the other: it stays in the cache from its mean to its y."""

    def forward(self, x: Host) -> Any:
        layer = self.layer
        gamma, beta = layer.gamma, layer.beta
        if not of_one(x, gamma, beta, layer.running_mean, layer.running_var) or x.ndim < 3:
            return NotImplemented
        by_batch = self.training and layer.training
        if by_batch:
            layer.check_values(x)
        elif not x.size:
            return NotImplemented
        last, (N, C, *size) = is_batch_last(x), x.shape
        segments, length = (1, N * prod(size)) if last else (N, prod(size))
        values, y = in_memory(x, last), np.empty(x.size, x.dtype)
        mean, var = np.empty(C, x.dtype), np.empty(C, x.dtype)
        if not by_batch:
            mean[:], var[:] = layer.running_mean, layer.running_var
        told = values, y, mean, var, np.ascontiguousarray(gamma), np.ascontiguousarray(beta), layer.eps, by_batch
        shared(C, x.size * 8, partial(normalize_channels, *told, segments, length))
        if by_batch:
            layer.follow(mean, var)
        self.cache = values, mean, var, x.shape, last, by_batch
        return images(y, x.shape, last)

    def backward(self, dout: Any) -> Any:
        values, mean, var, shape, last, by_batch = self.cache
        layer, (N, C, *size) = self.layer, shape
        segments, length = (1, N * prod(size)) if last else (N, prod(size))
        d = in_memory(dout, last)
        dx, dgamma, dbeta = np.empty(d.size, d.dtype), np.empty(C, d.dtype), np.empty(C, d.dtype)
        gamma = np.ascontiguousarray(layer.gamma)
        told = d, values, dx, mean, var, gamma, dgamma, dbeta, layer.eps, by_batch, self.needs_dx
        shared(C, d.size * 8, partial(through_channels, *told, segments, length))
        if self.trains:
            layer.dgamma, layer.dbeta = dgamma, dbeta
        return images(dx, shape, last) if self.needs_dx else None


@body("numba", GroupNormalization)
class GroupsOnceInCache(Body):
    """Group normalization of images, a group after the other."""

    def forward(self, x: Host) -> Any:
        layer = self.layer
        if not of_one(x, layer.gamma, layer.beta) or x.ndim < 3 or not x.size:
            return NotImplemented
        last, (N, _, *size) = is_batch_last(x), x.shape
        values, y = in_memory(x, last), np.empty(x.size, x.dtype)
        mean, r = np.empty(N * layer.groups, x.dtype), np.empty(N * layer.groups, x.dtype)
        gamma, beta = np.ascontiguousarray(layer.gamma), np.ascontiguousarray(layer.beta)
        told = values, y, mean, r, gamma, beta, layer.eps, layer.groups, N, prod(size)
        shared(layer.groups, x.size * 8, partial(normalize_runs if last else normalize_rows, *told))
        self.cache = values, mean, r, x.shape, last
        return images(y, x.shape, last)

    def backward(self, dout: Any) -> Any:
        values, mean, r, shape, last = self.cache
        layer, (N, C, *size) = self.layer, shape
        d = in_memory(dout, last)
        dx, dgamma, dbeta = np.empty(d.size, d.dtype), np.zeros(C, d.dtype), np.zeros(C, d.dtype)
        gamma = np.ascontiguousarray(layer.gamma)
        told = d, values, dx, mean, r, gamma, dgamma, dbeta, layer.groups, N, prod(size)
        shared(layer.groups, d.size * 8, partial(through_runs if last else through_rows, *told))
        if self.trains:
            layer.dgamma, layer.dbeta = dgamma, dbeta
        return images(dx, shape, last) if self.needs_dx else None
