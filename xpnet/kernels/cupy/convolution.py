"""CUDA bodies of the convolution: patches in one launch, one product, and the channels back to their places in one."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet import kernels
from xpnet.fast.cupy.launch import body, launch_each

Pair = tuple[int, int]


def _sizes(shape: tuple[int, ...], places: Pair, window: Any) -> tuple[int, ...]:
    return (*shape, *places, *window.size, *window.stride, *window.pad, *window.dilation)


def columns_of(x: Any, window: Any, places: Pair) -> Any:
    """``(C FH FW, N OH OW)``, what each filter sees at each place."""
    N, C = x.shape[:2]
    FH, FW = window.size
    columns = cupy.empty((C * FH * FW, N * places[0] * places[1]), x.dtype)
    launch_each("windows", "im2col", x.dtype, columns.size, x, columns, *_sizes(x.shape, places, window))
    return columns


def dx_of_rows(rows: Any, W: Any, shape: tuple[int, ...], window: Any) -> Any:
    """The derivative of x of that shape from that of the rows."""
    columns = W.reshape(W.shape[0], -1).T @ rows
    dx = cupy.empty(shape, rows.dtype)
    sizes = _sizes(shape, window.places(shape), window)
    launch_each("windows", "col2im", dx.dtype, dx.size, cupy.ascontiguousarray(columns), dx, *sizes)
    return dx


def _as_rows(dout: Any) -> Any:
    return cupy.ascontiguousarray(dout.transpose(1, 0, 2, 3)).reshape(dout.shape[1], -1)


@body(kernels.convolution)
def convolution(x: Any, W: Any, b: Any, window: Any, groups: int) -> Any:
    if groups > 1:
        return kernels.convolution.reference(x, W, b, window, groups)
    (N, M), places = (x.shape[0], W.shape[0]), window.places(x.shape)
    rows = W.reshape(M, -1) @ columns_of(x, window, places)
    y = cupy.empty((N, M, *places), rows.dtype)
    bias = 0 if b is None else b
    launch_each("windows", "rows_to_images", y.dtype, y.size, rows, bias, y, N, M, places[0] * places[1])
    return y


@body(kernels.convolution_dx)
def convolution_dx(dout: Any, W: Any, size: Pair, window: Any, groups: int) -> Any:
    if groups > 1:
        return kernels.convolution_dx.reference(dout, W, size, window, groups)
    return dx_of_rows(_as_rows(dout), W, (dout.shape[0], W.shape[1], *size), window)


@body(kernels.convolution_dw)
def convolution_dw(dout: Any, x: Any, window: Any, groups: int) -> Any:
    if groups > 1:
        return kernels.convolution_dw.reference(dout, x, window, groups)
    dW = _as_rows(dout) @ columns_of(x, window, window.places(x.shape)).T
    return dW.reshape(dout.shape[1], x.shape[1], *window.size)
