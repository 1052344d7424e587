"""Group normalization of images by compiled loops, which threads share by groups.

Images lie in memory with the batch last, ``(C, H W, N)``, as convolutions leave them, or in C order, ``(N, C, H W)``.
x̂ is not kept: it is computed again from x, which is read anyway.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from xpnet.fast.numba.normalization_loops import normalize_rows, normalize_runs, through_rows, through_runs
from xpnet.fast.numba.threads import shared
from xpnet.fast.numpy.batch_normalization import images, in_memory, is_batch_last
from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.layers.bodies import Body, body
from xpnet.layers.normalization import GroupNormalization, InstanceNormalization


@body("numba", GroupNormalization)
@body("numba", InstanceNormalization)
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
