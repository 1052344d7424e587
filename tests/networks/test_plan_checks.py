"""A plan checks what has not passed, names the layer in its errors, and leaves nothing behind."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from planned_networks import DRAW, T, X, make

import xpnet as xn
from xpnet.errors import DtypeError, ShapeError, StateError
from xpnet.layers import Affine, Embedding, Layer, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential

pytestmark = pytest.mark.usefixtures("in_float64")


def test_a_pickle_has_no_batch_in_it():
    net = make()
    small = len(pickle.dumps(net))
    x = DRAW.random((5000, 6))
    net.forward(x)
    net.loss(x, DRAW.integers(0, 3, 5000))
    net.loss_and_gradient(X, T)
    again = pickle.dumps(net)
    assert len(again) < small + 500
    np.testing.assert_array_equal(pickle.loads(again).predict(X), net.predict(X))


def test_a_wrong_dx_of_a_layer_is_named():
    class Short(Layer):
        def forward(self, x):
            return x * 1.0

        def backward(self, dout):
            return dout[:1]

    net = Sequential(Affine.create(6, 5), Relu(), Short(), Affine.create(5, 3), loss=SoftmaxWithLoss())
    with pytest.raises(ShapeError, match=r"Relu: dout must be \(8, 5\), the shape of forward's output, got \(1, 5\)"):
        net.loss_and_gradient(X, T)


def test_an_error_in_the_middle_names_the_layer():
    inner = Sequential(Affine.create(5, 4), Affine.create(7, 3))
    net = Sequential(Affine.create(6, 5), Relu(), inner, loss=SoftmaxWithLoss())
    with pytest.raises(ShapeError, match=r"Affine2: x must be \(N, 7\), got \(8, 4\)"):
        net.loss_and_gradient(X, T)
    with pytest.raises(ShapeError, match=r"Affine2: x must be \(N, 7\), got \(8, 4\)"):
        net.predict(X)


def test_what_has_not_passed_is_checked():
    net = make()
    net.loss_and_gradient(X, T)
    with pytest.raises(ShapeError, match=r"Affine1: x must be \(N, 6\), got \(8, 5\)"):
        net.loss_and_gradient(X[:, :5], T)
    with pytest.raises(DtypeError, match="Affine1: x must be floating, got int64"):
        net.loss_and_gradient(X.astype("int64"), T)
    with pytest.raises(ShapeError, match=r"SoftmaxWithLoss: integer t must be \(8,\)"):
        net.loss_and_gradient(X, T[:5])
    net.loss_and_gradient(X, T)


def test_a_backward_by_hand_after_a_step_is_not_of_another_batch():
    net = make()
    net.forward(5.0 * X)
    net.loss_and_gradient(X, T)
    with pytest.raises(StateError, match="Affine: forward must run before backward"):
        net.layers["Affine1"].backward(np.ones((8, 5)))
    net.forward(X)
    net.backward(np.ones((8, 3)))
    net.backward(np.ones((8, 3)))


def test_needs_dx_is_left_as_the_user_set_it():
    net = make()
    net.layers["Affine2"].needs_dx = True
    net.loss_and_gradient(X, T)
    assert [name for name, layer in net.layers.items() if "needs_dx" in vars(layer)] == ["Affine2"]


def test_nothing_that_was_returned_changes_and_nothing_given_is_written_to():
    net, x = make(), X.copy()
    x.flags.writeable = False
    loss, gradients = net.loss_and_gradient(x, T)
    y = net.predict(x)
    kept = {name: value.copy() for name, value in gradients.items()}, y.copy(), loss
    net.loss_and_gradient(3.0 * x, T)
    net.predict(2.0 * x)
    for name, value in gradients.items():
        np.testing.assert_array_equal(value, kept[0][name])
    np.testing.assert_array_equal(y, kept[1])


def test_an_index_outside_a_table_is_named_in_a_plan():
    net = Sequential(Embedding.create(5, 3), Relu(), loss=SoftmaxWithLoss())
    x, t = np.asarray([[0, 1]]), np.asarray([[0, 1]])
    for _ in range(2):
        net.loss_and_gradient(x, t)
    with pytest.raises(xn.XpnetError, match="Embedding1: indices must be from 0 to 4, got 5"):
        net.loss_and_gradient(x + 4, t)
