"""NumPy body of softmax and its cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.softmax import exponentials, laid_out
from xpnet.layers.bodies import Body, body
from xpnet.layers.classification_loss import SoftmaxWithLoss

UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@body("numpy", SoftmaxWithLoss)
class OfLabels(Body):
    """The mean over class indices without options: one exponential a score, and the chosen ones taken by index."""

    def forward(self, x: Host, t: Any, weights: Any = None) -> Any:
        if not self.takes(x, t, weights) or not are_known(t, x.shape[-1]):
            return NotImplemented
        labels = t.reshape(-1)
        e, axis = laid_out(x)
        e -= np.maximum.reduce(e, axis=axis, keepdims=True)
        rows = np.arange(labels.size)
        at = (rows, labels) if axis else (labels, rows)
        chosen = e[at]
        total = exponentials(e, axis)
        losses = np.log(total).reshape(-1)
        losses -= chosen
        e /= total
        self.cache = x.shape, e, axis, at
        return np.add.reduce(losses) / losses.dtype.type(losses.size)

    def takes(self, x: Host, t: Any, weights: Any) -> bool:
        """Whether t are class indices, one for each row of scores, and all samples count alike in the mean."""
        layer = self.layer
        plain = layer.plain and weights is None and layer.reduction == "mean"
        of_rows = t.shape == x.shape[:-1] and t.size > 0
        return plain and of_rows and x.dtype.char in "fd" and t.dtype.kind in "iu"

    def backward(self, dout: Any) -> Any:
        shape, e, axis, at = self.cache
        dx = e if self.once else e.copy()
        dx[at] -= 1.0
        dx *= dout / at[0].size if type(dout) is float else np.asarray(dout / at[0].size, dx.dtype)
        return dx.T if axis == 0 else dx.reshape(shape)


def are_known(t: Host, classes: int) -> bool:
    """Whether no label is outside of the classes: without its sign, a negative number is a large one."""
    return bool(np.maximum.reduce(t.view(UNSIGNED[t.itemsize]), axis=None) < classes)
