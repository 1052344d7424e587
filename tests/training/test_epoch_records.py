"""What the record of an epoch says, and the history as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal
from small_net import small_net, values

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.layers import Affine, Dropout, IdentityWithLoss, MeanSquaredError, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Epoch, History, Trainer


def test_a_record_says_what_the_epoch_came_to(data) -> None:
    net = small_net()
    trainer = Trainer(net, SGD(0.5), data, data, batch_size=7)
    heard = []
    epochs = list(trainer.run(3, on_batch=heard.append))
    assert [record.epoch for record in epochs] == [1, 2, 3]
    assert heard == [1, 2, 3, 4, 5] * 3
    assert trainer.history == epochs
    assert epochs[-1].train_accuracy == epochs[-1].test_accuracy == net.accuracy(*data)
    numbers = {name: value for name, value in vars(epochs[0]).items() if name != "metrics"}
    assert all(type(number) in (int, float) for number in numbers.values())
    assert epochs[0].metrics == {}
    assert all(record.seconds > 0.0 for record in epochs)
    assert epochs[0].samples_per_second == pytest.approx(30 / epochs[0].seconds)
    assert epochs[-1].loss < epochs[0].loss


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows(data, backend, dtype) -> None:
    net, copy = small_net(), small_net()
    trainer = Trainer(net, SGD(0.5), data, batch_size=7, rng=Generator(3))
    (record,) = trainer.run(1)
    total = 0.0
    for x, t in Trainer(copy, SGD(0.5), data, batch_size=7, rng=Generator(3)).batches.epoch(1):
        loss, gradients = copy.loss_and_gradient(x, t)
        total += float(to_numpy(loss)) * x.shape[0]
        SGD(0.5).update(copy.params, gradients)
    assert record.loss == pytest.approx(total / 30, rel={"float32": 1e-5, "float64": 1e-12}[dtype])
    for name, array in values(net).items():
        np.testing.assert_array_equal(array, values(copy)[name])
    assert record.test_accuracy is None


def test_the_test_loss_is_that_of_predict(data) -> None:
    net = Sequential(Affine.create(4, 3, rng=Generator(0)), Dropout(0.5, rng=Generator(0)), loss=SoftmaxWithLoss())
    (record,) = Trainer(net, SGD(0.1), data, data).run(1)
    assert record.test_loss == pytest.approx(float(to_numpy(net.loss(*data, predict=True))), rel=1e-6)


@pytest.mark.parametrize("loss", [IdentityWithLoss, MeanSquaredError])
def test_a_network_of_numbers_reports_losses_and_no_accuracy(loss: type, asarray) -> None:
    x = normal("x", 40, 3)
    data = asarray(x), asarray(x @ normal("W", 3, 2))
    net = Sequential(Affine.create(3, 2, rng=Generator(0)), loss=loss())
    epochs = list(Trainer(net, SGD(0.1), data, data, batch_size=10).run(20))
    assert all(record.train_accuracy is None and record.test_accuracy is None for record in epochs)
    assert epochs[-1].test_loss < 0.1 * epochs[0].test_loss
    assert epochs[-1].test_loss < epochs[-1].loss < epochs[0].loss


def test_ignored_rows_do_not_count(data, asarray) -> None:
    x, t = data
    t = to_numpy(t).copy()
    t[::3] = -1
    net = Sequential(Affine.create(4, 3, rng=Generator(0)), loss=SoftmaxWithLoss(ignore_index=-1))
    test = x, asarray(np.full(30, -1))
    (record,) = Trainer(net, SGD(0.1), (x, asarray(t)), test).run(1)
    right = np.argmax(to_numpy(net.predict(x)), axis=1)[t >= 0] == t[t >= 0]
    assert record.train_accuracy == np.mean(right)
    assert (record.test_accuracy, record.test_loss) == (None, 0.0)
    assert np.isfinite(record.loss)
    with pytest.raises(ArgumentError, match=r"labels must be from 0 to 2 or -1, got -2 in row 0;"):
        Trainer(net, SGD(0.1), (x, asarray(np.minimum(t, -2))))


def test_the_loss_of_a_sum_is_reported_per_row(data) -> None:
    losses = []
    for reduction, lr in (("mean", 0.3), ("sum", 0.01)):
        net = Sequential(Affine.create(4, 3, rng=Generator(0)), loss=SoftmaxWithLoss(reduction=reduction))
        losses += [record.loss for record in Trainer(net, SGD(lr), data, batch_size=30).run(2)]
    assert losses[:2] == pytest.approx(losses[2:], rel=1e-4)


def test_accuracy_in_training_may_be_measured_on_the_first_rows(data) -> None:
    net = small_net()
    (record,) = Trainer(net, SGD(0.5), data, evaluate_rows=10).run(1)
    assert record.train_accuracy == net.accuracy(data[0][:10, ...], data[1][:10])
    with pytest.raises(ArgumentError, match="Trainer: evaluate_rows must be a positive integer, got 0"):
        Trainer(net, SGD(0.5), data, evaluate_rows=0)


def test_history_as_json(tmp_path: Path) -> None:
    history = History([Epoch(1, 0.5, 0.9, None, 0.1, 100.0), Epoch(2, 0.25, 0.95, 0.9, 0.1, 100.0)])
    history.save(tmp_path / "history.json", {"seed": 3})
    found = json.loads((tmp_path / "history.json").read_text())
    assert found == {"settings": {"seed": 3}, "epochs": history.to_dicts()}
    assert found["epochs"][0] == {
        "epoch": 1,
        "loss": 0.5,
        "train_accuracy": 0.9,
        "test_accuracy": None,
        "seconds": 0.1,
        "samples_per_second": 100.0,
        "test_loss": None,
        "metrics": {},
    }


def record(loss: float, test_loss: float | None = None) -> Epoch:
    return Epoch(1, loss, None, None, 0.1, 100.0, test_loss)


@pytest.mark.parametrize(
    ("losses", "epochs"),
    [
        ([], 0),
        ([1.0], 0),
        ([2.0, 1.0, 3.0], 1),
        ([np.nan, 1.0], 0),
        ([np.nan, 1.0, 2.0], 1),
        ([1.0, np.nan, np.nan], 2),
        ([np.nan, np.nan], 2),
        ([np.inf, 5.0], 0),
        ([-1.0, -2.0, -1.5], 1),
    ],
)
def test_epochs_since_the_best(losses: list[float], epochs: int) -> None:
    assert History([record(loss) for loss in losses]).since_best() == epochs
    assert History([record(0.0, loss) for loss in losses]).since_best() == epochs


def test_json_has_null_for_what_is_no_number(tmp_path: Path) -> None:
    settings = {"lr": np.inf, "rates": (np.nan, 1.0), "name": "x"}
    History([record(np.nan, -np.inf), record(0.5)]).save(tmp_path / "h", settings)

    def refuse(name: str) -> None:
        raise AssertionError(name)

    found = json.loads((tmp_path / "h").read_text(), parse_constant=refuse)
    assert found["settings"] == {"lr": None, "rates": [None, 1.0], "name": "x"}
    assert [(row["loss"], row["test_loss"]) for row in found["epochs"]] == [(None, None), (0.5, None)]
