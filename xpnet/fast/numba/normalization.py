"""Layer normalization one row at a time, each read from memory once."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import SUMMED_FIRST, compiled_sums, in_order
from xpnet.fast.numpy import normalization
from xpnet.fast.numpy.blocks import Host
from xpnet.layers.bodies import body
from xpnet.layers.normalization import LayerNormalization


@body("numba", LayerNormalization)
class RowsOnceRead(normalization.RowsInBlocks):
    """Layer normalization by compiled loops that read each row from memory once, forward and backward."""

    def normalize(self, x: Host, gamma: Host, beta: Host, eps: float, y: Host) -> None:
        if in_order(x, gamma, beta):
            normalize(x, gamma, beta, eps, y)
        else:
            super().normalize(x, gamma, beta, eps, y)

    def standardize(self, x: Host, gamma: Host, beta: Host, eps: float, y: Host, xhat: Host, r: Host) -> None:
        if in_order(x, gamma, beta):
            standardize(x, gamma, beta, eps, y, xhat, r)
        else:
            super().standardize(x, gamma, beta, eps, y, xhat, r)

    def through(self, dout: Host, xhat: Host, r: Host, gamma: Host, dx: Host, dgamma: Host, dbeta: Host) -> None:
        if in_order(dout, xhat, gamma):
            through(dout, xhat, r, gamma, dx, dgamma, dbeta)
        else:
            super().through(dout, xhat, r, gamma, dx, dgamma, dbeta)


@compiled_sums
def normalize(x: Host, gamma: Host, beta: Host, eps: Any, y: Host) -> None:
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
            y[n, j] = gamma[j] * ((x[n, j] - mean) * r) + beta[j]


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
