"""CUDA bodies of pooling, with one launch in each direction."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet.fast.cupy.launch import CudaBody, launch_each, of_one, ordered
from xpnet.layers.bodies import body
from xpnet.layers.pooling import AveragePooling, MaxPooling

MOST_CELLS = 256  # as many as a byte can number


@body("cupy", MaxPooling)
class MaxPoolingInOneLaunch(CudaBody):
    """Max pooling: a thread finds the largest value of a window, and in backward gathers dx from the windows it won."""

    def forward(self, x: Any) -> Any:
        window, places = self.layer.window, self.layer.places_in(x.shape)
        if not of_one(x) or len(window.cells) > MOST_CELLS:
            return NotImplemented
        (x,), y = ordered(x), cupy.empty((*x.shape[:2], *places), x.dtype)
        winner = cupy.empty(y.shape, "uint8")
        launch_each("pooling", "max_pooling", x.dtype, y.size, x, y, winner, *sizes(x, y, window))
        self.cache = winner, x.shape
        return y

    def backward(self, dout: Any) -> Any:
        winner, shape = self.cache
        (dout,), dx = ordered(dout), cupy.empty(shape, dout.dtype)
        told = sizes(dx, dout, self.layer.window)
        launch_each("pooling", "max_pooling_backward", dx.dtype, dx.size, dout, winner, dx, *told)
        return dx


@body("cupy", AveragePooling)
class AveragePoolingInOneLaunch(CudaBody):
    """Average pooling: a thread adds up a window, and in backward gathers dx from the windows that saw it."""

    def forward(self, x: Any) -> Any:
        window, places = self.layer.window, self.layer.places_in(x.shape)
        if not of_one(x):
            return NotImplemented
        (x,), y = ordered(x), cupy.empty((*x.shape[:2], *places), x.dtype)
        launch_each("pooling", "average_pooling", x.dtype, y.size, x, y, *sizes(x, y, window))
        self.cache = x.shape
        return y

    def backward(self, dout: Any) -> Any:
        (dout,), dx = ordered(dout), cupy.empty(self.cache, dout.dtype)
        told = sizes(dx, dout, self.layer.window)
        launch_each("pooling", "average_pooling_backward", dx.dtype, dx.size, dout, dx, *told)
        return dx


def sizes(images: Any, pools: Any, window: Any) -> tuple[int, ...]:
    """Return the sizes that the kernels take for images and their pools."""
    N, C, H, W = images.shape
    return (N * C, H, W, *pools.shape[-2:], *window.size, *window.stride, *window.pad)
