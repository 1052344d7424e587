"""A network that notes in which dtype it computes, and a batch for it."""

from __future__ import annotations

import numpy as np

import xpnet as xn
from xpnet.backend import dtype_name, to_numpy
from xpnet.layers import Affine, BatchNormalization, Dropout, Layer, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.random import Generator


class Spy(Layer):
    """The identity; it notes the dtypes that pass, and may multiply what comes back."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor, self.seen = factor, set()

    def forward(self, x):
        self.seen.add(("x", dtype_name(x.dtype)))
        return x * 1.0

    def backward(self, dout):
        self.seen.add(("dout", dtype_name(dout.dtype)))
        return dout * self.factor


def make(spy: Layer | None = None) -> Sequential:
    rng = Generator(5)
    layers = [
        Affine.create(4, 6, rng=rng),
        BatchNormalization.create(6),
        Relu(),
        Dropout(0.2, rng),
        *filter(None, [spy]),
    ]
    return Sequential(*layers, Affine.create(6, 3, rng=rng), loss=SoftmaxWithLoss())


def batch() -> tuple:
    backend = xn.get_backend()
    x = np.random.default_rng(0).normal(size=(8, 4))
    return backend.asarray(x), backend.asarray(np.asarray([0, 1, 2, 0, 1, 2, 0, 1]))


def number(value) -> float:
    return float(to_numpy(value))
