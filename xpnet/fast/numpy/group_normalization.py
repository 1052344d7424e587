"""NumPy bodies of group and instance normalization of images, some groups at a time.

Images lie in memory in C order, ``(N, G, C/G, places)``, or with the batch last, ``(G, C/G, places, N)``. The groups of
a block stay in the processor's cache from their mean to their y.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from xpnet.fast.numpy.batch_normalization import SHARED, images, in_memory, in_parts, is_batch_last
from xpnet.fast.numpy.blocks import SIZE, Host, of_one, ones, workspace
from xpnet.fast.numpy.threads import shared
from xpnet.layers.bodies import Body, body
from xpnet.layers.normalization import GroupNormalization, InstanceNormalization

Block = tuple[slice, slice]


class COrder:
    """Images in C order: a statistic ``(N, G)``, a number of each sample and channel ``(N, G, C/G)``."""

    def __init__(self, N: int, G: int, own: int, places: int) -> None:
        self.shape = N, G, own, places

    def blocks(self) -> list[Block]:
        N, G, own, places = self.shape
        groups = min(G, max(1, SIZE // (own * places)))
        samples = max(1, SIZE // (G * own * places)) if groups == G else 1
        return [
            (slice(n, n + samples), slice(g, g + groups)) for n in range(0, N, samples) for g in range(0, G, groups)
        ]

    def groups_of(self, at: Block) -> slice:
        return at[1]

    def sums(self, x: Host) -> Any:
        return sum(part @ ones(part.shape[-1], x.dtype) for part in in_parts(x, 3))

    def products(self, x: Host, other: Host) -> Any:
        return sum(np.vecdot(*pair) for pair in zip(in_parts(x, 3), in_parts(other, 3), strict=True))

    def over_group(self, each: Host) -> Host:
        found: Host = np.add.reduce(each, axis=2, dtype=np.float64)
        return found

    def over_samples(self, each: Host) -> Host:
        found: Host = np.add.reduce(each, axis=0)
        return found

    def beside_channels(self, statistic: Host) -> Host:
        return statistic[:, :, None]

    def beside_places(self, each: Host) -> Host:
        return each[..., None]

    def of_channels(self, values: Host, groups: slice) -> Host:
        return values[groups]


class BatchLast(COrder):
    """Images with the batch last: a statistic ``(G, N)``, a number of each sample and channel ``(G, C/G, N)``."""

    def __init__(self, N: int, G: int, own: int, places: int) -> None:
        self.shape = G, own, places, N

    def blocks(self) -> list[Block]:
        G, own, places, N = self.shape
        groups = max(1, SIZE // (own * places * N))
        return [(slice(g, g + groups), slice(None)) for g in range(0, G, groups)]

    def groups_of(self, at: Block) -> slice:
        return at[0]

    def sums(self, x: Host) -> Any:
        return sum(ones(part.shape[2], x.dtype) @ part for part in in_parts(x, 2))

    def products(self, x: Host, other: Host) -> Any:
        return self.sums(np.multiply(x, other, out=workspace("products of groups", x.shape, x.dtype)))

    def over_group(self, each: Host) -> Host:
        found: Host = np.add.reduce(each, axis=1, dtype=np.float64)
        return found

    def over_samples(self, each: Host) -> Host:
        found: Host = np.add.reduce(each, axis=2)
        return found

    def beside_channels(self, statistic: Host) -> Host:
        return statistic[:, None, :]

    def beside_places(self, each: Host) -> Host:
        return each[:, :, None, :]

    def of_channels(self, values: Host, groups: slice) -> Host:
        return values[groups][:, :, None]


@body("numpy", GroupNormalization)
@body("numpy", InstanceNormalization)
class GroupsInBlocks(Body):
    """Group normalization of some groups after the other; x is kept, and its distance from the mean computed again."""

    def forward(self, x: Host) -> Any:
        layer = self.layer
        if not of_one(x, layer.gamma, layer.beta) or x.ndim < 3 or not x.size or x.shape[1:2] != layer.gamma.shape:
            return NotImplemented
        last, (N, C, *size), G = is_batch_last(x), x.shape, layer.groups
        order = (BatchLast if last else COrder)(N, G, C // G, prod(size))
        values, y = in_memory(x, last), np.empty(x.size, x.dtype)
        statistics = np.empty((2, *((G, N) if last else (N, G))), x.dtype)
        self.normalize(order, values, y, statistics)
        self.cache = order, values, statistics, x.shape, last
        return images(y, x.shape, last)

    def normalize(self, order: Any, values: Host, y: Host, statistics: Host) -> None:
        """Write y, and the mean and ``1 / √(σ² + ε)`` of each sample and group."""
        x, y, (mean, r) = values.reshape(order.shape), y.reshape(order.shape), statistics
        gamma, beta = (array.reshape(self.layer.groups, -1) for array in (self.layer.gamma, self.layer.beta))
        width, eps = prod(order.shape) // mean.size, x.dtype.type(self.layer.eps)

        def run(at: Block) -> None:
            block, groups = x[at], order.groups_of(at)
            centred = workspace("group normalization", block.shape, x.dtype)
            mean[at] = order.over_group(order.sums(block)) / width
            np.subtract(block, order.beside_places(order.beside_channels(mean[at])), out=centred)
            variance = (order.over_group(order.products(centred, centred)) / width).astype(x.dtype)
            r[at] = 1.0 / np.sqrt(variance + eps)
            factor = order.of_channels(gamma, groups) * order.beside_channels(r[at])
            made = np.multiply(centred, order.beside_places(factor), out=y[at])
            made += order.beside_places(np.broadcast_to(order.of_channels(beta, groups), factor.shape))

        each_block(run, order)

    def backward(self, dout: Host) -> Any:
        order, values, statistics, shape, last = self.cache
        layer = self.layer
        d = in_memory(dout, last)
        dx, dgamma, dbeta = np.empty(d.size, d.dtype), np.zeros_like(layer.gamma), np.zeros_like(layer.gamma)
        self.through(order, d, values, dx, statistics, dgamma, dbeta)
        if self.trains:
            layer.dgamma, layer.dbeta = dgamma, dbeta
        return images(dx, shape, last) if self.needs_dx else None

    def through(self, order: Any, d: Host, values: Host, dx: Host, statistics: Host, dgamma: Host, dbeta: Host) -> None:
        """Write dx, and dγ and dβ over zeros."""
        x, d, dx, (mean, r) = values.reshape(order.shape), d.reshape(order.shape), dx.reshape(order.shape), statistics
        gamma = self.layer.gamma.reshape(self.layer.groups, -1)
        dgamma, dbeta = dgamma.reshape(gamma.shape), dbeta.reshape(gamma.shape)
        width, sums = prod(order.shape) // mean.size, {}

        def run(at: Block) -> None:
            block, groups = d[at], order.groups_of(at)
            centred = workspace("group normalization", block.shape, d.dtype)
            np.subtract(x[at], order.beside_places(order.beside_channels(mean[at])), out=centred)
            total, along, own = order.sums(block), order.products(block, centred), order.of_channels(gamma, groups)
            near = order.beside_channels(r[at])
            sums[at[0].start, at[1].start] = groups, order.over_samples(along * near), order.over_samples(total)
            less = (order.over_group(total * own) / width).astype(d.dtype) * r[at]
            slope = (order.over_group(along * own) / width).astype(d.dtype) * r[at] ** 3
            made = np.multiply(block, order.beside_places(own * near), out=dx[at])
            centred *= order.beside_places(order.beside_channels(slope))
            centred += order.beside_places(order.beside_channels(less))
            made -= centred

        each_block(run, order)
        for groups, of_gamma, of_beta in (sums[at] for at in sorted(sums)):  # in one order, whichever thread was first
            dgamma[groups] += of_gamma
            dbeta[groups] += of_beta


def each_block(run: Callable[[Block], None], order: Any) -> None:
    """Call a function on all blocks, in threads if there is enough work."""
    if prod(order.shape) >= SHARED:
        shared(run, order.blocks())
        return
    for at in order.blocks():
        run(at)
