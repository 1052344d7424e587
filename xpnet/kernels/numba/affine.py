"""What comes after a product of matrices, in one pass over it."""

from __future__ import annotations

from typing import Any

from xpnet.kernels.numba.compiler import compiled, in_order, rows
from xpnet.kernels.numpy.blocks import Host
from xpnet.kernels.standard.affine import affine
from xpnet.kernels.standard.joint import affine_relu


@affine.on("numba")
def affine_and_pass(x: Host, W: Host, b: Host) -> Any:
    if not are_of_one(x, W, b):
        return affine.bodies["numpy"](x, W, b)
    y = product(x, W)
    add(rows(y), b)
    return y


@affine_relu.on("numba")
def affine_relu_and_pass(x: Host, W: Host, b: Host) -> Any:
    if not are_of_one(x, W, b):
        return affine_relu.bodies["numpy"](x, W, b)
    y = product(x, W)
    add_and_cut(rows(y), b)
    return y


def are_of_one(x: Host, W: Host, b: Host) -> bool:
    """Whether the product is of the dtype of b, has a row to add it to, and is new."""
    plain = W.ndim == 2 <= x.ndim and b.shape == W.shape[1:] and x.size > 0 < W.size
    return plain and x.dtype == W.dtype == b.dtype and in_order(b)


def product(x: Host, W: Host) -> Host:
    y: Host = x.dot(W) if x.ndim == 2 else x @ W
    return y


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
