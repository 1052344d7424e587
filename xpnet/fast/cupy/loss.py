"""CUDA bodies of losses: a launch for all losses, their mean, and a launch for dx."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet.fast.cupy.launch import WIDE, CudaBody, integers, launch_each, launch_rows, of_one, ordered, upstream
from xpnet.layers.bodies import body
from xpnet.layers.classification_loss import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.regression_loss import Huber


class MeanOfLosses(CudaBody):
    """A loss whose samples all count alike; the samples' losses and what is kept are WIDE, float32 for float16.

    A subclass writes ``takes(x, t)`` and ``samples(x, t)``, which returns the losses and keeps what ``backward`` needs.
    """

    def forward(self, x: Any, t: Any, weights: Any = None) -> Any:
        if weights is not None or not x.size or not of_one(x) or not self.takes(x, t):
            return NotImplemented
        losses = self.samples(*ordered(x, t))
        self.layer.counted = losses.size
        self.share = 1.0 if self.layer.reduction == "sum" else 1.0 / losses.size
        return (losses.sum() if self.layer.reduction == "sum" else losses.mean()).astype(x.dtype, copy=False)

    def scale(self, dout: Any, dx: Any) -> tuple[Any, float]:
        """What ``scale_of`` takes: where dout is, 0 for a number, and what it is multiplied by."""
        return (0, float(dout) * self.share) if type(dout) is float else (upstream(dout, dx), self.share)


@body("cupy", SoftmaxWithLoss)
class OfLabels(MeanOfLosses):
    """A block computes the shares of a row and the loss of its label; no label is read on the host."""

    def takes(self, x: Any, t: Any) -> bool:
        return self.layer.plain and t.dtype.kind in "iu" and t.shape == x.shape[:-1]

    def samples(self, x: Any, t: Any) -> Any:
        wide, classes = WIDE[x.dtype.name], x.shape[-1]
        y, losses = cupy.empty(x.shape, wide), cupy.empty(t.shape, wide)
        arguments = (x, *integers(t), losses, y, t.size, classes)
        launch_rows("loss", "softmax_cross_entropy", x.dtype, t.size, classes, *arguments)
        self.cache = y, t, x.dtype
        return losses

    def backward(self, dout: Any) -> Any:
        y, t, dtype = self.cache
        dx = cupy.empty(y.shape, dtype)
        arguments = (*self.scale(dout, dx), y, *integers(t), dx, t.size, y.shape[-1])
        launch_each("loss", "softmax_cross_entropy_backward", dtype, y.size, *arguments)
        return dx


class OfElements(MeanOfLosses):
    """One launch gives the loss of each element and its derivative, and another multiplies that by dout."""

    kernel = ""

    def takes(self, x: Any, t: Any) -> bool:
        return of_one(x, t) and t.shape == x.shape

    def options(self) -> tuple[float, ...]:
        return ()

    def samples(self, x: Any, t: Any) -> Any:
        losses, slopes = cupy.empty(x.shape, WIDE[x.dtype.name]), cupy.empty(x.shape, WIDE[x.dtype.name])
        launch_each("loss", self.kernel, x.dtype, x.size, x, t, losses, slopes, *self.options(), x.size)
        self.cache = slopes, x.dtype
        return losses

    def backward(self, dout: Any) -> Any:
        slopes, dtype = self.cache
        dx = cupy.empty(slopes.shape, dtype)
        launch_each("loss", "slopes_times_dout", dtype, dx.size, *self.scale(dout, dx), slopes, dx, dx.size)
        return dx


@body("cupy", SigmoidWithLoss)
class OfChances(OfElements):
    """One launch gives the loss of each element and its derivative, and another multiplies that by dout."""

    kernel = "sigmoid_cross_entropy"

    def takes(self, x: Any, t: Any) -> bool:
        return self.layer.pos_weight is None and super().takes(x, t)


@body("cupy", Huber)
class HuberOfElements(OfElements):
    """One launch gives the loss of each element and its derivative, and another multiplies that by dout."""

    kernel = "huber"

    def options(self) -> tuple[float, ...]:
        return (self.layer.delta,)
