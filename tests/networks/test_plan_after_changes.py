"""A plan runs what somebody has put in place of a method, a loss, an option or a layer."""

from __future__ import annotations

import numpy as np
import pytest
from planned_networks import T, X, assert_close, make, steps_back

import xpnet as xn
from xpnet.layers import Affine, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential

pytestmark = pytest.mark.usefixtures("in_float64")


@pytest.mark.parametrize("place", [Affine, "the layer"])
@pytest.mark.parametrize("name", ["forward", "backward"])
def test_a_method_that_somebody_replaced_is_called(place, name, monkeypatch):
    net = make()
    net.loss_and_gradient(X, T)
    layer = net.layers["Affine1"]
    place, called = layer if place == "the layer" else place, []
    method = getattr(place, name)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, lambda *args: (called.append(1), method(*args))[1])
        net.loss_and_gradient(X, T)
    assert len(called) == (1 if place is layer else 3)
    net.loss_and_gradient(X, T)
    assert len(called) == (1 if place is layer else 3)


def test_a_print_in_a_forward_is_seen_where_the_network_runs_forward(monkeypatch):
    net, seen = make(), []
    method = Affine.forward
    monkeypatch.setattr(Affine, "forward", lambda self, x: (seen.append(self), method(self, x))[1])
    net.forward(X)
    net.predict(X)
    assert len(seen) == 6


def test_a_method_beside_forward_that_somebody_replaced_is_called(monkeypatch):
    net, called = make(), []
    net.loss_and_gradient(X, T)
    method = SoftmaxWithLoss.per_sample
    monkeypatch.setattr(SoftmaxWithLoss, "per_sample", lambda self, x, t: (called.append(1), method(self, x, t))[1])
    net.loss_and_gradient(X, T)
    assert called == [1]


def test_another_loss_or_option_is_seen():
    net = make()
    one, _ = net.loss_and_gradient(X, T)
    net.last_layer = SoftmaxWithLoss(reduction="sum")
    steps_back(net)
    other, _ = net.loss_and_gradient(X, T)
    np.testing.assert_allclose(other, 8 * one)
    net.layers["LayerNormalization1"].eps = 1.0
    steps_back(net)
    found, _ = net.loss_and_gradient(X, T)
    steps_back(net)
    with xn.plain():
        expected, _ = net.loss_and_gradient(X, T)
    np.testing.assert_allclose(found, expected)
    assert abs(found - other) > 1e-6


def test_a_subclass_of_a_layer_runs_its_own_lines():
    class Doubled(Affine):
        def forward(self, x):
            return super().forward(x) * 2

        def backward(self, dout):
            return super().backward(dout * 2)

    net = Sequential(Doubled.create(6, 5), Relu(), Affine.create(5, 3), loss=SoftmaxWithLoss())
    assert str(net.plan()).splitlines()[0].endswith("its equations")
    _, found = net.loss_and_gradient(X, T)
    with xn.plain():
        _, expected = net.loss_and_gradient(X, T)
    assert_close(found, expected)
