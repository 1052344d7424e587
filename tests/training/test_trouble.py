"""What went wrong is named: step, layer and row; and what goes badly, once, with the remedy."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from named_numbers import normal
from small_net import small_net, values

from xpnet.backend import array_namespace
from xpnet.errors import DivergenceError
from xpnet.layers import Affine, BatchNormalization, Layer, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer

DEVICES = {"array-api-strict", "cupy"}


class Log(Layer):
    """``y = log x``, which is not finite below 0."""

    def forward(self, x):
        self.x = x
        return array_namespace(x).log(x)

    def backward(self, dout):
        return dout / self.x


@pytest.mark.parametrize("normalized", [False, True])
def test_the_step_the_layer_and_the_row_are_named(normalized: bool, asarray, where) -> None:
    x = np.abs(normal("x", 30, 3)) + 0.1
    x[13, 1] = -1.0
    layers = [Log(), Affine.create(3, 3, rng=Generator(0))]
    if normalized:
        layers.append(BatchNormalization.create(3))
    net = Sequential(*layers, loss=SoftmaxWithLoss())
    before = values(net)
    data, capture = (asarray(x), asarray(np.arange(30) % 3)), normalized and where.library == "cupy"
    trainer = Trainer(net, SGD(0.1), data, batch_size=10, shuffle=False, capture=capture)
    text = r"got nan in epoch 1, step 2, first in the output of Log1 \(Log\), in row 3 of the batch; lower the learning"
    with pytest.raises(DivergenceError, match=text), np.errstate(all="ignore"):
        trainer.fit(1)
    for name, array in values(net).items():
        assert np.isfinite(array).all(), name
    assert not np.array_equal(values(net)["Affine1.W"], before["Affine1.W"])  # of the step before


class Root(Layer):
    """``y = √x`` of what is above 0, whose slope at 0 is infinite."""

    def forward(self, x):
        xp = array_namespace(x)
        self.y = xp.sqrt(xp.maximum(x, xp.zeros_like(x)))
        return self.y

    def backward(self, dout):
        return dout / (2.0 * self.y)


def test_the_layer_and_row_of_a_bad_gradient_are_named_and_nothing_moves(asarray) -> None:
    x = np.abs(normal("x", 30, 3)) + 0.1
    x[3, 1] = 0.0
    data = asarray(x), asarray(np.arange(30) % 3)
    for inner in ([Root()], [Sequential(Root()), BatchNormalization.create(3)]):
        ones = Affine(asarray(np.eye(3)), asarray(np.zeros(3)))
        net = Sequential(ones, *inner, Affine.create(3, 3, rng=Generator(0)), loss=SoftmaxWithLoss())
        trainer = Trainer(net, SGD(1e-6), data, batch_size=10, shuffle=False)
        name = "Root1" if len(inner) == 1 else "Sequential1.Root1"
        text = (
            rf"the gradient must stay finite, got nan or inf in epoch 1, step 1, first in the backward of {name} \(Root"
        )
        with pytest.raises(DivergenceError, match=rf"{text}\), in row 3 of the batch"), np.errstate(all="ignore"):
            trainer.fit(1)
        for name, array in values(net).items():
            assert np.isfinite(array).all(), name


def test_a_parameter_that_a_gradient_spoilt_is_named(data) -> None:
    net = small_net()
    trainer = Trainer(net, SGD(0.1), data, batch_size=10)
    update = trainer.optimizer.update

    def spoil(params, grads) -> None:
        update(params, {**grads, "W2": grads["W2"] * float("nan")})

    trainer.optimizer.update = spoil
    with pytest.raises(DivergenceError, match="in epoch 1, step 2, W2 has it from the step before, whose gradient was"):
        trainer.fit(1)


def test_the_epoch_and_step_are_named_on_a_device(data, where) -> None:
    if where.library not in DEVICES:
        pytest.skip("here the loss is read in each step")
    net = small_net()
    trainer = Trainer(net, SGD(0.1), data, batch_size=10)
    update, done = trainer.optimizer.update, []

    def spoil(params, grads) -> None:
        done.append(1)
        update(params, {**grads, "b2": grads["b2"] * (float("nan") if len(done) == 2 else 1.0)})

    trainer.optimizer.update = spoil
    with pytest.raises(DivergenceError, match="got nan in epoch 1, step 3"):
        trainer.fit(1)


def told(trainer: Trainer, epochs: int) -> list[str]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        trainer.fit(epochs)
    return [str(warning.message) for warning in found]


def test_a_loss_that_does_not_move_is_told_once(data) -> None:
    (text,) = told(Trainer(small_net(), SGD(1e-30), data), 12)
    assert text.startswith("Trainer: the loss has not moved in 5 epochs, it is ")
    assert "raise the learning rate" in text
    assert told(Trainer(small_net(), SGD(0.1), data), 12) == []


def test_dead_units_are_told_once(data, asarray) -> None:
    rng = Generator(0)
    hidden = Affine(asarray(normal("W", 4, 10)), asarray(np.asarray([-1e3, -1e3, 0.0, -1e3, -1e3] * 2)))
    net = Sequential(hidden, Relu(), Affine.create(10, 3, rng=rng), loss=SoftmaxWithLoss())
    (text,) = told(Trainer(net, SGD(0.01), data), 3)
    assert text.startswith("Trainer: 8 of 10 units of Relu1 are 0 for every row after the first epoch; lower the learn")


def test_parameters_that_grow_large_are_told_once(data, asarray) -> None:
    net = Sequential(Affine(asarray(normal("W", 4, 3) * 1e6), asarray(np.zeros(3))), loss=SoftmaxWithLoss())
    (text,) = told(Trainer(net, SGD(0.01), data), 3)
    assert text.startswith("Trainer: Affine1.W beyond 10000 after epoch 1; lower the learning rate, or give clip_norm=")
