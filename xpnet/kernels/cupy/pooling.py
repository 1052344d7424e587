"""CUDA bodies of max pooling: one launch each way."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet import kernels
from xpnet.kernels.cupy.launch import body, launch_each


def _planes(x: Any) -> int:
    H, W = x.shape[-2:]
    planes: int = x.size // (H * W)
    return planes


@body(kernels.max_pooling)
def max_pooling(x: Any, window: Any) -> Any:
    places = window.places(x.shape)
    if window.size[0] * window.size[1] > 256 or window.dilation != (1, 1):
        return kernels.max_pooling.reference(x, window)
    y = cupy.empty((*x.shape[:-2], *places), x.dtype)
    winner = cupy.empty(y.shape, "uint8")
    sizes = (_planes(x), *x.shape[-2:], *places, *window.size, *window.stride, *window.pad)
    launch_each("windows", "max_pooling", x.dtype, y.size, x, y, winner, *sizes)
    return y, winner


@body(kernels.max_pooling_backward)
def max_pooling_backward(dout: Any, winner: Any, size: tuple[int, int], window: Any) -> Any:
    if winner.dtype.name != "uint8" or window.dilation != (1, 1):
        return kernels.max_pooling_backward.reference(dout, winner, size, window)
    dx = cupy.empty((*dout.shape[:-2], *size), dout.dtype)
    sizes = (_planes(dx), *size, *dout.shape[-2:], *window.size, *window.stride, *window.pad)
    launch_each("windows", "max_pooling_backward", dout.dtype, dx.size, dout, winner, dx, *sizes)
    return dx
