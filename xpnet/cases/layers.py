"""The table of layer cases: a row per layer, with which the tests, ``xpnet check`` and ``xpnet conform`` prove it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet import layers
from xpnet.backend import get_backend
from xpnet.layers import Layer
from xpnet.random import Generator
from xpnet.typing import Array

Host = np.ndarray[Any, Any]


def _normal(name: str, *shape: int) -> Host:
    return Generator(0).normal(shape, f"case.{name}")


def _softmax(x: Host) -> Host:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.asarray(e / np.sum(e, axis=-1, keepdims=True))


def _cross_entropy(x: Host, t: Host) -> Any:
    shares = np.eye(x.shape[-1])[t] if t.dtype.kind in "iu" else t
    return -np.mean(np.sum(shares * np.log(_softmax(x)), axis=-1))


@dataclass(frozen=True)
class Case:
    """One way to use a layer: its parameters and inputs as host arrays, and its output in plain NumPy float64.

    ``oracle`` takes the inputs in order and the parameters by name.
    """

    name: str
    layer: type[Layer]
    inputs: tuple[Host, ...]
    oracle: Callable[..., Any]
    parameters: tuple[Host, ...] = ()

    def build(self) -> tuple[Layer, tuple[Array, ...]]:
        """The layer and its inputs on the current backend."""
        asarray = get_backend().asarray
        return self.layer(*map(asarray, self.parameters)), tuple(map(asarray, self.inputs))

    def expected(self) -> Host:
        named = dict(zip(self.layer.parameters, self.parameters, strict=True))
        return np.asarray(self.oracle(*self.inputs, **named))


CASES = (
    Case("MulLayer", layers.MulLayer, (_normal("x", 3, 4), _normal("y", 3, 4)), lambda x, y: x * y),
    Case("MulLayer, broadcast", layers.MulLayer, (_normal("x", 3, 4), _normal("y", 4)), lambda x, y: x * y),
    Case("AddLayer", layers.AddLayer, (_normal("x", 3, 4), _normal("y", 3, 4)), lambda x, y: x + y),
    Case("AddLayer, broadcast", layers.AddLayer, (_normal("x", 3, 1), _normal("y", 2, 1, 4)), lambda x, y: x + y),
    Case("Relu", layers.Relu, (_normal("x", 3, 4),), lambda x: np.maximum(x, 0.0)),
    Case("Sigmoid", layers.Sigmoid, (4.0 * _normal("x", 3, 4),), lambda x: 1.0 / (1.0 + np.exp(-x))),
    Case("Flatten", layers.Flatten, (_normal("x", 3, 2, 2, 2),), lambda x: x.reshape(3, 8)),
    Case(
        "Affine",
        layers.Affine,
        (_normal("x", 5, 4),),
        lambda x, W, b: x @ W + b,
        (_normal("W", 4, 3), _normal("b", 3)),
    ),
    Case(
        "Affine, images",
        layers.Affine,
        (_normal("x", 5, 1, 2, 2),),
        lambda x, W, b: x.reshape(5, 4) @ W + b,
        (_normal("W", 4, 3), _normal("b", 3)),
    ),
    Case(
        "SoftmaxWithLoss, indices",
        layers.SoftmaxWithLoss,
        (_normal("x", 5, 4), np.asarray([0, 3, 1, 1, 2])),
        _cross_entropy,
    ),
    Case(
        "SoftmaxWithLoss, shares",
        layers.SoftmaxWithLoss,
        (_normal("x", 5, 4), _softmax(_normal("t", 5, 4))),
        _cross_entropy,
    ),
    Case("SoftmaxWithLoss, one sample", layers.SoftmaxWithLoss, (_normal("x", 4), np.asarray(2)), _cross_entropy),
    Case(
        "IdentityWithLoss",
        layers.IdentityWithLoss,
        (_normal("x", 5, 4), _normal("t", 5, 4)),
        lambda x, t: 0.5 * np.sum((x - t) ** 2) / 5.0,
    ),
)
