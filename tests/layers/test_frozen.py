"""Layers that are frozen: what they compute, their gradients, and that nothing moves them."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.autodiff import Variable
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError
from xpnet.layers import (
    LSTM,
    Affine,
    BatchNormalization,
    Convolution,
    Dropout,
    Flatten,
    Relu,
    Residual,
    SoftmaxWithLoss,
    Tanh,
)
from xpnet.networks import Network, Sequential
from xpnet.optimizers import SGD, Adam, Lion, Momentum
from xpnet.random import Generator
from xpnet.training import Trainer

SHAPES = [(6, 3), (2, 3, 4, 5), (1, 3)]


def normalization(asarray) -> BatchNormalization:
    rng = np.random.default_rng(1)
    gamma, beta, mean = (asarray(rng.normal(size=3)) for _ in range(3))
    return BatchNormalization(gamma, beta, 0.9, mean, asarray(rng.uniform(0.5, 2.0, size=3)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batch_normalization_with_fixed_statistics(shape, asarray, tolerance) -> None:
    layer, rng = normalization(asarray), np.random.default_rng(0)
    x, dout = rng.normal(size=shape), rng.normal(size=shape)
    if shape[0] > 1:
        layer.forward(asarray(x))  # in training: nothing of it may stay for the backward below
        layer.backward(asarray(dout))
    gamma, beta, mean, var = (
        np.asarray(to_numpy(array), dtype=np.float64).reshape(3, *[1] * (len(shape) - 2))
        for array in (layer.gamma, layer.beta, layer.running_mean, layer.running_var)
    )
    layer.training = False
    y = to_numpy(layer(asarray(x)))
    xhat = (x - mean) / np.sqrt(var + layer.eps)
    np.testing.assert_allclose(y, gamma * xhat + beta, rtol=50 * tolerance, atol=10 * tolerance)
    np.testing.assert_array_equal(y, to_numpy(layer.predict(asarray(x))))
    dx = to_numpy(layer.backward(asarray(dout)))
    np.testing.assert_allclose(dx, dout * gamma / np.sqrt(var + layer.eps), rtol=50 * tolerance, atol=10 * tolerance)
    axes = (0, *range(2, len(shape)))
    np.testing.assert_allclose(to_numpy(layer.dgamma), np.sum(dout * xhat, axes), rtol=1e-4, atol=100 * tolerance)
    np.testing.assert_allclose(to_numpy(layer.dbeta), np.sum(dout, axes), rtol=1e-4, atol=100 * tolerance)
    xn.gradient_check(layer, asarray(x)).raise_if_failed()
    layer.training = True
    if shape[0] > 1:
        xn.gradient_check(layer, asarray(x)).raise_if_failed()


def test_it_is_differentiated_in_a_graph_and_by_its_operations(asarray, tolerance, defer_to_variables) -> None:
    layer, x = normalization(asarray), np.random.default_rng(0).normal(size=(4, 3))
    layer.training = False
    layer.forward(asarray(x))
    expected = to_numpy(layer.backward(asarray(x)))
    for call in (layer, layer.forward):
        variable = Variable(asarray(x))
        call(variable).backward(asarray(x))
        np.testing.assert_allclose(to_numpy(variable.grad), expected, rtol=50 * tolerance, atol=10 * tolerance)


def test_dropout_passes_everything_and_counts_nothing(asarray) -> None:
    layer, x = Dropout(0.5, Generator(0)), asarray(np.ones((4, 3)))
    layer(x)
    layer.freeze()
    np.testing.assert_array_equal(to_numpy(layer(x)), np.ones((4, 3)))
    np.testing.assert_array_equal(to_numpy(layer.backward(x)), np.ones((4, 3)))
    assert layer.step == 1


def test_a_recurrent_state_stays(asarray) -> None:
    layer = LSTM.create(3, 2, stateful=True, rng=Generator(0))
    x = asarray(np.random.default_rng(0).normal(size=(2, 4, 3)))
    layer(x)
    kept = layer.h
    layer.freeze()
    layer(x)
    assert layer.h is kept
    xn.gradient_check(layer, x).raise_if_failed()


class Twice(Network):
    """A network with a forward of its own, which calls a layer twice."""

    def __init__(self, rng: Generator) -> None:
        layers = {
            "first": Affine.create(3, 3, rng=rng),
            "norm": BatchNormalization.create(3),
            "drop": Dropout(0.5, rng),
        }
        super().__init__(layers, loss=SoftmaxWithLoss())

    def forward(self, x):
        first, norm, drop = self.layers.values()
        return drop(norm(first(drop(norm(first(x))))))


def in_a_row(rng: Generator) -> Network:
    inner = Sequential(Affine.create(3, 3, rng=rng), BatchNormalization.create(3), Dropout(0.3, rng))
    return Sequential(inner, Residual(Affine.create(3, 3, rng=rng), Tanh()), loss=SoftmaxWithLoss())


@pytest.mark.parametrize("make", [Twice, in_a_row])
def test_a_frozen_network_has_right_gradients_and_is_not_moved(make, asarray) -> None:
    net = make(Generator(0))
    x, t = asarray(np.random.default_rng(0).normal(size=(5, 3))), asarray(np.asarray([0, 1, 2, 1, 0]))
    for _ in range(3):
        SGD(0.1).update(net.params, net.gradient(x, t))
    assert net.freeze() is net
    before = {name: np.array(to_numpy(value)) for name, value in (*net.params.items(), *net.states.items())}
    xn.gradient_check(net, x, t).raise_if_failed()
    for optimizer in (SGD(0.1, weight_decay=0.1), Momentum(0.1), Adam(0.1), Lion(0.1, weight_decay=0.1)):
        for _ in range(2):
            optimizer.update(net.params, net.gradient(x, t))
    for name, value in (*net.params.items(), *net.states.items()):
        np.testing.assert_array_equal(to_numpy(value), before[name])
    loss = float(to_numpy(net.loss(x, t)))
    assert loss == pytest.approx(float(to_numpy(net.loss(x, t, predict=True))), rel=1e-6)
    net.freeze(False)
    assert net.training
    SGD(0.1).update(net.params, net.gradient(x, t))
    assert all(np.any(to_numpy(value) != before[name]) for name, value in net.states.items())
    assert all(np.any(to_numpy(value) != before[name]) for name, value in net.params.items())


def images() -> Sequential:
    rng = Generator(0)
    layers = {
        "conv": Convolution.create(1, 2, 3, rng=rng),
        "norm": BatchNormalization.create(2),
        "relu": Relu(),
        "flat": Flatten(),
        "head": Affine.create(8, 3, rng=rng),
    }
    return Sequential(layers, loss=SoftmaxWithLoss())


def test_the_rest_of_a_network_trains_as_if_what_is_frozen_were_constant(asarray) -> None:
    """The same as training the head alone on what the layers before it give in ``predict``, limits included."""
    net, x = images(), asarray(np.random.default_rng(0).normal(size=(6, 1, 4, 4)))
    t = asarray(np.asarray([0, 1, 2, 1, 0, 2]))
    net.gradient(x, t)
    for name in ("conv", "norm"):
        net.layers[name].freeze()
    features = x
    for name in ("conv", "norm", "relu", "flat"):
        features = net.layers[name].predict(features)
    head = Affine(*(array * 1.0 for array in net.layers["head"].params.values()))
    alone = Sequential({"head": head}, loss=SoftmaxWithLoss())
    fixed = {name: np.array(to_numpy(array)) for name, array in net.params.items() if "head" not in name}
    trainers = [
        Trainer(net, Adam(0.1), (x, t), batch_size=3, clip_norm=0.1),
        Trainer(alone, Adam(0.1), (features, t), batch_size=3, clip_norm=0.1),
    ]
    for trainer in trainers:
        list(trainer.run(3))
    for name, array in alone.params.items():
        np.testing.assert_allclose(to_numpy(net.params[name]), to_numpy(array), rtol=1e-4, atol=1e-5)
    for name, array in fixed.items():
        np.testing.assert_array_equal(to_numpy(net.params[name]), array)


def test_what_is_thawed_after_the_first_step_moves(asarray) -> None:
    net = in_a_row(Generator(0))
    x, t = asarray(np.random.default_rng(0).normal(size=(5, 3))), asarray(np.asarray([0, 1, 2, 1, 0]))
    optimizer, inner = Adam(0.1), net.layers["Sequential1"].freeze()
    optimizer.update(net.params, net.gradient(x, t))
    assert not any(name.startswith("Sequential1") for name in optimizer.state)
    inner.freeze(False)
    W = np.array(to_numpy(net.params["Sequential1.Affine1.W"]))
    optimizer.update(net.params, net.gradient(x, t))
    assert np.any(to_numpy(net.params["Sequential1.Affine1.W"]) != W)


def test_inference_leaves_the_flags_and_a_wrong_one_is_refused() -> None:
    net = images()
    net.predict(np.ones((2, 1, 4, 4)))
    assert all(layer.training for layer in net.layers.values())
    with pytest.raises(DtypeError, match=r"^Affine.freeze: frozen must be True or False, got 'no'"):
        net.layers["head"].freeze("no")


def test_layers_are_frozen_by_the_patterns_of_their_paths(backend) -> None:
    inner = Sequential(Affine.create(3, 3), Relu(), Affine.create(3, 3))
    net = Sequential(Affine.create(4, 3), inner, Affine.create(3, 2), loss=SoftmaxWithLoss())
    assert net.freeze("Affine1 *.Affine2") is net
    assert net.params.frozen == {"Affine1.W", "Affine1.b", "Sequential1.Affine2.W", "Sequential1.Affine2.b"}
    net.freeze(False, "Affine*")
    assert net.params.frozen == {"Sequential1.Affine2.W", "Sequential1.Affine2.b"}
    net.freeze("Sequential1")
    assert len(net.params.frozen) == 4
    net.freeze(False)
    assert net.params.frozen == set()
    with pytest.raises(ArgumentError, match=r"^Sequential.freeze: names must match layers, .* got 'Conv\*'"):
        net.freeze("Conv*")
