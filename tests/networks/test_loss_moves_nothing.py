"""``loss`` by itself leaves running statistics and steps of dropout where they are; what trains moves them."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

import xpnet as xn
from xpnet.autodiff import Variable
from xpnet.backend import to_numpy
from xpnet.errors import StateError
from xpnet.layers import RNN, Affine, BatchNormalization, Dropout, Relu, SoftmaxWithLoss
from xpnet.networks import MultiLayerNetExtend, Network, Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator


class OwnForward(Network):
    def __init__(self) -> None:
        rng = Generator(3)
        layers = {"a": Affine.create(3, 4, rng=rng), "n": BatchNormalization.create(4), "d": Dropout(0.5, rng)}
        super().__init__({**layers, "o": Affine.create(4, 3, rng=rng)}, loss=SoftmaxWithLoss())

    def forward(self, x):
        a, n, d, o = self.layers.values()
        return o(d(n(a(x))))


def in_a_row() -> Sequential:
    rng = Generator(3)
    layers = Dropout(0.2, rng), Affine.create(3, 4, rng=rng), BatchNormalization.create(4), Relu(), Dropout(0.5, rng)
    return Sequential(*layers, Affine.create(4, 3, rng=rng), loss=SoftmaxWithLoss())


def of_the_book() -> Network:
    return MultiLayerNetExtend(
        3, [4], 3, use_batchnorm=True, use_dropout=True, weight_decay_lambda=0.1, rng=Generator(3)
    )


KINDS = [in_a_row, OwnForward, of_the_book]


@pytest.fixture
def data(asarray) -> tuple:
    return asarray(np.random.default_rng(0).normal(size=(6, 3))), asarray(np.asarray([0, 1, 2, 0, 1, 2]))


def states(net) -> dict:
    return {name: np.array(to_numpy(value)) for name, value in net.states.items()}


def same(one: dict, other: dict) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("make", KINDS)
def test_a_loss_moves_nothing_and_is_that_of_the_step_that_comes(make, data) -> None:
    net = make()
    before = states(net)
    losses = [float(to_numpy(net.loss(*data))) for _ in range(2)]
    assert same(states(net), before)
    loss, _ = net.loss_and_gradient(*data)
    assert [float(to_numpy(loss))] * 2 == losses
    moved = states(net)
    assert not any(np.array_equal(moved[name], before[name]) for name in before)


@pytest.mark.parametrize("make", KINDS)
def test_losses_between_the_steps_do_not_change_a_training(make, data) -> None:
    plain, watched = make(), make()
    for _ in range(3):
        SGD(0.1).update(plain.params, plain.gradient(*data))
        watched.loss(*data)
        SGD(0.1).update(watched.params, watched.gradient(*data))
        watched.loss(*data)
    for one, other in ((plain.params, watched.params), (plain.states, watched.states)):
        for name, value in one.items():
            np.testing.assert_array_equal(to_numpy(other[name]), to_numpy(value))


@pytest.mark.parametrize("make", [in_a_row, OwnForward])
def test_a_step_by_hand_trains(make, data) -> None:
    """The book's ``gradient``: the loss, then the backward of the loss layer and of the layers."""
    net, by_hand = make(), make()
    for _ in range(2):
        expected = net.gradient(*data)
        by_hand.loss(*data)
        by_hand.backward(by_hand.last_layer.backward(1.0))
    for name, dW in by_hand.grads.items():
        np.testing.assert_allclose(to_numpy(dW), to_numpy(expected[name]), rtol=1e-5, atol=1e-7)
    for name, value in states(by_hand).items():
        np.testing.assert_allclose(value, states(net)[name], rtol=1e-6)


def test_a_backward_moves_once_and_not_over_a_newer_step(data) -> None:
    net = in_a_row()
    net.loss(*data)
    net.last_layer.backward(1.0)
    once = states(net)
    net.last_layer.backward(1.0)
    assert same(states(net), once)
    net.loss(*data)
    net.gradient(*data)
    newer = states(net)
    with suppress(StateError):  # where a body ran in the place of the loss layer
        net.last_layer.backward(1.0)
    assert same(states(net), newer)


@pytest.mark.parametrize("make", KINDS)
def test_a_loss_in_variables_is_a_step(make, data, defer_to_variables) -> None:
    net, reference = make(), make()
    reference.gradient(*data)
    variables = {name: Variable(array) for name, array in net.params.items()}
    with net.using(variables):
        net.loss(*data).backward()
    expected, found = states(reference), states(net)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5)


def test_a_kept_state_of_a_recurrent_layer_follows_steps_alone(asarray) -> None:
    rng = Generator(0)
    layers = RNN.create(3, 4, stateful=True, return_sequences=False, rng=rng), Affine.create(4, 3, rng=rng)
    net = Sequential(*layers, loss=SoftmaxWithLoss())
    x, t = asarray(np.random.default_rng(0).normal(size=(2, 5, 3))), asarray(np.asarray([0, 1]))
    net.loss(x, t)
    assert net.states["RNN1.h"] is None
    net.gradient(x, t)
    kept = net.states["RNN1.h"]
    net.loss(x, t)
    assert net.states["RNN1.h"] is kept


def test_numerical_gradients_are_of_one_mask(data) -> None:
    net, (x, t) = in_a_row(), data
    numeric = xn.numerical_gradient(lambda W: bound(net, W, x, t), net.params["Affine2.W"])
    np.testing.assert_allclose(to_numpy(numeric), to_numpy(net.gradient(x, t)["Affine2.W"]), rtol=2e-2, atol=2e-3)


def bound(net, W, x, t):
    with net.using({"Affine2.W": W}):
        return net.loss(x, t)
