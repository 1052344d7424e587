"""The gradient check of a network names the layer that is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from faulty_layers import Accumulates, ForgetsTheWeights, NoDivision, OverwritesDout, TenthTooSmall
from named_numbers import normal

import xpnet as xn
from xpnet.layers import Affine, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.random import Generator


@pytest.mark.parametrize("mode", ["every", "directions"])
@pytest.mark.parametrize("nested", [False, True])
def test_the_wrong_layer_of_a_network_is_named(nested: bool, mode: str) -> None:
    front = (Affine.create(4, 5, rng=Generator(0)), TenthTooSmall())
    front = (Sequential(*front),) if nested else front
    net = Sequential(*front, Affine.create(5, 3, rng=Generator(1)), loss=SoftmaxWithLoss())
    report = xn.gradient_check(net, normal("x", 6, 4).astype(np.float32), np.asarray([0, 1, 2, 0, 1, 2]), mode=mode)
    inside = "Sequential1." if nested else ""
    assert [row.name for row in report.rows if row.status == "fail"] == [f"{inside}Affine1.W", f"{inside}Affine1.b"]
    assert f"{inside}TenthTooSmall1.backward is itself wrong" in str(report)
    assert "Affine1.backward is wrong" not in str(report)


def test_the_wrong_loss_of_a_network_is_named() -> None:
    net = Sequential(Affine.create(4, 3, rng=Generator(1)), loss=NoDivision())
    report = xn.gradient_check(net, normal("x", 6, 4).astype(np.float32), np.asarray([0, 1, 2, 0, 1, 2]))
    assert [row.status for row in report.rows] == ["fail", "fail"]
    assert "the loss's backward (NoDivision) is itself wrong" in str(report)
    assert "6 times too large everywhere" in str(report)


def test_a_layer_of_a_network_that_forgets_its_weights() -> None:
    net = Sequential(ForgetsTheWeights(normal("W", 4, 3), normal("b", 3)), loss=SoftmaxWithLoss())
    report = xn.gradient_check(net, normal("x", 3, 4), np.asarray([0, 1, 2]))
    assert [row.name for row in report.rows if row.status == "fail"] == ["ForgetsTheWeights1.W"]
    assert "backward leaves it out" in str(report)


def test_a_layer_of_a_network_that_adds_up_its_gradients() -> None:
    net = Sequential(Accumulates(normal("W", 4, 3), normal("b", 3)), loss=SoftmaxWithLoss())
    report = xn.gradient_check(net, normal("x", 3, 4), np.asarray([0, 1, 2]))
    assert not report.ok
    assert "do not accumulate it" in str(report)


def test_a_layer_that_overwrites_dout_does_no_harm_in_a_chain() -> None:
    net = Sequential(
        Affine(normal("W", 4, 3), normal("b", 3)),
        OverwritesDout(),
        Affine(normal("V", 3, 3), normal("c", 3)),
        loss=SoftmaxWithLoss(),
    )
    report = xn.gradient_check(net, normal("x", 3, 4), np.asarray([0, 1, 2]))
    assert report.ok
