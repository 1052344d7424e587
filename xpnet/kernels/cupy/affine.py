"""CUDA bodies of the affine map: the product is cuBLAS's, what follows it one launch."""

from __future__ import annotations

from math import prod
from typing import Any

import cupy

from xpnet import kernels
from xpnet.fast.cupy.launch import TILE, body, launch_each, launch_tiles


def _product(name: str, kernel: kernels.Kernel[..., Any], x: Any, W: Any, b: Any) -> Any:
    """``x W``, and what a kernel makes of it with the bias, where it lies."""
    if x.ndim < 2 or W.ndim != 2 or b.shape != W.shape[1:]:
        return kernel.reference(x, W, b)
    y = x.reshape(prod(x.shape[:-1]), x.shape[-1]) @ W
    launch_each("affine", name, y.dtype, y.size, y, b, y.size, b.size)
    return y.reshape(*x.shape[:-1], b.size)


@body(kernels.affine)
def affine(x: Any, W: Any, b: Any) -> Any:
    return _product("add_bias", kernels.affine, x, W, b)


@body(kernels.affine_relu)
def affine_relu(x: Any, W: Any, b: Any) -> Any:
    return _product("add_bias_relu", kernels.affine_relu, x, W, b)


@body(kernels.affine_relu_backward)
def affine_relu_backward(dout: Any, x: Any, W: Any, y: Any, needs_dx: bool) -> Any:
    if dout.ndim != 2:
        return kernels.affine_relu_backward.reference(dout, x, W, y, needs_dx)
    rows, width = dout.shape
    dz, db = cupy.empty_like(dout), cupy.empty(width, dout.dtype)
    arrays = (dout, y, dz, db)
    launch_tiles("affine", "relu_backward_and_sums", db.dtype, width, max(rows, 1), TILE, *arrays, rows, width, TILE)
    return dz @ W.T if needs_dx else None, x.T @ dz, db


@body(kernels.affine_gelu)
def affine_gelu(x: Any, W: Any, b: Any, by_tanh: bool) -> Any:
    if x.ndim != 2:
        return kernels.affine_gelu.reference(x, W, b, by_tanh)
    z = x @ W
    y = cupy.empty_like(z)
    launch_each("affine", "add_bias_gelu", z.dtype, z.size, z, b, y, z.size, b.size, int(by_tanh))
    return y, z, None


@body(kernels.affine_gelu_backward)
def affine_gelu_backward(dout: Any, x: Any, W: Any, b: Any, z: Any, s: Any, by_tanh: bool, needs_dx: bool) -> Any:
    if dout.ndim != 2:
        return kernels.affine_gelu_backward.reference(dout, x, W, b, z, s, by_tanh, needs_dx)
    rows, width = dout.shape
    dz, db = cupy.empty_like(dout), cupy.empty_like(b)
    arrays, sizes = (dout, z, b if s is None else 0, dz, db), (rows, width, TILE, int(by_tanh))
    launch_tiles("affine", "gelu_backward_and_sums", dz.dtype, width, max(rows, 1), TILE, *arrays, *sizes)
    return dz @ W.T if needs_dx else None, x.T @ dz, db


@body(kernels.sum_rows)
def sum_rows(dout: Any) -> Any:
    if dout.ndim != 2:
        return kernels.sum_rows.reference(dout)
    rows, width = dout.shape
    db = cupy.empty(width, dout.dtype)
    launch_tiles("affine", "sum_rows", dout.dtype, width, max(rows, 1), TILE, dout, db, rows, width, TILE)
    return db
