"""NumPy body of layer normalization."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import SIZE, Host, of_one, ones
from xpnet.layers.bodies import Body, body
from xpnet.layers.normalization import LayerNormalization


@body("numpy", LayerNormalization)
class RowsInBlocks(Body):
    """Layer normalization in blocks of rows that stay in the processor's cache, with sums as products with a vector."""

    def forward(self, x: Host) -> Any:
        gamma, beta = self.layer.gamma, self.layer.beta
        if not of_one(x, gamma, beta) or not x.size or not x.shape[-1:] == gamma.shape == beta.shape:
            return NotImplemented
        rows = x.reshape(-1, x.shape[-1])
        y = np.empty(rows.shape, x.dtype)
        if not self.training:
            self.normalize(rows, gamma, beta, self.layer.eps, y)
            return y.reshape(x.shape)
        xhat, r = np.empty(rows.shape, x.dtype), np.empty(len(rows), x.dtype)
        self.standardize(rows, gamma, beta, self.layer.eps, y, xhat, r)
        self.cache = xhat, r
        return y.reshape(x.shape)

    def normalize(self, x: Host, gamma: Host, beta: Host, eps: float, y: Host) -> None:
        """Write y for some rows, and nothing else."""
        for at in in_blocks(x):
            normalize(x[at], gamma, beta, eps, y[at])

    def standardize(self, x: Host, gamma: Host, beta: Host, eps: float, y: Host, xhat: Host, r: Host) -> None:
        """Write ``y``, ``x̂`` and ``r = 1 / √(σ² + ε)`` for some rows."""
        D = x.shape[1]
        share = ones(D, x.dtype) / D
        for at in in_blocks(x):
            centred, own = xhat[at], r[at]
            np.subtract(x[at], (x[at] @ share)[:, None], out=centred)
            np.vecdot(centred, centred, out=own)
            own /= D
            own += eps
            np.sqrt(own, out=own)
            np.divide(1.0, own, out=own)
            centred *= own[:, None]
            np.multiply(centred, gamma, out=y[at])
            y[at] += beta

    def backward(self, dout: Host) -> Any:
        xhat, r = self.cache
        layer, gamma = self.layer, self.layer.gamma
        dx, dgamma, dbeta = np.empty(xhat.shape, dout.dtype), np.zeros_like(gamma), np.zeros_like(gamma)
        self.through(dout.reshape(xhat.shape), xhat, r, gamma, dx, dgamma, dbeta)
        if self.trains:
            layer.dgamma, layer.dbeta = dgamma, dbeta
        return dx.reshape(dout.shape) if self.needs_dx else None

    def through(self, dout: Host, xhat: Host, r: Host, gamma: Host, dx: Host, dgamma: Host, dbeta: Host) -> None:
        """Write ``dx``, and add to ``dγ`` and ``dβ``, with ``mean dx̂ = dout γ / D`` as a product with a vector."""
        share = gamma / dout.shape[1]
        for at in in_blocks(dout):
            block, one = dx[at], ones(len(dout[at]), dout.dtype)
            product = dout[at] * xhat[at]
            dgamma += one @ product
            dbeta += one @ dout[at]
            along = product @ share
            np.multiply(dout[at], gamma, out=block)
            block -= (dout[at] @ share)[:, None]
            block -= np.multiply(xhat[at], along[:, None], out=product)
            block *= r[at][:, None]


def normalize(x: Host, gamma: Host, beta: Host, eps: float, y: Host) -> None:
    """Write ``y = γ (x - μ) / √(σ² + ε) + β`` for a few rows."""
    N, D = x.shape
    mean = x.dot(ones(D, x.dtype))
    if N == 1:  # two numbers, for which Python takes less time than calls for arrays
        np.subtract(x, float(mean[0]) / D, out=y)
        y *= 1.0 / sqrt(float(np.vecdot(y, y)[0]) / D + eps)
        y *= gamma
        y += beta
        return
    mean /= D
    np.subtract(x, mean[:, None], out=y)
    std = np.vecdot(y, y)
    std /= D
    std += eps
    np.sqrt(std, out=std)
    y /= std[:, None]
    y *= gamma
    y += beta


def in_blocks(rows: Host) -> Iterator[slice]:
    step = max(1, SIZE // rows.shape[1])
    return (slice(first, first + step) for first in range(0, len(rows), step))
