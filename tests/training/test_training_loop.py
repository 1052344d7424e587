"""The loop: it learns, one seed names it, and it ends where it should."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from small_net import small_net, values

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.datasets import Stream, load_digits
from xpnet.errors import ArgumentError, DivergenceError
from xpnet.networks import TwoLayerNet
from xpnet.optimizers import SGD, clip_by_norm, clip_by_value
from xpnet.random import Generator
from xpnet.schedules import Plateau
from xpnet.training import Epoch, Trainer


def test_the_digits_are_learnt_in_twenty_epochs() -> None:
    with xn.use_backend("numpy"):
        train, test = load_digits()
        net = TwoLayerNet(64, 100, 10, rng=Generator(0))
        trainer = Trainer(net, SGD(0.5), train, test, batch_size=10, rng=Generator(0))
        epochs = list(trainer.run(20))
    assert epochs[-1].test_accuracy >= 0.97
    assert epochs[-1].train_accuracy >= 0.99
    assert epochs[-1].loss < 0.05 < epochs[0].loss


def test_one_seed_one_training(data) -> None:
    runs = []
    for seed in (0, 0, 1):
        net = small_net()
        losses = [record.loss for record in Trainer(net, SGD(0.5), data, batch_size=7, rng=Generator(seed)).run(2)]
        runs.append((losses, values(net)["W1"].tobytes()))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_every_epoch_has_an_order_of_its_own(data) -> None:
    batches = Trainer(small_net(), SGD(0.5), data, batch_size=30).batches
    orders = [to_numpy(x) for epoch in (1, 2, 1) for x, _ in batches.epoch(epoch)]
    np.testing.assert_array_equal(orders[0], orders[2])
    assert not np.array_equal(orders[0], orders[1])
    np.testing.assert_array_equal(np.sort(orders[0], axis=0), np.sort(orders[1], axis=0))


def test_two_runs_go_on_where_the_first_ended(data) -> None:
    whole, parts = small_net(), small_net()
    list(Trainer(whole, SGD(0.5), data, batch_size=7).run(4))
    trainer = Trainer(parts, SGD(0.5), data, batch_size=7)
    list(trainer.run(1))
    list(trainer.run(3))
    assert [record.epoch for record in trainer.history] == [1, 2, 3, 4]
    for name, array in values(whole).items():
        np.testing.assert_array_equal(values(parts)[name], array)


def test_an_epoch_that_breaks_leaves_no_record(data) -> None:
    def stop(batch: int) -> None:
        if batch == 3:
            raise KeyboardInterrupt

    trainer = Trainer(small_net(), SGD(0.5), data, batch_size=7)
    list(trainer.run(1))
    with pytest.raises(KeyboardInterrupt):
        list(trainer.run(1, on_batch=stop))
    assert len(trainer.history) == 1


def test_one_hot_labels_train_as_well(data, asarray) -> None:
    x, t = data
    losses = []
    for labels in (t, asarray(np.eye(3)[to_numpy(t)])):
        (record,) = Trainer(small_net(), SGD(0.5), (x, labels), (x, labels)).run(1)
        losses.append(record.loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_diverging_training_is_told_and_prints_no_warnings(data) -> None:
    trainer = Trainer(small_net(), SGD(1e38), data)
    text = r"^Trainer: the loss must stay finite, got (nan|inf) in epoch \d, step 1.*; lower the learning rate of SGD"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(DivergenceError, match=text) as raised:
            list(trainer.run(20))
    assert len(told) == 1
    assert str(told[0].message).startswith("Trainer: W1, b1, W2, b2 beyond 10000 after epoch")
    assert isinstance(raised.value, ArithmeticError)
    assert all(np.isfinite(record.loss) for record in trainer.history)


def test_a_training_that_diverges_names_the_last_saved_epoch(data, tmp_path: Path) -> None:
    trainer = Trainer(small_net(), SGD(0.5), data)
    for _ in trainer.run(2):
        trainer.save(tmp_path / "c")
    trainer.optimizer.lr = 1e38
    with (
        pytest.warns(UserWarning, match="beyond 10000"),
        pytest.raises(DivergenceError, match=r"lower the learning rate of SGD\(.*; epoch 2 is saved in .*/c$"),
    ):
        list(trainer.run(20))


def test_patience_ends_a_training_that_gets_no_better(data) -> None:
    trainer = Trainer(small_net(), SGD(1e-9), data, data)
    trainer.history.append(Epoch(1, 0.1, None, None, 1.0, 1.0, test_loss=0.1))
    assert len(list(trainer.run(10, patience=3))) == 3
    assert len(list(Trainer(small_net(), SGD(0.3), data, data).run(6, patience=2))) == 6
    with pytest.raises(ArgumentError, match="Trainer: patience must be a positive integer, got 0"):
        next(trainer.run(1, patience=0))


def test_the_loss_is_read_once_an_epoch(data, no_host_sync) -> None:
    trainer = Trainer(small_net(), SGD(0.5), data, batch_size=7)
    with ExitStack() as batches:
        batches.enter_context(no_host_sync())
        list(trainer.run(1, on_batch=lambda done: batches.close() if done == len(trainer.batches) else None))


def test_gradients_are_clipped_by_value_and_then_by_norm(data) -> None:
    net, copy = small_net(), small_net()
    list(Trainer(net, SGD(0.5), data, batch_size=30, clip_norm=0.02, clip_value=0.01).run(1))
    gradients = clip_by_norm(clip_by_value(copy.gradient(*data), 0.01), 0.02)
    before = values(copy)
    SGD(0.5).update(copy.params, gradients)
    moved = sum(float(np.sum((values(net)[name] - array) ** 2)) for name, array in before.items())
    assert np.sqrt(moved) == pytest.approx(0.5 * 0.02, rel=1e-3)
    for name, array in values(net).items():
        np.testing.assert_allclose(array, values(copy)[name], rtol=1e-3, atol=1e-6)


def test_a_schedule_counts_the_batches(data) -> None:
    asked = []

    def schedule(step: int) -> float:
        asked.append(step)
        return 0.1

    trainer = Trainer(small_net(), SGD(schedule), data, batch_size=7)
    list(trainer.run(2))
    assert asked == list(range(2 * len(trainer.batches)))


@pytest.mark.parametrize("tested", [True, False])
def test_a_plateau_hears_the_test_loss_or_else_the_loss(tested: bool, data) -> None:
    class Listening(Plateau):
        def observe(self, loss: float) -> None:
            heard.append(loss)

    heard: list[float] = []
    trainer = Trainer(small_net(), SGD(Listening(0.1)), data, data if tested else None)
    list(trainer.run(3))
    assert heard == [record.test_loss if tested else record.loss for record in trainer.history]


def test_an_optimizer_of_one_s_own_needs_only_update(data) -> None:
    class Book:
        def update(self, params, grads) -> None:
            for key in params:
                params[key] -= 0.5 * grads[key]

    mine, theirs = small_net(), small_net()
    list(Trainer(mine, Book(), data).run(2))
    list(Trainer(theirs, SGD(0.5), data).run(2))
    for name, array in values(mine).items():
        np.testing.assert_allclose(array, values(theirs)[name], rtol=1e-5, atol=1e-6)


def test_a_trainer_shows_what_it_trains_by_what_and_on_how_much() -> None:
    net, x, t = small_net(), np.eye(30, 4, dtype="float32"), np.arange(30) % 3
    shown = f"Trainer({net!r}, {SGD(0.5)!r}, "
    assert repr(Trainer(net, SGD(0.5), (x, t), batch_size=7)) == f"{shown}Batches(30 rows in 5 batches of 7))"
    apart = Trainer(net, SGD(0.5), (x, t), (x[:9], t[:9]), batch_size=15)
    assert repr(apart) == f"{shown}Batches(30 rows in 2 batches of 15), 9 rows of validation)"
    assert repr(Trainer(net, SGD(0.5), Stream([(x[:7], t[:7])]))) == f"{shown}Stream(list) in batches of 7)"
