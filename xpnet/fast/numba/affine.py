"""The steps that follow a product of matrices, in one pass over it."""

from __future__ import annotations

import numpy as np

from xpnet.fast.numba.compiler import SUMMED_FIRST, compiled, in_order
from xpnet.fast.numpy import affine
from xpnet.fast.numpy.blocks import Host
from xpnet.fast.rows import OverAllRows
from xpnet.layers.activation import Relu
from xpnet.layers.affine import Affine
from xpnet.layers.bodies import body
from xpnet.layers.linear import Linear


@body("numba", Affine)
class AffineAndPass(affine.AffineInPlace):
    """An Affine that adds ``b`` in one pass over the product."""

    def finish(self, y: Host, b: Host) -> None:
        if in_order(y, b):
            add(y, b)
        else:
            super().finish(y, b)


@body("numba", Linear)
class LinearAndPass(OverAllRows, AffineAndPass):
    """A Linear that adds ``b`` in one pass over the product."""


@body("numba", Affine, Relu)
class AffineAndCut(affine.AffineThenRelu):
    """An Affine and a ReLU: bias and ReLU are one pass over the product, and their derivative and ``db`` another."""

    def finish(self, y: Host, b: Host) -> None:
        if in_order(y, b):
            add_and_cut(y, b)
        else:
            super().finish(y, b)

    def before(self, dout: Host, y: Host) -> tuple[Host, Host | None]:
        if not (self.trains and in_order(dout, y)):
            return super().before(dout, y)
        dz, db = np.empty_like(dout), np.zeros(dout.shape[1], dout.dtype)
        pass_and_add(dout, y, dz, db)
        return dz, db


@compiled
def add(y: Host, b: Host) -> None:
    N, M = y.shape
    for n in range(N):
        for j in range(M):
            y[n, j] += b[j]


@compiled
def add_and_cut(y: Host, b: Host) -> None:
    N, M = y.shape
    zero = y.dtype.type(0)
    for n in range(N):
        for j in range(M):
            s = y[n, j] + b[j]
            y[n, j] = zero if s < zero else s


@compiled
def pass_and_add(dout: Host, y: Host, d: Host, db: Host) -> None:
    """Compute the derivative of the ReLU, a product with 0 or 1, and its sum over the rows, block by block."""
    N, M = y.shape
    zero, one = y.dtype.type(0), y.dtype.type(1)
    part = np.empty_like(db)
    for first in range(0, N, SUMMED_FIRST):
        part[:] = zero
        for n in range(first, min(first + SUMMED_FIRST, N)):
            for j in range(M):
                d[n, j] = dout[n, j] * (one if y[n, j] > zero else zero)
                part[j] += d[n, j]
        for j in range(M):
            db[j] += part[j]
