"""A network that has a plan, a batch for it, and what compares its gradients."""

from __future__ import annotations

import numpy as np

from xpnet.backend import to_numpy
from xpnet.layers import Affine, Dropout, LayerNormalization, Relu, Sigmoid, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.random import Generator

DRAW = np.random.default_rng(0)
X, T = DRAW.random((8, 6)), DRAW.integers(0, 3, 8)


def make(loss: bool = True) -> Sequential:
    rng = Generator(3)
    layers = Affine.create(6, 5, rng=rng), Relu(), LayerNormalization.create(5), Dropout(0.3, rng)
    more = Affine.create(5, 4, rng=rng), Sigmoid(), Affine.create(4, 3, rng=rng)
    return Sequential(*layers, *more, loss=SoftmaxWithLoss() if loss else None)


def assert_close(found, expected, tolerance: float = 1e-10) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(to_numpy(found[name]), to_numpy(value), rtol=tolerance, atol=tolerance)


def steps_back(net) -> None:
    for name in net.states:
        if name.endswith("step"):
            net.states[name] = 0
