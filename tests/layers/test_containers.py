"""Residual, Concat, Chain, Reshape and Transpose: names, values, and the dx that training spares."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.layers import (
    Affine,
    BatchNormalization,
    Concat,
    Dropout,
    Flatten,
    Relu,
    Reshape,
    Residual,
    Sigmoid,
    SoftmaxWithLoss,
    Transpose,
)
from xpnet.layers.containers import Chain, in_a_row
from xpnet.networks import Sequential
from xpnet.random import Generator


def affine(inputs: int, outputs: int) -> Affine:
    return Affine.create(inputs, outputs, rng=Generator(0))


def test_the_layers_of_a_residual_are_named_as_in_a_sequential():
    block = Residual(affine(4, 3), Relu(), affine(3, 4), shortcut=affine(4, 4))
    assert list(block.layers) == ["Affine1", "Relu1", "Affine2", "shortcut"]
    assert list(block.params) == [f"{n}.{k}" for n in ("Affine1", "Affine2", "shortcut") for k in ("W", "b")]
    assert list(Residual({"inner": affine(4, 4)}).params) == ["inner.W", "inner.b"]


def test_the_branches_of_a_concat_are_layers_or_lists_of_them():
    layer = Concat(affine(4, 3), [affine(4, 2), Relu()], [affine(4, 1)])
    assert list(layer.layers) == ["Affine1", "Chain1", "Chain2", "join"]
    assert list(layer.params) == [f"{n}.{k}" for n in ("Affine1", "Chain1.Affine1", "Chain2.Affine1") for k in "Wb"]


def test_a_row_of_layers_opens_chains_and_keeps_other_owners_whole():
    net = Sequential(Sequential(affine(4, 4), Chain(Relu())), Residual(affine(4, 4)), Concat(Relu(), Sigmoid()))
    assert list(in_a_row(net)) == [
        "Sequential1.Affine1",
        "Sequential1.Chain1.Relu1",
        "Residual1",
        "Concat1",
    ]


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_concat_along_any_axis(axis: int, asarray):
    x = normal("x", 2, 3, 4)
    layer = Concat(Relu(), Sigmoid(), axis=axis)
    expected = np.concatenate([np.maximum(x, 0.0), 1.0 / (1.0 + np.exp(-x))], axis=axis)
    np.testing.assert_allclose(to_numpy(layer(asarray(x))), expected, rtol=1e-6, atol=1e-6)
    xn.gradient_check(layer, asarray(x)).raise_if_failed()


def test_one_branch_is_enough(asarray):
    x = asarray(normal("x", 2, 3))
    np.testing.assert_array_equal(to_numpy(Concat(Relu())(x)), to_numpy(Relu()(x)))


def test_residuals_train_and_infer():
    block = Residual(Dropout(0.5, rng=Generator(0)), shortcut=[BatchNormalization.create(4), Dropout(0.5)])
    x = normal("x", 6, 4).astype(np.float32)
    before = dict(block.states)
    np.testing.assert_allclose(block.predict(x), x + x / np.sqrt(1 + 1e-5, dtype=np.float32), rtol=1e-5)
    assert all(block.states[name] is value for name, value in before.items())
    assert not np.allclose(block(x), block.predict(x))
    assert block.states["Dropout1.step"] == 1


def test_reshape_and_transpose_take_their_numbers_as_they_come():
    x = np.arange(24.0).reshape(2, 3, 4)
    for layer in (Reshape(2, 6), Reshape((2, 6)), Reshape([2, -1]), Reshape(-1, 6)):
        np.testing.assert_array_equal(layer(x), x.reshape(2, 2, 6))
    assert Reshape(-1, 3)(np.zeros((0, 3, 4))).shape == (0, 4, 3)
    assert Reshape()(np.zeros((5, 1))).shape == (5,)
    for order in ((0, 2, 1), (2, 0, 1), (1, 2, 0)):
        layer = Transpose(order)
        y = layer(x)
        np.testing.assert_array_equal(y, x.transpose(order))
        np.testing.assert_array_equal(layer.backward(y), x)


def test_sizes_and_axes_may_be_integers_of_numpy(asarray):
    sizes = np.asarray([2, -1])
    x = asarray(normal("x", 3, 4))
    assert Reshape(*sizes)(x).shape == (3, 2, 2)
    assert Transpose(*np.asarray([1, 0]))(x).shape == (4, 3)


class Spy(Affine):
    """An Affine that notes whether it was asked for dx."""

    def __init__(self, *arrays):
        super().__init__(*arrays)
        self.asked: list[bool] = []

    def backward(self, dout):
        self.asked.append(self.needs_dx)
        return super().backward(dout)


class Unasked(Relu):
    def backward(self, dout):
        raise AssertionError("nobody needs it")


def spy(name: str) -> Spy:
    return Spy(normal(name, 4, 4), normal(name + ".b", 4))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda one, two: Residual(Unasked(), one, Relu(), two), [[False], [True]]),
        (lambda one, two: Residual(one, shortcut=two), [[False], [False]]),
        (lambda one, two: Residual(one, Relu(), shortcut=[Relu(), two]), [[False], [False]]),
        (lambda one, two: Concat(one, [Unasked(), two]), [[False], [False]]),
        (lambda one, two: Concat(Unasked(), [one, Residual(two)]), [[False], [True]]),
        (lambda one, two: Chain(Residual(one), Concat(two)), [[False], [True]]),
    ],
)
def test_the_first_layers_of_every_branch_compute_no_dx_in_training(make, expected):
    one, two = spy("one"), spy("two")
    first = make(one, two)
    x, t = normal("x", 3, 4), np.asarray([0, 1, 2])
    width = first(x).shape[1]
    net = Sequential(Flatten(), first, affine(width, 3).astype("float64"), loss=SoftmaxWithLoss())
    found = net.gradient(x, t)
    assert [one.asked, two.asked] == expected
    assert one.needs_dx
    assert first.needs_dx
    for layer in (one, two):
        layer.asked.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unasked, "backward", Relu.backward)
        net.loss(x, t)
        assert net.backward(net.last_layer.backward(1.0)).shape == x.shape
    assert [one.asked, two.asked] == [[True], [True]]
    for name, gradient in net.grads.items():
        np.testing.assert_array_equal(gradient, found[name])


def test_an_owner_with_a_backward_of_its_own_gets_every_dx():
    class Doubled(Residual):
        def backward(self, dout=1.0):
            for layer in self.layers.values():
                assert layer.needs_dx
            return super().backward(dout)

    one = spy("one")
    net = Sequential(Doubled(one), affine(4, 3).astype("float64"), loss=SoftmaxWithLoss())
    net.gradient(normal("x", 3, 4), np.asarray([0, 1, 2]))
    assert one.asked == [True]
