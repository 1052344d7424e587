"""Batch and group normalization of images by compiled loops, which threads share by channels or groups.

Images lie in memory with the batch last, ``(C, H W, N)``, as convolutions leave them, or in C order, ``(N, C, H W)``.
x̂ is not kept: it is computed again from x, which is read anyway.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled_sums
from xpnet.fast.numba.threads import shared
from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.layers.bodies import Body, body
from xpnet.layers.normalization import BatchNormalization, GroupNormalization


def is_batch_last(x: Host) -> bool:
    """Return whether images lie in memory with the batch last."""
    return not x.flags.c_contiguous and bool(np.moveaxis(x, 0, -1).flags.c_contiguous)


def in_memory(x: Host, batch_last: bool) -> Host:
    """Return the values of images in one axis, in either order."""
    return np.ascontiguousarray(np.moveaxis(x, 0, -1) if batch_last else x).reshape(-1)


def images(values: Host, shape: tuple[int, ...], batch_last: bool) -> Host:
    """Return values in one axis as images of a shape."""
    return np.moveaxis(values.reshape(*shape[1:], shape[0]), -1, 0) if batch_last else values.reshape(shape)


def summed(parts: list[Any]) -> Any:
    """Return the sum of what the threads found."""
    return sum(parts[1:], start=parts[0])


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
def normalize_channels(
    x: Host, y: Host, mean: Host, var: Host, gamma: Host, beta: Host, eps: Any, by_batch: Any, segments: Any,
    length: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write the statistics of some channels, unless they are given, and y."""
    real = x.dtype.type
    C = len(gamma)
    for c in range(first, last):
        if by_batch:
            total = 0.0
            for s in range(segments):
                start = (s * C + c) * length
                for at in range(0, length, 4096):
                    part = real(0)
                    for i in range(start + at, start + min(length, at + 4096)):
                        part += x[i]
                    total += part
            m, squares = real(total / (segments * length)), 0.0
            for s in range(segments):
                start = (s * C + c) * length
                for at in range(0, length, 4096):
                    part = real(0)
                    for i in range(start + at, start + min(length, at + 4096)):
                        part += (x[i] - m) * (x[i] - m)
                    squares += part
            mean[c], var[c] = m, real(squares / (segments * length))
        m, scale, shift = mean[c], gamma[c] / np.sqrt(var[c] + real(eps)), beta[c]
        for s in range(segments):
            start = (s * C + c) * length
            for i in range(start, start + length):
                y[i] = (x[i] - m) * scale + shift


@compiled_sums
def through_channels(
    d: Host, x: Host, dx: Host, mean: Host, var: Host, gamma: Host, dgamma: Host, dbeta: Host, eps: Any, by_batch: Any,
    needs_dx: Any, segments: Any, length: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write dγ, dβ and dx of some channels."""
    real = x.dtype.type
    C = len(gamma)
    for c in range(first, last):
        m, r = mean[c], real(1) / np.sqrt(var[c] + real(eps))
        total, along = 0.0, 0.0
        for s in range(segments):
            start = (s * C + c) * length
            for at in range(0, length, 4096):
                part, part_along = real(0), real(0)
                for i in range(start + at, start + min(length, at + 4096)):
                    part += d[i]
                    part_along += d[i] * (x[i] - m)
                total += part
                along += part_along
        dbeta[c], dgamma[c] = real(total), real(along * r)
        if needs_dx:
            count = segments * length
            scale = gamma[c] * r
            less = real(total / count) if by_batch else real(0)
            slope = real(along / count) * r * r if by_batch else real(0)
            for s in range(segments):
                start = (s * C + c) * length
                for i in range(start, start + length):
                    dx[i] = (d[i] - less - (x[i] - m) * slope) * scale


@compiled_sums
def normalize_rows(
    x: Host, y: Host, mean: Host, rstd: Host, gamma: Host, beta: Host, eps: Any, G: Any, N: Any, size: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    """Write the statistics of some groups and y, for images in C order: each sample has its group in one row."""
    real = x.dtype.type
    own = len(gamma) // G
    width = own * size
    for n in range(N):
        for g in range(first, last):
            start = (n * G + g) * width
            total = 0.0
            for at in range(0, width, 4096):
                part = real(0)
                for i in range(start + at, start + min(width, at + 4096)):
                    part += x[i]
                total += part
            m, squares = real(total / width), 0.0
            for at in range(0, width, 4096):
                part = real(0)
                for i in range(start + at, start + min(width, at + 4096)):
                    part += (x[i] - m) * (x[i] - m)
                squares += part
            r = real(1) / np.sqrt(real(squares / width) + real(eps))
            mean[n * G + g], rstd[n * G + g] = m, r
            for c in range(own):
                scale, shift = gamma[g * own + c] * r, beta[g * own + c]
                for i in range(start + c * size, start + (c + 1) * size):
                    y[i] = (x[i] - m) * scale + shift


@compiled_sums
def through_rows(
    d: Host, x: Host, dx: Host, mean: Host, rstd: Host, gamma: Host, dgamma: Host, dbeta: Host, G: Any, N: Any,
    size: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write dx of some groups, and add to dγ and dβ, for images in C order."""
    real = x.dtype.type
    own = len(gamma) // G
    width = own * size
    for n in range(N):
        for g in range(first, last):
            start, m, r = (n * G + g) * width, mean[n * G + g], rstd[n * G + g]
            less, slope = 0.0, 0.0
            for c in range(own):
                total, along = real(0), real(0)
                for i in range(start + c * size, start + (c + 1) * size):
                    total += d[i]
                    along += d[i] * (x[i] - m)
                dbeta[g * own + c] += total
                dgamma[g * own + c] += along * r
                less += gamma[g * own + c] * total
                slope += gamma[g * own + c] * along
            mean_d, mean_along = real(less / width), real(slope / width) * r * r
            for c in range(own):
                scale = gamma[g * own + c]
                for i in range(start + c * size, start + (c + 1) * size):
                    dx[i] = (d[i] * scale - mean_d - (x[i] - m) * mean_along) * r


@compiled_sums
def normalize_runs(
    x: Host, y: Host, mean: Host, rstd: Host, gamma: Host, beta: Host, eps: Any, G: Any, N: Any, size: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    """Write the statistics of some groups and y, for images with the batch last: all samples side by side."""
    real = x.dtype.type
    own = len(gamma) // G
    width = own * size
    for g in range(first, last):
        m, r = mean[g * N : (g + 1) * N], rstd[g * N : (g + 1) * N]
        m[:] = real(0)
        r[:] = real(0)
        for place in range(g * width, (g + 1) * width):
            for n in range(N):
                m[n] += x[place * N + n]
        for n in range(N):
            m[n] /= real(width)
        for place in range(g * width, (g + 1) * width):
            for n in range(N):
                r[n] += (x[place * N + n] - m[n]) * (x[place * N + n] - m[n])
        for n in range(N):
            r[n] = real(1) / np.sqrt(r[n] / real(width) + real(eps))
        for c in range(g * own, (g + 1) * own):
            for place in range(c * size, (c + 1) * size):
                for n in range(N):
                    y[place * N + n] = (x[place * N + n] - m[n]) * r[n] * gamma[c] + beta[c]


@compiled_sums
def through_runs(
    d: Host, x: Host, dx: Host, mean: Host, rstd: Host, gamma: Host, dgamma: Host, dbeta: Host, G: Any, N: Any,
    size: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write dx of some groups, and dγ and dβ, for images with the batch last."""
    real = x.dtype.type
    own = len(gamma) // G
    width = own * size
    less, slope = np.empty(N, d.dtype), np.empty(N, d.dtype)
    total, along = np.empty(N, d.dtype), np.empty(N, d.dtype)
    for g in range(first, last):
        m, r = mean[g * N : (g + 1) * N], rstd[g * N : (g + 1) * N]
        less[:] = real(0)
        slope[:] = real(0)
        for c in range(g * own, (g + 1) * own):
            total[:] = real(0)
            along[:] = real(0)
            for place in range(c * size, (c + 1) * size):
                for n in range(N):
                    total[n] += d[place * N + n]
                    along[n] += d[place * N + n] * (x[place * N + n] - m[n])
            all_d, all_along = real(0), real(0)
            for n in range(N):
                all_d += total[n]
                all_along += along[n] * r[n]
                less[n] += gamma[c] * total[n]
                slope[n] += gamma[c] * along[n]
            dbeta[c], dgamma[c] = all_d, all_along
        for n in range(N):
            less[n] /= real(width)
            slope[n] = slope[n] / real(width) * r[n] * r[n]
        for c in range(g * own, (g + 1) * own):
            for place in range(c * size, (c + 1) * size):
                for n in range(N):
                    at = place * N + n
                    dx[at] = (d[at] * gamma[c] - less[n] - (x[at] - m[n]) * slope[n]) * r[n]
