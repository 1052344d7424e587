"""CUDA bodies of pooling: one launch each way."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet import kernels
from xpnet.fast.cupy.launch import body, launch_each

Pair = tuple[int, int]


def _sizes(images: Any, places: Any, window: Any) -> tuple[int, ...]:
    """What the kernels are told of images and their pools."""
    (H, W), (OH, OW) = images.shape[-2:], places.shape[-2:]
    planes = images.size // (H * W) if H * W else 0
    return (planes, H, W, OH, OW, *window.size, *window.stride, *window.pad)


@body(kernels.max_pooling)
def max_pooling(x: Any, window: Any) -> Any:
    if window.size[0] * window.size[1] > 256 or window.dilation != (1, 1):
        return kernels.max_pooling.reference(x, window)
    y = cupy.empty((*x.shape[:-2], *window.places(x.shape)), x.dtype)
    winner = cupy.empty(y.shape, "uint8")
    launch_each("pooling", "max_pooling", x.dtype, y.size, x, y, winner, *_sizes(x, y, window))
    return y, winner


@body(kernels.max_pooling_backward)
def max_pooling_backward(dout: Any, winner: Any, size: Pair, window: Any) -> Any:
    if winner.dtype.name != "uint8" or window.dilation != (1, 1):
        return kernels.max_pooling_backward.reference(dout, winner, size, window)
    dx = cupy.empty((*dout.shape[:-2], *size), dout.dtype)
    launch_each("pooling", "max_pooling_backward", dx.dtype, dx.size, dout, winner, dx, *_sizes(dx, dout, window))
    return dx


@body(kernels.average_pooling)
def average_pooling(x: Any, window: Any) -> Any:
    if window.dilation != (1, 1):
        return kernels.average_pooling.reference(x, window)
    y = cupy.empty((*x.shape[:-2], *window.places(x.shape)), x.dtype)
    launch_each("pooling", "average_pooling", x.dtype, y.size, x, y, *_sizes(x, y, window))
    return y


@body(kernels.average_pooling_backward)
def average_pooling_backward(dout: Any, size: Pair, window: Any) -> Any:
    if window.dilation != (1, 1):
        return kernels.average_pooling_backward.reference(dout, size, window)
    dx = cupy.empty((*dout.shape[:-2], *size), dout.dtype)
    launch_each("pooling", "average_pooling_backward", dx.dtype, dx.size, dout, dx, *_sizes(dx, dout, window))
    return dx
