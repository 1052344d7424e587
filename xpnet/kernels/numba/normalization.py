"""Layer normalization, a row after the other: it is read from memory once."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import SUMMED_FIRST, compiled_sums, in_order, rows
from xpnet.fast.numpy.blocks import Host
from xpnet.kernels.standard import normalization as standard


@standard.layer_norm.on("numba")
def layer_norm(x: Host, gamma: Host, beta: Host, eps: float) -> Any:
    if not x.size or not in_order(x, gamma, beta):
        return standard.layer_norm.bodies["numpy"](x, gamma, beta, eps)
    y, xhat, rstd = np.empty_like(x), np.empty_like(x), np.empty((*x.shape[:-1], 1), x.dtype)
    standardize(rows(x), gamma, beta, eps, rows(y), rows(xhat), rstd.reshape(-1))
    return y, xhat, rstd


@compiled_sums
def standardize(x: Host, gamma: Host, beta: Host, eps: Any, y: Host, xhat: Host, rstd: Host) -> None:
    N, D = x.shape
    real = x.dtype.type
    one, width, eps = real(1), real(D), real(eps)
    for n in range(N):
        total = real(0)
        for j in range(D):
            total += x[n, j]
        mean, squares = total / width, real(0)
        for j in range(D):
            centred = x[n, j] - mean
            squares += centred * centred
        r = one / np.sqrt(squares / width + eps)
        for j in range(D):
            h = (x[n, j] - mean) * r
            xhat[n, j] = h
            y[n, j] = gamma[j] * h + beta[j]
        rstd[n] = r


@standard.layer_norm_backward.on("numba")
def layer_norm_backward(dout: Host, xhat: Host, rstd: Host, gamma: Host) -> Any:
    if not dout.size or not in_order(dout, xhat, rstd, gamma):
        return standard.layer_norm_backward.bodies["numpy"](dout, xhat, rstd, gamma)
    dx, dgamma, dbeta = np.empty_like(dout), np.zeros_like(gamma), np.zeros_like(gamma)
    through(rows(dout), rows(xhat), rstd.reshape(-1), gamma, rows(dx), dgamma, dbeta)
    return dx, dgamma, dbeta


@compiled_sums
def through(dout: Host, xhat: Host, rstd: Host, gamma: Host, dx: Host, dgamma: Host, dbeta: Host) -> None:
    N, D = dout.shape
    real = dout.dtype.type
    width = real(D)
    parts = np.zeros((2, D), dout.dtype)
    for n in range(N):
        mean, along = real(0), real(0)
        for j in range(D):
            d, h = dout[n, j], xhat[n, j]
            parts[0, j] += d * h
            parts[1, j] += d
            mean += d * gamma[j]
            along += d * gamma[j] * h
        mean, along = mean / width, along / width
        for j in range(D):
            dx[n, j] = rstd[n] * (dout[n, j] * gamma[j] - mean - xhat[n, j] * along)
        if (n + 1) % SUMMED_FIRST == 0 or n + 1 == N:
            for j in range(D):
                dgamma[j] += parts[0, j]
                dbeta[j] += parts[1, j]
            parts[:] = real(0)
