"""NumPy bodies of losses: of labels, which choose one score of each row, and of targets like the scores."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, block_of, blocks, of_one
from xpnet.fast.numpy.softmax import exponentials, laid_out
from xpnet.layers.bodies import Body, body
from xpnet.layers.classification_loss import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.likelihood_loss import FocalLoss, NegativeLogLikelihood
from xpnet.layers.regression_loss import Huber

UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@body("numpy", SoftmaxWithLoss)
class OfLabels(Body):
    """The loss of labels by one exponential per score; the shares at the labels are taken by index.

    A copy of the layer applies weights and options to the losses of class indices around them.
    """

    own: Any = None  # the copy of the layer

    def forward(self, x: Host, t: Any, weights: Any = None) -> Any:
        layer = self.layer
        of_rows = t.shape == x.shape[:-1] and t.size > 0 and t.dtype.kind in "iu"
        self.dtype = x.dtype
        if layer.label_smoothing or not of_rows or not of_one(x):
            return NotImplemented
        if not layer.plain or weights is not None or layer.reduction != "mean":
            return self.forward_around(x, t, weights)
        if not are_known(t, x.shape[-1]):
            return NotImplemented
        losses, self.own = self.losses(x, t), None
        if self.training:
            layer.counted = losses.size
        return np.add.reduce(losses) / losses.dtype.type(losses.size)

    def forward_around(self, x: Host, t: Any, weights: Any) -> Any:
        self.own = own = self.layer.copy()
        own.losses_of = lambda x, t: self.losses(x, t).reshape(t.shape)
        loss = own.forward(x, t, weights)
        if self.training:
            self.layer.counted = own.counted
        return loss

    def losses(self, x: Host, t: Host) -> Host:
        """Return the loss of each sample, in one axis."""
        labels = t.reshape(-1)
        e, axis = laid_out(x)
        e -= np.maximum.reduce(e, axis=axis, keepdims=True)
        rows = np.arange(labels.size)
        at = (rows, labels) if axis else (labels, rows)
        chosen = e[at]
        total = exponentials(e, axis)
        losses: Host = np.log(total).reshape(-1)
        losses -= chosen
        e /= total
        self.cache = x.shape, e, axis, at
        return losses

    def backward(self, dout: Any) -> Any:
        shape, e, axis, at = self.cache
        dx = e if self.once else e.copy()
        dx[at] -= 1.0
        dx *= self.dlosses(dout, shape, axis)
        return dx.T if axis == 0 else dx.reshape(shape)

    def dlosses(self, dout: Any, shape: tuple[int, ...], axis: int) -> Any:
        """Return the derivative with respect to each sample's loss, shaped to multiply the scores as laid out."""
        if self.own is None:
            each = dout / prod(shape[:-1])
        else:
            each = self.own.dlosses(dout)
        if type(each) is float:
            return each
        each = np.asarray(each, self.dtype)
        if each.ndim == 0:
            return each
        rows = np.broadcast_to(each, (*shape[:-1], 1))
        return rows.reshape(1, -1) if axis == 0 else rows.reshape(-1, 1)


class OfLabelsWithSlope(OfLabels):
    """A focal loss: the softmax of its scores, and a number for each sample besides."""

    def losses(self, x: Host, t: Host) -> Host:
        surprise, focus = super().losses(x, t), self.layer.focus
        rest = np.maximum(-np.expm1(-surprise), np.finfo(x.dtype).smallest_normal)
        easy = rest**focus
        self.slopes = -focus * np.exp(-surprise) * rest ** (focus - 1.0) * surprise - easy
        losses: Host = easy * surprise
        return losses

    def backward(self, dout: Any) -> Any:
        shape, e, axis, at = self.cache
        slopes = self.slopes.reshape((1, -1) if axis == 0 else (-1, 1))
        dx = np.multiply(e, -slopes, out=e if self.once else None)
        dx[at] += self.slopes
        dx *= self.dlosses(dout, shape, axis)
        return dx.T if axis == 0 else dx.reshape(shape)


@body("numpy", FocalLoss)
class FocalInPlace(OfLabelsWithSlope):
    """A focal loss by the body of the cross-entropy."""


@body("numpy", NegativeLogLikelihood)
class ChosenByIndex(OfLabels):
    """The negative log-likelihood of labels, taken by index."""

    def losses(self, x: Host, t: Host) -> Host:
        labels = t.reshape(-1)
        self.cache = x.shape, (np.arange(labels.size), labels)
        losses: Host = -x.reshape(labels.size, -1)[self.cache[1]]
        return losses

    def backward(self, dout: Any) -> Any:
        shape, at = self.cache
        dx = np.zeros((at[1].size, shape[-1]), self.dtype)
        each = self.dlosses(dout, shape, 1)
        dx[at] = -(each if np.ndim(each) == 0 else each.reshape(-1))
        return dx.reshape(shape)


class OfTargets(Body):
    """A loss of targets like x, without weights and options; ``losses(x, t)`` and ``slope()`` are its equations."""

    count = 1

    def forward(self, x: Host, t: Host, weights: Any = None) -> Any:
        layer = self.layer
        if (
            weights is not None
            or not self.is_plain()
            or not of_one(x, t)
            or x.shape != t.shape
            or not x.ndim
            or not x.size
        ):
            return NotImplemented
        total = np.add.reduce(self.losses(x, t), axis=None)
        if not np.isfinite(total):
            return NotImplemented  # infinite scores may count as 0
        if self.training:
            layer.counted = x.size
        self.count = 1 if layer.reduction == "sum" else x.size
        return total / x.dtype.type(self.count)

    def backward(self, dout: Any) -> Any:
        each = dout / self.count
        return self.slope() * (each if type(each) is float else self.cache[0].dtype.type(each))

    def is_plain(self) -> bool:
        return True

    def losses(self, x: Host, t: Host) -> Host:
        raise NotImplementedError

    def slope(self) -> Host:
        raise NotImplementedError


@body("numpy", SigmoidWithLoss)
class SigmoidInPlace(OfTargets):
    """The cross-entropy of each score, ``max(x, 0) + log(1 + exp(-|x|)) - t x``, by one exponential and logarithm."""

    def is_plain(self) -> bool:
        return self.layer.pos_weight is None and not self.layer.label_smoothing

    def losses(self, x: Host, t: Host) -> Host:
        y, losses = np.empty_like(x), np.empty_like(x)
        for parts in blocks(x, t, y, losses):
            cross_entropies(*parts)
        self.cache = y, t
        return losses

    def slope(self) -> Host:
        y, t = self.cache
        d: Host = y - t
        return d


@body("numpy", Huber)
class HuberByClip(OfTargets):
    """The loss of errors whose derivative is clipped, ``g (d - g / 2)``."""

    def losses(self, x: Host, t: Host) -> Host:
        d, delta = x - t, self.layer.delta
        g = np.clip(d, -delta, delta)
        self.cache = (g,)
        half = g * 0.5
        d -= half
        d *= g
        return d

    def slope(self) -> Any:
        return self.cache[0]


def cross_entropies(x: Host, t: Host, y: Host, losses: Host) -> None:
    """Write the sigmoid of x, and the loss of each score."""
    np.abs(x, out=y)
    np.negative(y, out=y)
    np.exp(y, out=y)
    np.log1p(y, out=losses)
    above = np.greater_equal(x, 0).astype(x.dtype)
    np.maximum(above, y, out=above)
    y += 1.0
    np.divide(above, y, out=y)
    losses += np.maximum(x, block_of(0.0, x.dtype)[0])
    losses -= np.multiply(t, x, out=above)


def are_known(t: Host, classes: int) -> bool:
    """Return whether no label is outside the classes: read as unsigned, a negative number is a large one."""
    return bool(np.maximum.reduce(t.view(UNSIGNED[t.itemsize]), axis=None) < classes)
