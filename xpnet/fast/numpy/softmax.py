"""NumPy body of softmax over the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one, ones
from xpnet.layers.bodies import Body, body
from xpnet.layers.softmax import Softmax, check_classes

FEW = 32  # classes, up to which a sum along rows of memory is too short a loop to be quick


@body("numpy", Softmax)
class SoftmaxInPlace(Body):
    """Softmax with its exponentials and division in place; few classes lie in rows, along which sums are quick."""

    def forward(self, x: Host) -> Any:
        if not of_one(x) or not x.ndim:
            return NotImplemented
        check_classes(self.layer, x)
        e, axis = laid_out(x)
        e -= np.maximum.reduce(e, axis=axis, keepdims=True)
        e /= exponentials(e, axis)
        self.cache = y = e.T if axis == 0 else e.reshape(x.shape)
        return y

    def backward(self, dout: Host) -> Any:
        y = self.cache
        dx = dout * y
        along = np.add.reduce(dx, axis=-1, keepdims=True)
        np.subtract(dout, along, out=dx)
        dx *= y
        return dx


def laid_out(x: Host) -> tuple[Host, int]:
    """Return a copy whose sums over the classes are quick, and the axis of the classes: the first if they are few."""
    if x.ndim == 2 and x.shape[1] <= FEW:
        return np.array(x.T, order="C"), 0
    return np.array(x, order="C").reshape(-1, x.shape[-1]), 1


def exponentials(e: Host, axis: int) -> Host:
    """Turn scores, already less their maximum, into exponentials in place; return their sums over the classes."""
    np.exp(e, out=e)
    return e @ ones(e.shape[1], e.dtype)[:, None] if axis else np.add.reduce(e, axis=axis, keepdims=True)
