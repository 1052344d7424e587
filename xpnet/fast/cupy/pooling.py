"""CUDA bodies of pooling, with one launch in each direction."""

from __future__ import annotations

from math import prod
from typing import Any

import cupy

from xpnet.fast.cupy.convolution import of_three
from xpnet.fast.cupy.launch import CudaBody, launch_each, of_one, ordered
from xpnet.kernels.windows import Window
from xpnet.layers.adaptive_pooling import AdaptiveAveragePooling, AdaptiveMaxPooling, GlobalMaxPooling
from xpnet.layers.bodies import body
from xpnet.layers.pooling import (
    AveragePooling,
    AveragePooling1D,
    AveragePooling3D,
    MaxPooling,
    MaxPooling1D,
    MaxPooling3D,
)

MOST_CELLS = 256  # as many as a byte can number


@body("cupy", MaxPooling)
@body("cupy", MaxPooling1D)
@body("cupy", MaxPooling3D)
class MaxPoolingInOneLaunch(CudaBody):
    """Max pooling: a thread finds the largest value of a window, and in backward gathers dx from the windows it won."""

    def forward(self, x: Any) -> Any:
        window = self.layer.window_on(x.shape)
        if not of_one(x):
            return NotImplemented
        (x,), y = ordered(x), cupy.empty((*x.shape[:2], *window.places(x.shape)), x.dtype)
        winner = cupy.empty(y.shape, "uint8" if prod(window.size) <= MOST_CELLS else "int32")
        launch_each("pooling", "max_pooling", x.dtype, y.size, x, y, winner, *sizes(x, y, window))
        self.cache = winner, x.shape, window
        return y

    def backward(self, dout: Any) -> Any:
        winner, shape, window = self.cache
        (dout,), dx = ordered(dout), cupy.empty(shape, dout.dtype)
        told = sizes(dx, dout, window)
        launch_each("pooling", "max_pooling_backward", dx.dtype, dx.size, dout, winner, dx, *told)
        return dx


@body("cupy", AveragePooling)
@body("cupy", AveragePooling1D)
@body("cupy", AveragePooling3D)
class AveragePoolingInOneLaunch(CudaBody):
    """Average pooling: a thread adds up a window, and in backward gathers dx from the windows that saw it."""

    def forward(self, x: Any) -> Any:
        window = self.layer.window_on(x.shape)
        if not of_one(x):
            return NotImplemented
        (x,), y = ordered(x), cupy.empty((*x.shape[:2], *window.places(x.shape)), x.dtype)
        told = *sizes(x, y, window), *self.counted(x.shape)
        launch_each("pooling", "average_pooling", x.dtype, y.size, x, y, *told)
        self.cache = x.shape, window
        return y

    def backward(self, dout: Any) -> Any:
        shape, window = self.cache
        (dout,), dx = ordered(dout), cupy.empty(shape, dout.dtype)
        told = *sizes(dx, dout, window), *self.counted(shape)
        launch_each("pooling", "average_pooling_backward", dx.dtype, dx.size, dout, dx, *told)
        return dx

    def counted(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return from where to before where cells count along each axis of images."""
        limits = [limit for pair in self.layer.limits(shape) for limit in pair]
        return (0, 1) * (3 - len(limits) // 2) + tuple(limits)


class AdaptivePoolingInOneLaunch(CudaBody):
    """Pooling to a size: a thread looks at a bin, and in backward gathers dx from the bins that cover a place."""

    name = ""

    def forward(self, x: Any) -> Any:
        bins = self.layer.bins(x)
        if not of_one(x):
            return NotImplemented
        (x,), y = ordered(x), cupy.empty((*x.shape[:2], *bins), x.dtype)
        winner = (cupy.empty(y.shape, "int64"),) if self.name == "adaptive_max" else ()
        self.cache = winner, x.shape, bins
        launch_each("adaptive_pooling", self.name, x.dtype, y.size, x, y, *winner, *self.sizes())
        return y

    def backward(self, dout: Any) -> Any:
        winner, shape, _ = self.cache
        (dout,), dx = ordered(dout), cupy.empty(shape, dout.dtype)
        name = f"{self.name}_backward"
        launch_each("adaptive_pooling", name, dx.dtype, dx.size, dout, *winner, dx, *self.sizes())
        return dx

    def sizes(self) -> tuple[int, ...]:
        """Return the sizes that the kernels take."""
        _, (N, C, *size), bins = self.cache
        return (N * C, *of_three(tuple(size), 1), *of_three(bins, 1))


@body("cupy", AdaptiveAveragePooling)
class AdaptiveAverageInOneLaunch(AdaptivePoolingInOneLaunch):
    """Average pooling to a size."""

    name = "adaptive_average"


@body("cupy", AdaptiveMaxPooling)
class AdaptiveMaxInOneLaunch(AdaptivePoolingInOneLaunch):
    """Max pooling to a size."""

    name = "adaptive_max"


@body("cupy", GlobalMaxPooling)
class GlobalMaxInOneLaunch(AdaptiveMaxInOneLaunch):
    """Max pooling to one value of each channel."""

    def forward(self, x: Any) -> Any:
        y = super().forward(x)
        return y if y is NotImplemented else y.reshape(x.shape[:2])


def sizes(images: Any, pools: Any, window: Window) -> tuple[int, ...]:
    """Return the sizes that the kernels take for images and their pools."""
    before = tuple([before for before, _ in window.pad])
    planes = images.shape[0] * images.shape[1]
    own = (images.shape[2:], 1), (pools.shape[2:], 1), (window.size, 1), (window.stride, 1), (before, 0)
    return (planes, *[size for each, one in own for size in of_three(each, one)])
