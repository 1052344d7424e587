"""Softmax cross-entropy in two passes around NumPy's exponential, which is vectorized as no compiled one is."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled, compiled_sums, in_order, rows
from xpnet.fast.numpy import loss
from xpnet.fast.numpy.blocks import Host
from xpnet.layers.bodies import body
from xpnet.layers.classification_loss import SoftmaxWithLoss
from xpnet.layers.likelihood_loss import FocalLoss


@body("numba", SoftmaxWithLoss)
class OfLabels(loss.OfLabels):
    """The loss of labels in two passes around NumPy's exponential."""

    def losses(self, x: Host, t: Any) -> Any:
        if not in_order(x):
            return super().losses(x, t)
        labels, e, losses = labels_of(t), np.empty_like(x), np.empty(t.size, x.dtype)
        less_maximum(rows(x), labels, rows(e), losses)
        np.exp(e, out=e)
        as_shares(rows(e), losses)
        self.cache = x.shape, rows(e), 1, (np.arange(labels.size), labels)
        return losses


@body("numba", FocalLoss)
class FocalInPasses(loss.OfLabelsWithSlope, OfLabels):
    """A focal loss by the body of the cross-entropy."""


@compiled
def less_maximum(x: Host, t: Host, e: Host, losses: Host) -> None:
    """Write ``e = x - max x``, and its value at the label, negated, as losses."""
    N, K = x.shape
    for n in range(N):
        largest = x[n, 0]
        for k in range(1, K):
            largest = max(largest, x[n, k])
        for k in range(K):
            e[n, k] = x[n, k] - largest
        losses[n] = -e[n, t[n]]


@compiled_sums
def as_shares(e: Host, losses: Host) -> None:
    """Divide the exponentials by their sums, whose logarithms are added to the losses."""
    N, K = e.shape
    for n in range(N):
        total = e[n, 0]
        for k in range(1, K):
            total += e[n, k]
        losses[n] += np.log(total)
        for k in range(K):
            e[n, k] /= total


def labels_of(t: Host) -> Host:
    """Return the labels in one axis, in the integer dtype for which the loops are compiled."""
    t = t.reshape(-1)
    return t if t.dtype == np.int64 and t.flags.carray else np.array(t, dtype=np.int64)
