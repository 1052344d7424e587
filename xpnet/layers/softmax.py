"""Activations over the last axis."""

from __future__ import annotations

from xpnet.backend import array_namespace
from xpnet.errors import ShapeError
from xpnet.layers.base import Layer
from xpnet.typing import Array


class Softmax(Layer):
    """Softmax over the last axis, ``y = eˣ / Σ eˣ``; exact for scores of any size.

    It is not needed before a cross-entropy: ``SoftmaxWithLoss`` combines the two.

    Shapes: ``x (..., K)``, ``y (..., K)``.
    Backward: ``dx = y (dout - Σ dout y)``.
    Raises: ``ShapeError`` for no classes.
    Source: Deep Learning from Scratch, section 3.5.

    >>> Softmax().forward(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """

    shapes = {"x": "... K"}
    in_float32 = True

    y: Array

    def forward(self, x: Array) -> Array:
        check_classes(self, x)
        self.y = softmax(x)
        return self.y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.y)
        dx: Array = self.y * (dout - xp.sum(dout * self.y, axis=-1, keepdims=True))
        return dx


class LogSoftmax(Layer):
    """Logarithm of softmax over the last axis, ``y = x - log Σ eˣ``; exact for scores of any size.

    Shapes: ``x (..., K)``, ``y (..., K)``.
    Backward: ``dx = dout - eʸ Σ dout``.
    Raises: ``ShapeError`` for no classes.
    Source: Bridle, 1990 (softmax); Blanchard, Higham and Higham, 2021 (the shift by the maximum).

    >>> LogSoftmax().forward(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[   -0.6931,    -0.6931],
           [    0.    , -1000.    ]])
    """

    shapes = {"x": "... K"}
    in_float32 = True

    y: Array

    def forward(self, x: Array) -> Array:
        check_classes(self, x)
        xp = array_namespace(x)
        z = x - xp.max(x, axis=-1, keepdims=True)
        self.y = z - xp.log(xp.sum(xp.exp(z), axis=-1, keepdims=True))
        return self.y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.y)
        dx: Array = dout - xp.exp(self.y) * xp.sum(dout, axis=-1, keepdims=True)
        return dx


def softmax(x: Array) -> Array:
    """Return softmax over the last axis, ``y = eˣ⁻ᶜ / Σ eˣ⁻ᶜ`` with ``c = max x``, which cannot overflow."""
    xp = array_namespace(x)
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    y: Array = e / xp.sum(e, axis=-1, keepdims=True)
    return y


def check_classes(layer: Layer, x: Array) -> None:
    """Raise ShapeError if there are no classes: shares of nothing do not sum to 1."""
    if x.shape[-1] == 0:
        who = type(layer).__name__
        raise ShapeError(who, "x must hold at least one class", tuple(x.shape), "give it scores on the last axis")
