"""The gradient check puts the values of a network side by side only where that is right."""

from __future__ import annotations

import numpy as np
from book_networks import SMALL, batch
from named_numbers import normal

import xpnet as xn
from xpnet.gradcheck.batched import side_by_side
from xpnet.layers import Affine, Relu, Residual, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.random import Generator


def way(net: Sequential, name: str) -> object:
    """The evaluation side by side, None where values are tried one at a time."""
    x, t = batch()
    return side_by_side(net, net.params.place(name), x, t)


def test_samples_that_meet_behind_a_layer_are_not_put_side_by_side():
    net = SMALL["DeepConvNet"]().astype("float64")
    assert net.layers["Dropout2"] is list(net.layers.values())[-1]
    assert all(way(net, name) is None for name in net.params)
    for make in (SMALL["MultiLayerNetExtend"], SMALL["ResNet"]):
        net = make().astype("float64")
        *others, W, b = net.params
        assert all(way(net, name) is None for name in others)
        assert None not in (way(net, W), way(net, b))
    for make in (SMALL["MultiLayerNet"], SMALL["SimpleConvNet"]):
        net = make().astype("float64")
        assert all(way(net, name) is not None for name in net.params)


def test_layers_around_a_shortcut_are_tried_one_at_a_time_and_those_beside_it_at_once():
    rng = Generator(0)
    block = Residual(Affine.create(4, 4, rng=rng), Relu(), shortcut=Affine.create(4, 4, rng=rng))
    net = Sequential(Affine.create(16, 4, rng=rng), block, Affine.create(4, 3, rng=rng), loss=SoftmaxWithLoss())
    net = net.astype("float64")
    found = {name: way(net, name) is not None for name in net.params if name.endswith("W")}
    assert found == {
        "Affine1.W": True,
        "Residual1.Affine1.W": False,
        "Residual1.shortcut.W": False,
        "Affine2.W": True,
    }
    x, t = batch()
    xn.gradient_check(net, x, t).raise_if_failed()


def test_batch_normalization_is_checked_right_where_the_probed_weights_do_nothing():
    x, t = batch()
    x[:, :, 0, 0] = x[:, :, -1, -1] = x[:, :, 1, 3] = 0.0
    xn.gradient_check(SMALL["MultiLayerNetExtend"](), x, t).raise_if_failed()


def test_a_wrong_layer_inside_a_residual_is_found():
    class Wrong(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.db = 2.0 * self.db
            return dx

    net = Sequential(
        Residual(Wrong(normal("W", 4, 4), normal("b", 4))),
        Affine(normal("V", 4, 3), np.zeros(3)),
        loss=SoftmaxWithLoss(),
    )
    report = xn.gradient_check(net, normal("z", 5, 4), np.asarray([0, 1, 2, 1, 0]))
    failed = {row.name: row.causes for row in report.rows if row.status == "fail"}
    assert list(failed) == ["Residual1.Wrong1.b"]
    assert failed["Residual1.Wrong1.b"][0].startswith("Residual1.backward is itself wrong")
