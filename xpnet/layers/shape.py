"""Layers that move values and compute nothing."""

from __future__ import annotations

from math import prod

from xpnet.backend import array_namespace
from xpnet.layers.base import Layer
from xpnet.typing import Array


class Flatten(Layer):
    """One row per sample, ``y[n] = x[n]`` with its axes laid out in one.

    Shapes: ``x (N, ...)``, ``y (N, D)``.
    Backward: ``dx = dout`` in the shape of ``x``.
    """

    shapes = {"x": "N ..."}
    holomorphic = True

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        y: Array = array_namespace(x).reshape(x, (x.shape[0], prod(x.shape[1:])))
        return y

    def backward(self, dout: Array) -> Array:
        dx: Array = array_namespace(dout).reshape(dout, self.shape)
        return dx
