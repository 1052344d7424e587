"""What a training reports of answers and numbers, and the loss of an epoch whatever the size of its batches."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal
from small_net import small_net

from xpnet.backend import array_namespace, to_numpy
from xpnet.errors import ArgumentError, DivergenceError, DtypeError, ShapeError
from xpnet.layers import (
    Affine,
    BatchNormalization,
    Convolution,
    Flatten,
    MeanSquaredError,
    SigmoidWithLoss,
    SoftmaxWithLoss,
)
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer


def net_of(loss, outputs: int = 3, *more) -> Sequential:
    return Sequential(Affine.create(4, outputs, rng=Generator(0)), *more, loss=loss)


def largest_error(y, t) -> float:
    return float(to_numpy(array_namespace(y, t).max(array_namespace(y, t).abs(y - t))))


def test_answers_are_reported_by_name(data, asarray) -> None:
    x, _ = data
    one = asarray((to_numpy(x)[:, :1] > 0).astype(float))
    several = asarray((to_numpy(x)[:, :2] > 0).astype(float))
    for t, outputs, name in ((one, 1, "binary accuracy"), (several, 2, "accuracy of each label")):
        net = net_of(SigmoidWithLoss(), outputs)
        trainer = Trainer(net, SGD(1.0), (x, t), (x, t), batch_size=10)
        assert trainer.measure == name
        last = list(trainer.run(20))[-1]
        answers = to_numpy(net.predict(x)) > 0
        assert last.train_accuracy == last.test_accuracy == np.mean(answers == to_numpy(t))
        assert last.train_accuracy > 0.9


def test_classes_and_numbers_are_told_apart(data) -> None:
    x, t = data
    assert Trainer(net_of(SoftmaxWithLoss()), SGD(0.1), data).measure == "accuracy"
    trainer = Trainer(net_of(MeanSquaredError(), 4), SGD(0.1), (x, x))
    assert trainer.measure is None
    assert next(trainer.run(1)).train_accuracy is None
    with pytest.raises(ArgumentError, match=r"two classes or more, got scores \(1, 1\) under SoftmaxWithLoss"):
        Trainer(net_of(SoftmaxWithLoss(), 1), SGD(0.1), (x, 0 * t))


def test_a_metric_of_ones_own_is_reported(data) -> None:
    x, _ = data
    net = net_of(MeanSquaredError(), 4)
    trainer = Trainer(net, SGD(0.1), (x, x), (x, x), metric=largest_error)
    (record,) = trainer.run(1)
    assert trainer.measure == "largest_error"
    assert record.train_accuracy == record.test_accuracy == largest_error(net.predict(x), x)
    with pytest.raises(ArgumentError, match=r"^Trainer: a metric must be one of accuracy, .* got 'precise'; choose"):
        Trainer(net, SGD(0.1), (x, x), metric="precise")


LOSSES = {
    "sum": lambda: SoftmaxWithLoss(reduction="sum"),
    "ignored": lambda: SoftmaxWithLoss(ignore_index=2),
    "class weights": lambda: SoftmaxWithLoss(class_weights=[1.0, 5.0, 0.0]),
    "both, sum": lambda: SoftmaxWithLoss(class_weights=[1.0, 5.0, 0.5], ignore_index=2, reduction="sum"),
    "mean": SoftmaxWithLoss,
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("batch_size", [1, 7, 30])
def test_the_loss_of_an_epoch_does_not_depend_on_the_size_of_its_batches(name, batch_size, data, tolerance) -> None:
    """With a rate that moves nothing it is the loss of all rows, in training as on the same rows as test data."""
    net = net_of(LOSSES[name]())
    whole = float(to_numpy(net.loss(*data, predict=True))) / (30 if "sum" in name else 1)
    (record,) = Trainer(net, SGD(1e-30), data, data, batch_size=batch_size).run(1)
    assert (record.loss, record.test_loss) == pytest.approx((whole, whole), rel=10 * tolerance)


def test_an_epoch_without_a_row_that_counts_has_no_loss(data, asarray) -> None:
    net = net_of(SoftmaxWithLoss(ignore_index=2))
    data = data[0], asarray(np.full(30, 2))
    (record,) = Trainer(net, SGD(0.1), data, data, batch_size=7).run(1)
    assert (record.loss, record.test_loss, record.train_accuracy) == (0.0, 0.0, None)


def test_a_last_batch_of_one_row_is_told_before_the_first_step(data) -> None:
    text = r"^BatchNormalization1: x must hold two values of each channel in training, .*Trainer\(…, drop_last=True\)"
    for batch_size in (29, 1):
        net = net_of(SoftmaxWithLoss(), 3, BatchNormalization.create(3))
        with pytest.raises(ShapeError, match=text):
            Trainer(net, SGD(0.1), data, batch_size=batch_size)
    trainer = Trainer(net, SGD(0.1), data, batch_size=29, drop_last=True)
    assert len(trainer.batches) == 1
    (record,) = trainer.run(1)
    assert record.samples_per_second == pytest.approx(29 / record.seconds)
    Trainer(small_net(), SGD(0.1), data, batch_size=29)  # nothing in it needs two rows


def test_one_image_has_values_enough(asarray) -> None:
    rng = Generator(0)
    layers = Convolution.create(1, 2, 3, rng=rng), BatchNormalization.create(2), Flatten(), Affine.create(8, 3, rng=rng)
    data = asarray(normal("x", 5, 1, 4, 4)), asarray(np.asarray([0, 1, 2, 1, 0]))
    net = Sequential(*layers, loss=SoftmaxWithLoss())
    mean = net.states["BatchNormalization1.running_mean"]
    trainer = Trainer(net, SGD(0.1), data, batch_size=4)
    assert net.states["BatchNormalization1.running_mean"] is mean
    list(trainer.run(1))


def test_batches_without_the_last(data) -> None:
    trainer = Trainer(small_net(), SGD(0.1), data, batch_size=7, drop_last=True)
    heard = []
    list(trainer.run(2, on_batch=heard.append))
    assert heard == [1, 2, 3, 4] * 2
    assert [x.shape[0] for x, _ in trainer.batches.epoch(1)] == [7, 7, 7, 7]
    assert trainer.batches.sizes == (28, 7)
    with pytest.raises(
        ArgumentError,
        match=r"^Batches: batch_size must not be above the number of rows with drop_last, got 31 of 30 rows",
    ):
        Trainer(small_net(), SGD(0.1), data, batch_size=31, drop_last=True)
    with pytest.raises(DtypeError, match=r"^Batches: drop_last must be True or False, got 'no'"):
        Trainer(small_net(), SGD(0.1), data, batch_size=7, drop_last="no")


def test_a_test_loss_that_is_not_finite_is_told_and_not_saved(data, tmp_path) -> None:
    net = small_net()
    trainer = Trainer(net, SGD(0.1), data, data)
    epochs = trainer.run(3)
    next(epochs)
    trainer.save(tmp_path / "c")
    trainer.validation = (data[0] * float("inf"), data[1])
    text = r"^Trainer: the loss on the validation data must stay finite, got (nan|inf) after epoch 2, x holds it in "
    with pytest.raises(DivergenceError, match=text + r"row 0 of the validation data; lower .*; epoch 1 is saved in "):
        next(epochs)
    assert len(trainer.history) == 1


def test_parameters_that_the_last_step_spoils_are_told(data) -> None:
    net = small_net()
    trainer = Trainer(net, SGD(0.1), data, batch_size=30)
    update = trainer.optimizer.update

    def spoil(params, grads) -> None:
        update(params, grads)
        params["W1"] = params["W1"] * float("inf")

    trainer.optimizer.update = spoil
    with pytest.raises(
        DivergenceError, match=r"parameters and running statistics must stay finite, got W1 after epoch 1"
    ):
        list(trainer.run(1))
