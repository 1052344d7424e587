"""Activations over the last axis."""

from __future__ import annotations

from xpnet import kernels
from xpnet.errors import ShapeError
from xpnet.layers.base import Layer
from xpnet.typing import Array


class Softmax(Layer):
    """Softmax over the last axis, ``y = eˣ / Σ eˣ``; exact for scores of any size.

    Before a cross-entropy it is not wanted: ``SoftmaxWithLoss`` joins the two.

    Shapes: ``x (..., K)``, ``y (..., K)``.
    Backward: ``dx = y (dout - Σ dout y)``.
    Raises: ``ShapeError`` for no classes.
    Source: Deep Learning from Scratch, section 3.5.
    """

    shapes = {"x": "... K"}

    def forward(self, x: Array) -> Array:
        check_classes(self, x)
        self.y = kernels.softmax(x)
        return self.y

    def backward(self, dout: Array) -> Array:
        return kernels.softmax_backward(dout, self.y)


class LogSoftmax(Layer):
    """Logarithm of softmax over the last axis, ``y = x - log Σ eˣ``; exact for scores of any size.

    Shapes: ``x (..., K)``, ``y (..., K)``.
    Backward: ``dx = dout - eʸ Σ dout``.
    Raises: ``ShapeError`` for no classes.
    Source: Bridle, 1990 (softmax); Blanchard, Higham and Higham, 2021 (the shift by the maximum).
    """

    shapes = {"x": "... K"}

    def forward(self, x: Array) -> Array:
        check_classes(self, x)
        self.y = kernels.log_softmax(x)
        return self.y

    def backward(self, dout: Array) -> Array:
        return kernels.log_softmax_backward(dout, self.y)


def check_classes(layer: Layer, x: Array) -> None:
    """Shares of nothing do not sum to 1."""
    if x.shape[-1] == 0:
        who = type(layer).__name__
        raise ShapeError(who, "x must hold at least one class", tuple(x.shape), "give it scores on the last axis")
