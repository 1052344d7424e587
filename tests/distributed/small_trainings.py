"""A small training by ranks, the same by one process, and what compares the two."""

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import make_backend
from xpnet.layers import Affine, BatchNormalization, Dropout, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer

BACKEND = make_backend("numpy", dtype="float64")
RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(41, 6)), RNG.integers(0, 4, 41)  # batches of 10, and a last one of 1
Y, S = RNG.normal(size=(13, 6)), RNG.integers(0, 4, 13)


def network(norm=False):
    g = Generator(2)
    layers = [Affine.create(6, 8, rng=g), *([BatchNormalization.create(8)] if norm else []), Relu(), Dropout(0.2, g)]
    return Sequential(*layers, Affine.create(8, 4, rng=g), loss=SoftmaxWithLoss())


def trainer(net=None, optimizer=None, train=(X, T), distributed=True, **options):
    net = net or network()
    return Trainer(net, optimizer or SGD(0.2), train, (Y, S), 10, Generator(1), distributed=distributed, **options)


def alone(run):
    with xn.use_backend(BACKEND):
        return run()


def check_history(found, expected):
    assert len(found.history) == len(expected.history)
    for own, one in zip(found.history, expected.history, strict=True):
        for name in ("loss", "test_loss", "train_accuracy", "test_accuracy"):
            assert getattr(own, name) == pytest.approx(getattr(one, name), rel=1e-10)
        assert own.metrics == pytest.approx(one.metrics)
    for name, W in expected.network.params.items():
        np.testing.assert_allclose(found.network.params[name], W, rtol=1e-9, atol=1e-12)
