"""A small network."""

from __future__ import annotations

from xpnet.layers import Affine, Layer, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.random import Generator


def small(loss: Layer | None = None) -> Sequential:
    rng = Generator(0)
    front = Sequential(Affine.create(4, 5, rng=rng), Relu())
    return Sequential(front, Affine.create(5, 3, rng=rng), loss=loss or SoftmaxWithLoss())
