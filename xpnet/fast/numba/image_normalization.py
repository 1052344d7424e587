"""Batch and group normalization of images by compiled loops, which threads share by channels or groups.

Images lie in memory with the batch last, ``(C, H W, N)``, as convolutions leave them, or in C order, ``(N, C, H W)``.
x̂ is not kept: it is computed again from x, which is read anyway.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled, compiled_sums
from xpnet.fast.numba.threads import shared
from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.fast.numpy.windows import batch_first, turned
from xpnet.layers.bodies import Body, body
from xpnet.layers.normalization import BatchNormalization, GroupNormalization

PART = 4096  # values of a sum in the dtype of x; their sums are added in float64


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


@compiled_sums
def sum_of(x: Host) -> Any:
    """Return the sum of values, of parts whose sums keep their digits."""
    total = 0.0
    for at in range(0, len(x), PART):
        values, part = x[at : at + PART], x.dtype.type(0)
        for i in range(len(values)):
            part += values[i]
        total += part
    return total


@compiled_sums
def squares_of(x: Host, mean: Any) -> Any:
    """Return the sum of squared distances from a mean."""
    total = 0.0
    for at in range(0, len(x), PART):
        values, part = x[at : at + PART], x.dtype.type(0)
        for i in range(len(values)):
            part += (values[i] - mean) * (values[i] - mean)
        total += part
    return total


@compiled_sums
def products_of(d: Host, x: Host, mean: Any) -> Any:
    """Return the sum of d, and that of d times the distance of x from a mean."""
    total, along = 0.0, 0.0
    for at in range(0, len(d), PART):
        douts, values = d[at : at + PART], x[at : at + PART]
        part, own = d.dtype.type(0), d.dtype.type(0)
        for i in range(len(douts)):
            part += douts[i]
            own += douts[i] * (values[i] - mean)
        total += part
        along += own
    return total, along


@compiled
def scaled(x: Host, y: Host, mean: Any, scale: Any, shift: Any) -> None:
    for i in range(len(x)):
        y[i] = (x[i] - mean) * scale + shift


@compiled
def through(d: Host, x: Host, dx: Host, mean: Any, scale: Any, less: Any, slope: Any) -> None:
    """Write ``dx = d scale - less - (x - mean) slope``."""
    for i in range(len(d)):
        dx[i] = d[i] * scale - less - (x[i] - mean) * slope


@compiled
def normalize_channels(
    x: Host, y: Host, mean: Host, var: Host, gamma: Host, beta: Host, eps: Any, by_batch: Any, segments: Any,
    length: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write the statistics of some channels, unless they are given, and y."""
    real, C = x.dtype.type, len(gamma)
    for c in range(first, last):
        if by_batch:
            total, squares = 0.0, 0.0
            for s in range(segments):
                start = (s * C + c) * length
                total += sum_of(x[start : start + length])
            mean[c] = real(total / (segments * length))
            for s in range(segments):
                start = (s * C + c) * length
                squares += squares_of(x[start : start + length], mean[c])
            var[c] = real(squares / (segments * length))
        scale = gamma[c] / np.sqrt(var[c] + real(eps))
        for s in range(segments):
            start = (s * C + c) * length
            scaled(x[start : start + length], y[start : start + length], mean[c], scale, beta[c])


@compiled
def through_channels(
    d: Host, x: Host, dx: Host, mean: Host, var: Host, gamma: Host, dgamma: Host, dbeta: Host, eps: Any, by_batch: Any,
    needs_dx: Any, segments: Any, length: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write dγ, dβ and dx of some channels."""
    real, C = x.dtype.type, len(gamma)
    count = segments * length
    for c in range(first, last):
        total, along = 0.0, 0.0
        for s in range(segments):
            start = (s * C + c) * length
            one, other = products_of(d[start : start + length], x[start : start + length], mean[c])
            total += one
            along += other
        r = real(1) / np.sqrt(var[c] + real(eps))
        dbeta[c], dgamma[c] = real(total), real(along * r)
        if needs_dx:
            scale = gamma[c] * r
            less = scale * real(total / count) if by_batch else real(0)
            slope = scale * r * r * real(along / count) if by_batch else real(0)
            for s in range(segments):
                start = (s * C + c) * length
                end = start + length
                through(d[start:end], x[start:end], dx[start:end], mean[c], scale, less, slope)


@compiled
def normalize_rows(
    x: Host, y: Host, mean: Host, rstd: Host, gamma: Host, beta: Host, eps: Any, G: Any, N: Any, size: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    """Write the statistics of some groups and y, for images in C order: each sample has its group in one row."""
    real, own = x.dtype.type, len(gamma) // G
    width = own * size
    for n in range(N):
        for g in range(first, last):
            row = n * G + g
            values = x[row * width : (row + 1) * width]
            m = real(sum_of(values) / width)
            r = real(1) / np.sqrt(real(squares_of(values, m) / width) + real(eps))
            mean[row], rstd[row] = m, r
            for c in range(own):
                start, channel = row * width + c * size, g * own + c
                end = start + size
                scaled(x[start:end], y[start:end], m, gamma[channel] * r, beta[channel])


@compiled
def through_rows(
    d: Host, x: Host, dx: Host, mean: Host, rstd: Host, gamma: Host, dgamma: Host, dbeta: Host, G: Any, N: Any,
    size: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write dx of some groups, and add to dγ and dβ, for images in C order."""
    real, own = x.dtype.type, len(gamma) // G
    width = own * size
    for n in range(N):
        for g in range(first, last):
            row = n * G + g
            m, r = mean[row], rstd[row]
            less, slope = 0.0, 0.0
            for c in range(own):
                start, channel = row * width + c * size, g * own + c
                total, along = products_of(d[start : start + size], x[start : start + size], m)
                dbeta[channel] += real(total)
                dgamma[channel] += real(along * r)
                less += gamma[channel] * total
                slope += gamma[channel] * along
            mean_d, mean_along = real(less / width) * r, real(slope / width) * r * r * r
            for c in range(own):
                start = row * width + c * size
                end = start + size
                through(d[start:end], x[start:end], dx[start:end], m, gamma[g * own + c] * r, mean_d, mean_along)


@compiled
def normalize_runs(
    x: Host, y: Host, mean: Host, rstd: Host, gamma: Host, beta: Host, eps: Any, G: Any, N: Any, size: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    """Write the statistics of some groups and y, for images with the batch last: all samples side by side."""
    real, own = x.dtype.type, len(gamma) // G
    width = own * size
    for g in range(first, last):
        m, r = mean[g * N : (g + 1) * N], rstd[g * N : (g + 1) * N]
        m[:] = real(0)
        r[:] = real(0)
        for place in range(g * width, (g + 1) * width):
            values = x[place * N : (place + 1) * N]
            for n in range(N):
                m[n] += values[n]
        for n in range(N):
            m[n] /= real(width)
        for place in range(g * width, (g + 1) * width):
            values = x[place * N : (place + 1) * N]
            for n in range(N):
                r[n] += (values[n] - m[n]) * (values[n] - m[n])
        for n in range(N):
            r[n] = real(1) / np.sqrt(r[n] / real(width) + real(eps))
        for c in range(g * own, (g + 1) * own):
            for place in range(c * size, (c + 1) * size):
                values, out = x[place * N : (place + 1) * N], y[place * N : (place + 1) * N]
                for n in range(N):
                    out[n] = (values[n] - m[n]) * r[n] * gamma[c] + beta[c]


@compiled
def through_runs(
    d: Host, x: Host, dx: Host, mean: Host, rstd: Host, gamma: Host, dgamma: Host, dbeta: Host, G: Any, N: Any,
    size: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write dx of some groups, and dγ and dβ, for images with the batch last."""
    real, own = x.dtype.type, len(gamma) // G
    width = own * size
    sums = np.empty((4, N), d.dtype)
    less, slope, total, along = sums[0], sums[1], sums[2], sums[3]
    for g in range(first, last):
        m, r = mean[g * N : (g + 1) * N], rstd[g * N : (g + 1) * N]
        sums[:2] = real(0)
        for c in range(g * own, (g + 1) * own):
            sums[2:] = real(0)
            for place in range(c * size, (c + 1) * size):
                douts, values = d[place * N : (place + 1) * N], x[place * N : (place + 1) * N]
                for n in range(N):
                    total[n] += douts[n]
                    along[n] += douts[n] * (values[n] - m[n])
            all_d, all_along = 0.0, 0.0
            for n in range(N):
                all_d += total[n]
                all_along += along[n] * r[n]
                less[n] += gamma[c] * total[n]
                slope[n] += gamma[c] * along[n]
            dbeta[c], dgamma[c] = real(all_d), real(all_along)
        for n in range(N):
            less[n] *= r[n] / real(width)
            slope[n] *= r[n] * r[n] * r[n] / real(width)
        for c in range(g * own, (g + 1) * own):
            for place in range(c * size, (c + 1) * size):
                douts, values = d[place * N : (place + 1) * N], x[place * N : (place + 1) * N]
                out = dx[place * N : (place + 1) * N]
                for n in range(N):
                    out[n] = douts[n] * gamma[c] * r[n] - less[n] - (values[n] - m[n]) * slope[n]
