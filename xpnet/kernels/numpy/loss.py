"""NumPy bodies of softmax and its cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.kernels.standard import activation
from xpnet.kernels.standard import loss as standard

FEW = 32  # classes, of which a sum along the rows of memory is a loop too short to be quick
UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def laid_out(x: Host) -> tuple[Host, int]:
    """A copy whose sums over the classes are quick, and the axis of the classes: the first where they are few."""
    if x.ndim == 2 and x.shape[1] <= FEW:
        return np.array(x.T, order="C"), 0
    return np.array(x, order="C").reshape(-1, x.shape[-1]), 1


def exponentials(e: Host, axis: int) -> Host:
    """Turn scores, already less their maximum, into exponentials where they lie; the sums of those over the classes."""
    np.exp(e, out=e)
    return np.add.reduce(e, axis=axis, keepdims=True)


def subtract_maximum(x: Host, axis: int) -> None:
    x -= np.maximum.reduce(x, axis=axis, keepdims=True)


def in_shape_of(x: Host, e: Host, axis: int) -> Host:
    return e.T if axis == 0 else e.reshape(x.shape)


@activation.softmax.on("numpy")
def softmax(x: Host) -> Any:
    if x.dtype.kind != "f" or not x.size:
        return activation.softmax.reference(x)
    e, axis = laid_out(x)
    subtract_maximum(e, axis)
    e /= exponentials(e, axis)
    return in_shape_of(x, e, axis)


@standard.softmax_cross_entropy.on("numpy")
def softmax_cross_entropy(x: Host, t: Host) -> Any:
    if x.dtype.kind != "f" or not are_labels(t, x):
        return standard.softmax_cross_entropy.reference(x, t)
    labels = t.reshape(-1)
    e, axis = laid_out(x)
    subtract_maximum(e, axis)
    rows = np.arange(labels.size)
    chosen = e[rows, labels] if axis else e[labels, rows]
    total = exponentials(e, axis)
    losses = np.log(total).reshape(-1)
    losses -= chosen
    e /= total
    return losses.reshape(t.shape), in_shape_of(x, e, axis)


@standard.softmax_cross_entropy_backward.on("numpy")
def softmax_cross_entropy_backward(y: Host, t: Host, dlosses: Any) -> Any:
    if not are_labels(t, y):
        return standard.softmax_cross_entropy_backward.reference(y, t, dlosses)
    labels = t.reshape(-1)
    dx = y.copy(order="K" if y.ndim == 2 else "C")
    dx.reshape(-1, y.shape[-1])[np.arange(labels.size), labels] -= 1.0
    dx *= dlosses
    return dx


def are_labels(t: Host, x: Host) -> bool:
    """Whether t is a class for each row of x, and none unknown: without its sign, a negative number is a large one."""
    if t.dtype.kind not in "iu" or t.shape != x.shape[:-1] or not t.size:
        return False
    return bool(np.maximum.reduce(t.view(UNSIGNED[t.itemsize]), axis=None) < x.shape[-1])
