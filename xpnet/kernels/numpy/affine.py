"""NumPy bodies of the affine map."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import SIZE, Host, block_of, ones
from xpnet.kernels.standard.activation import relu_backward
from xpnet.kernels.standard.affine import affine, sum_rows
from xpnet.kernels.standard.joint import affine_relu, affine_relu_backward


@affine.on("numpy")
def affine_in_place(x: Host, W: Host, b: Host) -> Any:
    """``b`` is added to the product where it lies."""
    y = x @ W
    if y.dtype != b.dtype or y.ndim < b.ndim:
        return y + b
    y += b
    return y


@affine_relu.on("numpy")
def affine_relu_in_place(x: Host, W: Host, b: Host) -> Any:
    """``b`` is added and the ReLU taken where the product lies, some rows at a time, which stay in the cache."""
    width = W.shape[-1]
    if not x.dtype == W.dtype == b.dtype or x.dtype.kind != "f" or x.ndim != 2 or not 0 < width <= SIZE:
        return affine_relu.reference(x, W, b)
    y = x @ W  # dot fills the result with zeros first
    zeros, step = block_of(0.0, y.dtype), SIZE // width
    for first in range(0, len(y), step):
        rows = y[first : first + step]
        rows += b
        np.maximum(rows, zeros[: rows.size].reshape(rows.shape), out=rows)
    return y


@affine_relu_backward.on("numpy")
def affine_relu_backward_by_products(dout: Host, x: Host, W: Host, y: Host, needs_dx: bool) -> Any:
    d: Any = relu_backward(dout, y)
    return *products(d, x, W, needs_dx), sum_rows(d)


def products(dout: Host, x: Host, W: Host, needs_dx: bool) -> tuple[Host | None, Host]:
    """dx, laid out as x is, so that what gave x finds it in its own order, and dW."""
    dW = x.T * dout if len(x) == 1 else x.T @ dout  # a product with one row is none of BLAS
    if not needs_dx:
        return None, dW
    turned = x.flags.f_contiguous and not x.flags.c_contiguous
    return (W @ dout.T).T if turned else dout @ W.T, dW


@sum_rows.on("numpy")
def sum_rows_by_product(dout: Host) -> Any:
    """A product with ones, ``1ᵀ dout``: BLAS adds rows twice as fast as ``sum``."""
    if dout.ndim != 2 or dout.dtype.kind not in "fc" or not dout.size:
        return sum_rows.reference(dout)
    return ones(dout.shape[0], dout.dtype).dot(dout)
