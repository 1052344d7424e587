"""NumPy bodies of batch normalization, alone and before a ReLU and a dropout, some channels at a time.

Images lie in memory in C order, ``(N, C, places)``, or with the batch last, ``(1, C, places N)``, and rows are ``(N,
D)``. The channels of a block stay in the processor's cache from their mean to their y. What is kept is x, y and the
statistics: where a ReLU or a dropout has made y 0, nothing passes back.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from xpnet.fast.numpy.batch_rows import normalize_rows, through_rows
from xpnet.fast.numpy.blocks import PART, SIZE, Host, block_of, of_one, ones, workspace
from xpnet.fast.numpy.dropout import drawn, drops, scale_of
from xpnet.fast.numpy.threads import shared
from xpnet.fast.numpy.windows import batch_first, turned
from xpnet.layers.activation import Relu
from xpnet.layers.bodies import Body, body
from xpnet.layers.dropout import Dropout
from xpnet.layers.normalization import BatchNormalization

SHARED = 1 << 19  # values from which on threads gain more than they cost


def is_batch_last(x: Host) -> bool:
    """Return whether images lie in memory with the batch last."""
    return not x.flags.c_contiguous and bool(turned(x).flags.c_contiguous)


def in_memory(x: Host, batch_last: bool) -> Host:
    """Return the values in one axis, in either order."""
    return np.ascontiguousarray(turned(x) if batch_last else x).reshape(-1)


def images(values: Host, shape: tuple[int, ...], batch_last: bool) -> Host:
    """Return values in one axis as images of a shape."""
    return batch_first(values.reshape(*shape[1:], shape[0])) if batch_last else values.reshape(shape)


@body("numpy", BatchNormalization)
class ChannelsInBlocks(Body):
    """Batch normalization of some channels after the other."""

    cuts = False
    """Whether a ReLU follows."""

    def forward(self, x: Host) -> Any:
        layer = self.layer
        gamma, beta, running = layer.gamma, layer.beta, (layer.running_mean, layer.running_var)
        if not of_one(x, gamma, beta, *running) or x.ndim < 2 or x.shape[1:2] != gamma.shape:
            return NotImplemented
        by_batch = self.training and layer.training
        if by_batch:
            layer.check_values(x)
        elif not x.size:
            return NotImplemented
        last, (N, C, *size) = x.ndim > 2 and is_batch_last(x), x.shape
        shape = (1, C, N * prod(size)) if last else (N, C, prod(size))
        values, y = in_memory(x, last), np.empty(x.size, x.dtype)
        if by_batch:
            mean, var = np.empty(C, x.dtype), np.empty(C, x.dtype)
        else:
            mean, var = (np.array(statistic) for statistic in running)
        kept, scale = self.drawn(x, last)
        own = np.ascontiguousarray(gamma), np.ascontiguousarray(beta)
        self.normalize(values, y, shape, mean, var, *own, by_batch, kept, scale)
        if by_batch:
            layer.follow(mean, var)
        self.cache = values, y if self.cuts else None, mean, var, x.shape, shape, last, by_batch, scale
        return images(y, x.shape, last)

    def drawn(self, x: Host, last: bool) -> tuple[Host | None, Any]:
        """Return where a dropout keeps values, in the order of memory, or None; and what it multiplies them by."""
        one = x.dtype.type(1)
        if len(self.layers) < 3 or not self.training or not drops(self.layers[2]):
            return None, one
        dropout = self.layers[2]
        kept = in_memory(self.kept_of(dropout, x.shape), last)
        return kept, scale_of(x.dtype, 1.0 - dropout.dropout_ratio)

    def kept_of(self, dropout: Dropout, shape: tuple[int, ...]) -> Host:
        return drawn(dropout, shape)

    def backward(self, dout: Any) -> Any:
        values, y, mean, var, given, shape, last, by_batch, scale = self.cache
        layer = self.layer
        d = in_memory(dout, last)
        dx, dgamma, dbeta = np.empty(d.size, d.dtype), np.empty_like(mean), np.empty_like(mean)
        own = mean, var, np.ascontiguousarray(layer.gamma)
        self.through(d, values, y, dx, shape, *own, dgamma, dbeta, by_batch, scale)
        if self.trains:
            layer.dgamma, layer.dbeta = dgamma, dbeta
        return images(dx, given, last) if self.needs_dx else None

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
        """Write y, and the statistics unless they are given."""
        x, y, kept = x.reshape(shape), y.reshape(shape), None if kept is None else kept.reshape(shape)
        eps, count = x.dtype.type(self.layer.eps), shape[0] * shape[2]
        if shape[2] == 1:
            rows = x[..., 0], y[..., 0], None if kept is None else kept[..., 0]
            normalize_rows(*rows, mean, var, gamma, beta, eps, by_batch, self.cuts, scale)
            return

        def run(at: slice) -> None:
            block, made = x[:, at], y[:, at]
            centred = workspace("batch normalization", block.shape, x.dtype)
            if by_batch:
                mean[at] = sums(block) / count
            np.subtract(block, mean[at, None], out=centred)
            if by_batch:
                var[at] = sums_of_products(centred, centred) / count
            factor = gamma[at] / np.sqrt(var[at] + eps)
            np.multiply(centred, factor[:, None], out=made)
            made += beta[at, None]
            if self.cuts:
                np.maximum(made, block_of(0.0, x.dtype)[0], out=made)
            if kept is not None:
                np.multiply(kept[:, at], scale, out=centred)
                made *= centred

        in_blocks(run, shape)

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
        """Write dγ, dβ and dx."""
        d, x, dx = d.reshape(shape), x.reshape(shape), dx.reshape(shape)
        y = None if y is None else y.reshape(shape)
        eps, count, needs_dx = x.dtype.type(self.layer.eps), shape[0] * shape[2], self.needs_dx
        if shape[2] == 1:
            rows = d[..., 0], x[..., 0], None if y is None else y[..., 0], dx[..., 0]
            through_rows(*rows, mean, var, gamma, dgamma, dbeta, eps, by_batch, needs_dx, scale)
            return

        def run(at: slice) -> None:
            block, made = d[:, at], dx[:, at]
            if y is not None:
                np.multiply(y[:, at] > 0, scale, out=made)
                made *= block
                block = made
            centred = workspace("batch normalization", block.shape, d.dtype)
            np.subtract(x[:, at], mean[at, None], out=centred)
            r = 1.0 / np.sqrt(var[at] + eps)
            total, along = sums(block), sums_of_products(block, centred)
            dbeta[at], dgamma[at] = total, along * r
            if not needs_dx:
                return
            factor = gamma[at] * r
            np.multiply(block, factor[:, None], out=made)
            if by_batch:
                centred *= (factor * r * r * (along / count).astype(r.dtype))[:, None]
                centred += (factor * (total / count).astype(r.dtype))[:, None]
                made -= centred

        in_blocks(run, shape)


@body("numpy", BatchNormalization, Relu)
@body("numpy", BatchNormalization, Relu, Dropout)
class ChannelsInBlocksAndCut(ChannelsInBlocks):
    """Batch normalization, a ReLU, and maybe a dropout, in the same blocks."""

    cuts = True

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        return len(layers) < 3 or layers[2].axes is None


def in_blocks(run: Any, shape: tuple[int, int, int]) -> None:
    """Call a function on the slices of channels of each block."""
    N, C, places = shape
    step = max(1, SIZE // max(1, N * places))
    parts = [slice(first, min(first + step, C)) for first in range(0, C, step)]
    if N * C * places >= SHARED:
        shared(run, parts)
        return
    for part in parts:
        run(part)


def sums(x: Host) -> Host:
    """Return the sums over all but the second axis, in float64."""
    return sum((over_samples(part @ ones(part.shape[2], x.dtype)) for part in in_parts(x, 2)), np.zeros(x.shape[1]))


def sums_of_products(x: Host, other: Host) -> Host:
    """Return the sums of products over all but the second axis, in float64."""
    pairs = zip(in_parts(x, 2), in_parts(other, 2), strict=True)
    return sum((over_samples(np.vecdot(*pair)) for pair in pairs), np.zeros(x.shape[1]))


def over_samples(sums: Host) -> Host:
    found: Host = np.add.reduce(sums, axis=0, dtype=np.float64)
    return found


def in_parts(x: Host, axis: int) -> list[Host]:
    """Return parts of x along an axis, whose sums keep their digits."""
    before = (slice(None),) * axis
    return [x[(*before, slice(first, first + PART))] for first in range(0, x.shape[axis], PART)]
