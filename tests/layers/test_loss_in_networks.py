"""Networks with each loss, losses of one's own, and targets that are traced."""

from __future__ import annotations

import numpy as np
import pytest
from loss_checks import LABELS, T, X

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.gradcheck.subjects import network_targets
from xpnet.layers import Affine, Huber, IdentityWithLoss, MeanSquaredError, Relu, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.loss import Loss
from xpnet.networks import Sequential
from xpnet.random import Generator


@pytest.mark.parametrize(
    "layer",
    [
        SoftmaxWithLoss(0.1, (1.0, 2.0, 3.0)),
        SigmoidWithLoss(3.0, "sum"),
        IdentityWithLoss(),
        MeanSquaredError(),
        Huber(0.3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_traced_targets_and_weights_are_recorded(layer) -> None:
    w = np.asarray([0.5, 1.0, 0.2, 2.0])
    xn.gradient_check(lambda t: layer(X, t, w), T).raise_if_failed()
    xn.gradient_check(lambda w: layer(X, T, w), w).raise_if_failed()
    assert layer(xn.Variable(X), T, w).node.name == type(layer).__name__


OPTIONS = {
    "softmax": (SoftmaxWithLoss(), LABELS),
    "all options": (SoftmaxWithLoss(0.1, (1.0, 2.0, 3.0), 1), LABELS),
    "ignored, sum": (SoftmaxWithLoss(ignore_index=1, reduction="sum"), LABELS),
    "soft labels": (SoftmaxWithLoss(0.1, (1.0, 2.0, 3.0)), T),
    "sigmoid": (SigmoidWithLoss(), T),
    "identity, sum": (IdentityWithLoss("sum"), T),
    "squares": (MeanSquaredError(), T),
    "huber": (Huber(0.3, "sum"), T),
}


def network(loss) -> Sequential:
    rng = Generator(0)
    return Sequential(Affine.create(3, 4, rng=rng), Relu(), Affine.create(4, 3, rng=rng), loss=loss)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_network_with_the_loss_is_checked_side_by_side(name) -> None:
    loss, t = OPTIONS[name]
    with xn.use_backend("numpy", dtype="float64"):
        net = network(loss)
    xn.gradient_check(net, X, t).raise_if_failed()
    for target in network_targets(net, X, t):
        assert target.evaluate() is target.fast


class Doubled(MeanSquaredError):
    def forward(self, x, t):
        return 2.0 * super().forward(x, t)

    def backward(self, dout):
        return 2.0 * super().backward(dout)


def test_a_loss_with_a_forward_of_its_own_is_checked_one_by_one() -> None:
    with xn.use_backend("numpy", dtype="float64"):
        net = network(Doubled())
    xn.gradient_check(net, X, T).raise_if_failed()
    assert all(target.fast is None for target in network_targets(net, X, T))


def test_a_loss_of_one_s_own_needs_only_per_sample_and_backward() -> None:
    class FourthPower(Loss):
        def per_sample(self, x, t):
            self.d = x - t
            return array_namespace(x).sum(self.d**4, axis=-1)

        def backward(self, dout):
            return self.dlosses(dout) * 4.0 * self.d**3

    for loss in (FourthPower(), FourthPower("sum")):
        xn.gradient_check(loss, X, T, np.asarray([1.0, 0.5, 0.0, 2.0])).raise_if_failed()
