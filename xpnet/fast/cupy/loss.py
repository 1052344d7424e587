"""CUDA bodies of losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cupy

from xpnet.fast.cupy.launch import WIDE, CudaBody, integers, launch_each, launch_rows, of_one, ordered, upstream
from xpnet.layers.bodies import body
from xpnet.layers.classification_loss import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.regression_loss import Huber


class LossesInALaunch(CudaBody):
    """Losses of all samples in one launch, and dx in another.

    A copy of the layer applies weights and options to them. Losses and the arrays kept for ``backward`` are WIDE, which
    is float32 for float16.

    A subclass writes ``takes(x, t)`` and ``losses(x, t)``, which replaces the layer's method ``stands_for``.
    """

    stands_for = "per_sample"
    takes: Callable[[Any, Any], bool]
    losses: Callable[[Any, Any], Any]
    own: Any = None  # the copy of the layer

    def forward(self, x: Any, t: Any, weights: Any = None) -> Any:
        layer = self.layer
        if not x.size or not of_one(x) or not self.takes(x, t):
            return NotImplemented
        self.dtype = x.dtype
        if weights is not None or layer.reduction != "mean" or not self.is_plain():
            self.own = own = layer.copy()
            setattr(own, self.stands_for, self.losses)
            loss, counted = own.forward(x, t, weights), own.counted
        else:
            losses, self.own = self.losses(x, t), None
            loss, counted = losses.mean().astype(x.dtype, copy=False), losses.size
            self.share = 1.0 / losses.size
        if self.training:
            layer.counted = counted
        return loss

    def is_plain(self) -> bool:
        return True

    def dlosses(self, dout: Any, dx: Any) -> tuple[Any, float]:
        """Return the derivative with respect to the losses for the kernels: an array, or 0 for 1, and a number."""
        dout = dout if type(dout) is float else upstream(dout, dx)
        dlosses, number = (dout, self.share) if self.own is None else (self.own.dlosses(dout), 1.0)
        return (0, dlosses * number) if type(dlosses) is float else (upstream(dlosses, dx), number)


@body("cupy", SoftmaxWithLoss)
class OfLabels(LossesInALaunch):
    """The loss of labels: a block computes the shares of a row and its loss; no label is read on the host."""

    stands_for = "losses_of"

    def takes(self, x: Any, t: Any) -> bool:
        return not self.layer.label_smoothing and t.dtype.kind in "iu" and t.shape == x.shape[:-1]

    def is_plain(self) -> bool:
        return bool(self.layer.plain)

    def losses(self, x: Any, t: Any) -> Any:
        x, t = ordered(x, t)
        wide, classes = WIDE[x.dtype.name], x.shape[-1]
        y, losses = cupy.empty(x.shape, wide), cupy.empty(t.shape, wide)
        arguments = (x, *integers(t), losses, y, t.size, classes)
        launch_rows("loss", "softmax_cross_entropy", x.dtype, t.size, classes, *arguments)
        self.cache = y, t, x.dtype
        return losses

    def backward(self, dout: Any) -> Any:
        y, t, dtype = self.cache
        dx = cupy.empty(y.shape, dtype)
        dlosses, number = self.dlosses(dout, dx)
        each = int(getattr(dlosses, "ndim", 0) > 0)
        if each:
            (dlosses,) = ordered(cupy.broadcast_to(dlosses, (*t.shape, 1)))
        arguments = (dlosses, number, each, y, *integers(t), dx, t.size, y.shape[-1])
        launch_each("loss", "softmax_cross_entropy_backward", dtype, y.size, *arguments)
        return dx.astype(self.dtype, copy=False)


class OfElements(LossesInALaunch):
    """A loss of single elements: one launch computes each loss and its derivative, another multiplies that by dout."""

    kernel = ""

    def takes(self, x: Any, t: Any) -> bool:
        return of_one(x, t) and t.shape == x.shape

    def options(self) -> tuple[float, ...]:
        return ()

    def losses(self, x: Any, t: Any) -> Any:
        x, t = ordered(x, t)
        losses, slopes = cupy.empty(x.shape, WIDE[x.dtype.name]), cupy.empty(x.shape, WIDE[x.dtype.name])
        launch_each("loss", self.kernel, x.dtype, x.size, x, t, losses, slopes, *self.options(), x.size)
        self.cache = slopes, x.dtype
        return losses

    def backward(self, dout: Any) -> Any:
        slopes, dtype = self.cache
        dx = cupy.empty(slopes.shape, dtype)
        dlosses, number = self.dlosses(dout, dx)
        if getattr(dlosses, "ndim", 0):
            dx = dlosses * slopes
        else:
            launch_each("loss", "times_slopes", dtype, dx.size, dlosses, number, slopes, dx, dx.size)
        return dx.astype(self.dtype, copy=False)


@body("cupy", SigmoidWithLoss)
class OfChances(OfElements):
    """Sigmoid cross-entropy: one launch computes each loss and its derivative, another multiplies that by dout."""

    kernel = "sigmoid_cross_entropy"

    def takes(self, x: Any, t: Any) -> bool:
        return self.layer.pos_weight is None and not self.layer.label_smoothing and super().takes(x, t)


@body("cupy", Huber)
class HuberOfElements(OfElements):
    """The Huber loss: one launch computes each loss and its derivative, another multiplies that by dout."""

    kernel = "huber"

    def options(self) -> tuple[float, ...]:
        return (self.layer.delta,)
