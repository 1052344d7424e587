"""NumPy body of softmax and its cross-entropy."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.fast.numpy.softmax import exponentials, laid_out
from xpnet.layers.bodies import Body, body
from xpnet.layers.classification_loss import SoftmaxWithLoss

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
        each = np.asarray(each, self.cache[1].dtype)
        if each.ndim == 0:
            return each
        rows = np.broadcast_to(each, (*shape[:-1], 1))
        return rows.reshape(1, -1) if axis == 0 else rows.reshape(-1, 1)


def are_known(t: Host, classes: int) -> bool:
    """Return whether no label is outside the classes: read as unsigned, a negative number is a large one."""
    return bool(np.maximum.reduce(t.view(UNSIGNED[t.itemsize]), axis=None) < classes)
