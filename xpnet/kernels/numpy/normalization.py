"""NumPy bodies of layer normalization: rows in blocks that stay in the cache, their sums as products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import SIZE, Host, ones
from xpnet.kernels.standard import normalization as standard


@standard.layer_norm.on("numpy")
def layer_norm(x: Host, gamma: Host, beta: Host, eps: float) -> Any:
    if not all_of_one(x, gamma, beta):
        return standard.layer_norm.reference(x, gamma, beta, eps)
    D = x.shape[-1]
    rows = x.reshape(-1, D)
    y, xhat, rstd = np.empty_like(rows), np.empty_like(rows), np.empty((len(rows), 1), x.dtype)
    share = ones(D, x.dtype) / D
    for at in in_blocks(rows):
        centred, r = xhat[at], rstd[at]
        np.subtract(rows[at], (rows[at] @ share)[:, None], out=centred)
        np.einsum("ij,ij->i", centred, centred, out=r[:, 0])
        r /= D
        r += eps
        np.sqrt(r, out=r)
        np.divide(1.0, r, out=r)
        centred *= r
        np.multiply(centred, gamma, out=y[at])
        y[at] += beta
    return y.reshape(x.shape), xhat.reshape(x.shape), rstd.reshape(*x.shape[:-1], 1)


@standard.layer_norm_backward.on("numpy")
def layer_norm_backward(dout: Host, xhat: Host, rstd: Host, gamma: Host) -> Any:
    """``mean dx̂ = dout γ / D`` and ``mean(dx̂ x̂) = (dout x̂) γ / D`` as products of a matrix with a vector."""
    if not all_of_one(dout, xhat, rstd, gamma):
        return standard.layer_norm_backward.reference(dout, xhat, rstd, gamma)
    D = dout.shape[-1]
    shape, dout, xhat, rstd = dout.shape, dout.reshape(-1, D), xhat.reshape(-1, D), rstd.reshape(-1, 1)
    dx, dgamma, dbeta = np.empty_like(dout), np.zeros_like(gamma), np.zeros_like(gamma)
    share = gamma / D
    for at in in_blocks(dout):
        block, one = dx[at], ones(len(dout[at]), dout.dtype)
        product = dout[at] * xhat[at]
        dgamma += one @ product
        dbeta += one @ dout[at]
        along = product @ share
        np.multiply(dout[at], gamma, out=block)
        block -= (dout[at] @ share)[:, None]
        block -= np.multiply(xhat[at], along[:, None], out=product)
        block *= rstd[at]
    return dx.reshape(shape), dgamma, dbeta


def all_of_one(x: Host, *others: Host) -> bool:
    """Whether x has values, float32 or float64, and all the others are of its dtype."""
    return x.dtype.char in "fd" and x.size > 0 and all(other.dtype == x.dtype for other in others)


def in_blocks(rows: Host) -> Iterator[slice]:
    step = max(1, SIZE // rows.shape[1])
    return (slice(first, first + step) for first in range(0, len(rows), step))
