"""What comes after a product of matrices, in one pass over it."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import SUMMED_FIRST, compiled, in_order, rows
from xpnet.fast.numpy.blocks import Host
from xpnet.kernels.numpy.affine import products
from xpnet.kernels.standard.affine import affine
from xpnet.kernels.standard.joint import affine_relu, affine_relu_backward


@affine.on("numba")
def affine_and_pass(x: Host, W: Host, b: Host) -> Any:
    if not are_of_one(x, W, b):
        return affine.bodies["numpy"](x, W, b)
    y = x @ W
    add(rows(y), b)
    return y


@affine_relu.on("numba")
def affine_relu_and_pass(x: Host, W: Host, b: Host) -> Any:
    if not are_of_one(x, W, b):
        return affine_relu.bodies["numpy"](x, W, b)
    y = x @ W
    add_and_cut(rows(y), b)
    return y


@affine_relu_backward.on("numba")
def affine_relu_backward_and_pass(dout: Host, x: Host, W: Host, y: Host, needs_dx: bool) -> Any:
    if dout.shape != y.shape or not in_order(dout, y):
        return affine_relu_backward.bodies["numpy"](dout, x, W, y, needs_dx)
    d, db = np.empty_like(dout), np.zeros(dout.shape[1], dout.dtype)
    pass_and_add(dout, y, d, db)
    return *products(d, x, W, needs_dx), db


def are_of_one(x: Host, W: Host, b: Host) -> bool:
    """Whether the product is of the dtype of b, has a row to add it to, and is new."""
    plain = W.ndim == 2 <= x.ndim and b.shape == W.shape[1:] and x.size > 0 < W.size
    return plain and x.dtype == W.dtype == b.dtype and in_order(b)


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
    """What the ReLU passes on, a product with 0 or 1, and its sum over the rows, of which some are summed first."""
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
