"""The training loop, its history, and weights on disk."""

from __future__ import annotations

import json
import os
import struct
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import xpnet as xn
from xpnet.backend import array_namespace, device_of, library_of, to_numpy
from xpnet.datasets import load_digits
from xpnet.errors import (
    ArgumentError,
    DataError,
    DivergenceError,
    DtypeError,
    LibraryError,
    ShapeError,
    StateError,
    XpnetError,
)
from xpnet.files import written_in_place
from xpnet.layers import (
    Affine,
    BatchNormalization,
    Dropout,
    IdentityWithLoss,
    MeanSquaredError,
    Relu,
    SoftmaxWithLoss,
)
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Lion, Momentum, RMSprop, clip_by_norm, clip_by_value
from xpnet.random import Generator
from xpnet.schedules import Plateau
from xpnet.training import Epoch, History, Trainer


def normal(name: str, *shape: int) -> np.ndarray:
    return Generator(0).normal(shape, f"test.{name}")


def small_net(seed: int = 0) -> TwoLayerNet:
    return TwoLayerNet(4, 6, 3, weight_init_std=0.5, rng=Generator(seed))


@pytest.fixture
def data(asarray):
    x = normal("x", 30, 4)
    return asarray(x), asarray(np.argmax(x[:, :3], axis=1))


def values(net) -> dict[str, np.ndarray]:
    return {name: to_numpy(array).copy() for name, array in net.params.items()}


# The loop


def test_the_digits_are_learnt_in_twenty_epochs() -> None:
    with xn.use_backend("numpy"):
        train, test = load_digits()
        net = TwoLayerNet(64, 100, 10, rng=Generator(0))
        trainer = Trainer(net, SGD(0.5), train, test, batch_size=10, rng=Generator(0))
        epochs = list(trainer.run(20))
    assert epochs[-1].test_accuracy >= 0.97
    assert epochs[-1].train_accuracy >= 0.99
    assert epochs[-1].loss < 0.05 < epochs[0].loss


def test_a_record_says_what_the_epoch_came_to(data) -> None:
    net = small_net()
    trainer = Trainer(net, SGD(0.5), data, data, batch_size=7)
    heard = []
    epochs = list(trainer.run(3, on_batch=heard.append))
    assert [record.epoch for record in epochs] == [1, 2, 3]
    assert heard == [1, 2, 3, 4, 5] * 3
    assert trainer.history == epochs
    assert epochs[-1].train_accuracy == epochs[-1].test_accuracy == net.accuracy(*data)
    assert all(type(number) in (int, float) for number in vars(epochs[0]).values())
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
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(
            DivergenceError,
            match=r"^Trainer: the loss must stay finite, got (nan|inf) in epoch \d; lower the learning rate of SGD",
        ) as raised:
            list(trainer.run(20))
    assert isinstance(raised.value, ArithmeticError)
    assert all(np.isfinite(record.loss) for record in trainer.history)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_data_that_are_not_finite_are_refused_before_the_first_step(bad: float, asarray) -> None:
    x, t = normal("x", 30, 4), np.zeros(30, dtype=np.int64)
    x[17, 2] = bad
    net = small_net()
    before = values(net)
    with pytest.raises(
        ArgumentError, match="check_data: x must be finite, got NaN or infinity in row 17; drop or clean"
    ):
        list(Trainer(net, SGD(0.5), (asarray(x), asarray(t))).run(1))
    for name, array in before.items():
        np.testing.assert_array_equal(values(net)[name], array)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("label", [3, -1])
def test_labels_out_of_range_are_refused_before_the_first_step(label: int, part: str, asarray, data) -> None:
    t = to_numpy(data[1]).copy()
    t[5] = label
    wrong = data[0], asarray(t)
    with pytest.raises(ArgumentError, match=rf"labels must be from 0 to 2, got {label} in row 5;"):
        Trainer(small_net(), SGD(0.5), *((wrong, data) if part == "train" else (data, wrong)))


def test_other_bad_data_are_refused(data, asarray) -> None:
    x, t = data
    with pytest.raises(ShapeError, match="got 30 and 29 rows"):
        Trainer(small_net(), SGD(0.5), (x, t[:29, ...]))
    with pytest.raises(ShapeError, match="at least one row"):
        Trainer(small_net(), SGD(0.5), (x[:0, ...], t[:0, ...]))
    with pytest.raises(ShapeError, match=r"Affine: x must be \(N, 4\), got \(1, 3\)"):
        Trainer(small_net(), SGD(0.5), (x[:, :3], t))
    with pytest.raises(DtypeError, match="Affine: x must be floating, got int"):
        Trainer(small_net(), SGD(0.5), (asarray(np.ones((30, 4), dtype=np.int64)), t))
    for wrong in (0, -3, 2.5):
        with pytest.raises(ArgumentError, match="batch_size must be a positive integer"):
            Trainer(small_net(), SGD(0.5), data, batch_size=wrong)
    for epochs in (0, -1, 1.5, "1", None):
        with pytest.raises(ArgumentError, match="Trainer: epochs must be a positive integer, got "):
            next(Trainer(small_net(), SGD(0.5), data).run(epochs))


def test_targets_that_the_loss_refuses_are_refused_before_the_first_step(data, asarray) -> None:
    x, t = data
    with pytest.raises(ShapeError, match=r"SoftmaxWithLoss: floating t must be .* cast class indices to an integer"):
        Trainer(small_net(), SGD(0.5), (x, asarray(to_numpy(t) * 1.0)))
    net = Sequential(Affine.create(4, 1), loss=MeanSquaredError())
    with pytest.raises(ShapeError, match=r"MeanSquaredError: t must be \(1, 1\), as x, got \(1,\)"):
        Trainer(net, SGD(0.5), (x, t))
    with pytest.raises(StateError, match="a loss layer must end it"):
        Trainer(Sequential(Affine.create(4, 3)), SGD(0.5), data)


def test_what_is_no_network_optimizer_or_pair_is_refused(data) -> None:
    net, (x, t) = small_net(), data
    for make, text in (
        (lambda: Trainer(SGD(0.5), net, data), "network must be a Network, got SGD; give it first"),
        (lambda: Trainer(net, SGD, data), "optimizer must be an Optimizer, got SGD; give an instance"),
        (lambda: Trainer(net, "sgd", data), "optimizer must be an Optimizer, got str"),
        (lambda: Trainer(net, SGD(0.5), x, t), r"train must be a pair \(x, t\), got .*; write train=\(x, t\)"),
        (lambda: Trainer(net, SGD(0.5), data, (x,)), r"test must be a pair \(x, t\), got tuple"),
    ):
        with pytest.raises(DtypeError, match=f"^Trainer: {text}"):
            make()


def test_save_and_load_take_a_path_and_a_network(tmp_path: Path) -> None:
    net = small_net()
    for call in (xn.save, xn.load):
        with pytest.raises(DtypeError, match=f"{call.__name__}: path must be a string or a Path, got TwoLayerNet"):
            call(net, tmp_path / "net")
        with pytest.raises(DtypeError, match=f"{call.__name__}: what follows the path must be a network or layer, got"):
            call(tmp_path / "net", net.params)


def test_data_of_another_library_or_device_are_refused(data, backend) -> None:
    strict = pytest.importorskip("array_api_strict")
    x, t = (to_numpy(array) for array in data)
    others = [(strict.asarray(x, device=strict.Device("device2")), strict.asarray(t, device=strict.Device("device2")))]
    if backend.name != "numpy":
        others.append((x, t))
    for other in others:
        with pytest.raises(LibraryError, match=r"must be on one (library|device), got"):
            list(Trainer(small_net(), SGD(0.5), other).run(1))


def test_the_loss_is_read_once_an_epoch(data, no_host_sync) -> None:
    trainer = Trainer(small_net(), SGD(0.5), data, batch_size=7)
    with no_host_sync():
        for x, t in trainer.batches.epoch(1):
            trainer.network.loss_and_gradient(x, t)


# Clipping, schedules, regression, ends


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


@pytest.mark.parametrize("option", ["clip_norm", "clip_value"])
def test_a_bad_limit_is_refused(option: str, data) -> None:
    with pytest.raises(ArgumentError, match="Trainer: the limit must be above 0 and finite, got 0"):
        Trainer(small_net(), SGD(0.5), data, **{option: 0})


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


def test_patience_ends_a_training_that_gets_no_better(data) -> None:
    trainer = Trainer(small_net(), SGD(1e-9), data, data)
    trainer.history.append(Epoch(1, 0.1, None, None, 1.0, 1.0, test_loss=0.1))
    assert len(list(trainer.run(10, patience=3))) == 3
    assert len(list(Trainer(small_net(), SGD(0.3), data, data).run(6, patience=2))) == 6
    with pytest.raises(ArgumentError, match="Trainer: patience must be a positive integer, got 0"):
        next(trainer.run(1, patience=0))


def test_a_training_that_diverges_names_the_last_saved_epoch(data, tmp_path: Path) -> None:
    trainer = Trainer(small_net(), SGD(0.5), data)
    for _ in trainer.run(2):
        trainer.save(tmp_path / "c")
    trainer.optimizer.lr = 1e38
    with pytest.raises(DivergenceError, match=r"lower the learning rate of SGD\(.*; epoch 2 is saved in .*/c$"):
        list(trainer.run(20))


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


# Going on from disk

KINDS = [SGD, Momentum, AdaGrad, RMSprop, Adam, AdamW, Lion]


def noisy_net(seed: int) -> Sequential:
    rng = Generator(seed)
    return Sequential(
        Affine.create(4, 6, rng=rng),
        BatchNormalization.create(6),
        Relu(),
        Dropout(0.3, rng=Generator(9)),
        Affine.create(6, 3, rng=rng),
        loss=SoftmaxWithLoss(),
    )


def trainer_of(kind: type, data, seed: int = 0) -> Trainer:
    optimizer = kind(Plateau(0.05, factor=0.5, patience=0, threshold=0.5), groups={"*.b": {"weight_decay": 0.1}})
    return Trainer(noisy_net(seed), optimizer, data, data, batch_size=7, rng=Generator(3), clip_norm=0.5)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_training_goes_on_from_disk_bit_for_bit(kind: type, data, tmp_path: Path) -> None:
    whole = trainer_of(kind, data)
    list(whole.run(4))
    assert whole.optimizer.lr(0) < 0.05
    first = trainer_of(kind, data)
    list(first.run(2))
    first.save(tmp_path / "c")
    second = trainer_of(kind, data, seed=7)
    second.resume(tmp_path / "c")
    list(second.run(2))
    assert second.optimizer.state.keys() == whole.optimizer.state.keys()
    for one, other in (
        (whole.network.params, second.network.params),
        (whole.network.states, second.network.states),
        (whole.optimizer.state, second.optimizer.state),
    ):
        for name, value in one.items():
            np.testing.assert_array_equal(on_host(other[name]), on_host(value))
    for one, other in zip(whole.history, second.history, strict=True):
        measured = {"seconds": 0.0, "samples_per_second": 0.0}
        assert replace(one, **measured) == replace(other, **measured)


def on_host(value):
    return to_numpy(value) if hasattr(value, "shape") else value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_optimizer_goes_on_from_disk(kind: type, tmp_path: Path) -> None:
    x = normal("x", 30, 4).astype(np.float32)
    data = x, np.argmax(x[:, :3], axis=1)
    one, other = trainer_of(kind, data), trainer_of(kind, data, seed=7)
    list(one.run(1))
    xn.save(tmp_path / "c", one.network, optimizer=one.optimizer)
    xn.load(tmp_path / "c", other.network, optimizer=other.optimizer)
    other.history[:] = one.history
    list(one.run(1))
    list(other.run(1))
    for name, array in one.network.params.items():
        np.testing.assert_array_equal(other.network.params[name], array)


def test_a_history_comes_back_as_it_was(tmp_path: Path) -> None:
    history = History([Epoch(1, 0.5, 0.9, None, 0.1, 100.0), Epoch(2, 0.1 + 0.2, None, 0.9, 0.1, 100.0, 0.3)])
    xn.save(tmp_path / "c", small_net(), history=history)
    found = History()
    xn.load(tmp_path / "c", small_net(), history=found)
    assert found == history
    assert [type(record.epoch) for record in found] == [int, int]
    xn.save(tmp_path / "c", small_net(), history=History())
    xn.load(tmp_path / "c", small_net(), history=found)
    assert found == []


def test_weights_alone_are_read_from_a_checkpoint(data, tmp_path: Path) -> None:
    trainer = Trainer(small_net(), Adam(), data)
    list(trainer.run(1))
    trainer.save(tmp_path / "c")
    other = small_net(seed=1)
    xn.load(tmp_path / "c", other)
    for name, array in values(trainer.network).items():
        np.testing.assert_array_equal(values(other)[name], array)


def test_a_checkpoint_that_does_not_fit_changes_nothing(data, tmp_path: Path) -> None:
    trainer, path = Trainer(small_net(), Adam(), data), tmp_path / "c"
    list(trainer.run(1))
    trainer.save(path)
    other = Trainer(small_net(seed=1), Momentum(), data)
    before = values(other.network)
    with pytest.raises(DataError, match=r"load: .*c must hold the state of Momentum, got a difference in W1.m"):
        other.resume(path)
    xn.save(path, small_net())
    for optimizer, text in ((Adam(), "the state of the optimizer"), (None, "the state of the history")):
        with pytest.raises(DataError, match=rf"load: .*c must hold {text}, got none; give a file that was saved with"):
            xn.load(path, other.network, optimizer, None if optimizer else History())
    arrays = values(small_net())
    save_file(arrays | {"optimizer/steps": np.asarray(3), "optimizer/W1.m": np.zeros(3, dtype=np.float32)}, path)
    with pytest.raises(DataError, match=r"must hold the state of Adam for this network, got W1.m \(3,\)"):
        xn.load(path, other.network, Adam())
    save_file(arrays | {"history/epoch": np.zeros(1), "history/colour": np.zeros(1)}, path)
    with pytest.raises(DataError, match=r"must hold a history that this version knows, got .*colour"):
        xn.load(path, other.network, history=History())
    for name, array in before.items():
        np.testing.assert_array_equal(values(other.network)[name], array)
    assert other.history == []
    assert other.optimizer.state == {"steps": 0}


# History


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
    }


# Weights on disk


def test_weights_come_back_bit_for_bit(tmp_path: Path, backend) -> None:
    net, other = small_net(), small_net(seed=1)
    path = tmp_path / "weights.safetensors"
    xn.save(path, net)
    xn.load(path, other)
    for name, array in net.params.items():
        found = other.params[name]
        assert to_numpy(found).tobytes() == to_numpy(array).tobytes()
        assert (found.dtype, device_of(found)) == (backend.dtype, backend.device)
        assert array_namespace(found) is array_namespace(array)
    assert [file.name for file in tmp_path.iterdir()] == ["weights.safetensors"]


def test_training_goes_on_after_loading(tmp_path: Path, data) -> None:
    net, other = small_net(), small_net(seed=1)
    xn.save(tmp_path / "w", net)
    xn.load(str(tmp_path / "w"), other)
    for trained in (net, other):
        list(Trainer(trained, SGD(0.5), data, batch_size=7).run(1))
    for name, array in values(net).items():
        np.testing.assert_array_equal(values(other)[name], array)


def test_what_was_loaded_is_not_what_was_saved(tmp_path: Path) -> None:
    net = small_net()
    before = values(net)
    xn.save(tmp_path / "w", net)
    net.params["W1"] = net.params["W1"] * 0.0
    xn.load(tmp_path / "w", net)
    for name, array in before.items():
        np.testing.assert_array_equal(values(net)[name], array)


@pytest.mark.parametrize("layout", ["transposed", "fortran", "strided", "reversed", "broadcast"])
def test_weights_of_every_layout_are_saved_right(layout: str, tmp_path: Path) -> None:
    base = normal("W", 6, 4)
    W = {
        "transposed": base.T,
        "fortran": np.asfortranarray(base[:4]),
        "strided": base[::2],
        "reversed": base[::-1, ::-1],
        "broadcast": np.broadcast_to(base[0], (5, 4)),
    }[layout]
    layer, other = Affine(W, np.zeros(W.shape[1])), Affine(np.zeros(W.shape), np.ones(W.shape[1]))
    xn.save(tmp_path / "w", layer)
    xn.load(tmp_path / "w", other)
    np.testing.assert_array_equal(other.W, W)
    np.testing.assert_array_equal(other.b, np.zeros(W.shape[1]))


def test_weights_go_from_any_backend_to_any(tmp_path: Path) -> None:
    names = xn.available_backends()
    for name in names:
        with xn.use_backend(name):
            xn.save(tmp_path / name, small_net())
    assert len({(tmp_path / name).read_bytes() for name in names}) == 1
    expected = values(small_net())
    for name in names:
        with xn.use_backend(name):
            net = small_net(seed=1)
        xn.load(tmp_path / names[-1], net)
        assert {library_of(array_namespace(array)).name for array in net.params.values()} == {name}
        for key, array in expected.items():
            np.testing.assert_array_equal(values(net)[key], array)


def test_weights_take_the_dtype_of_the_network(tmp_path: Path) -> None:
    with xn.use_backend("numpy", dtype="float64"):
        net = small_net()
    xn.save(tmp_path / "w", net)
    other = small_net(seed=1)
    xn.load(tmp_path / "w", other)
    assert other.params["W1"].dtype == np.float32
    np.testing.assert_array_equal(other.params["W1"], net.params["W1"].astype(np.float32))


def test_nested_networks_and_layers_are_saved_by_their_names(tmp_path: Path) -> None:
    net = Sequential(Sequential(Affine.create(3, 2)), Affine.create(2, 2), loss=SoftmaxWithLoss())
    xn.save(tmp_path / "w", net)
    header = (tmp_path / "w").read_bytes()
    names = json.loads(header[8 : 8 + struct.unpack("<Q", header[:8])[0]])
    assert set(names) - {"__metadata__"} == set(net.params)


def whole(path: Path, net) -> bytes:
    xn.save(path, net)
    return path.read_bytes()


@pytest.mark.parametrize(
    "fault", ["missing", "empty", "truncated", "header", "text", "folder", "another", "shape", "extra"]
)
def test_a_file_that_does_not_fit_is_refused_and_changes_nothing(fault: str, tmp_path: Path) -> None:
    net, path = small_net(), tmp_path / "weights"
    right = whole(path, net)
    arrays = values(net)
    if fault in ("missing", "folder"):
        path.unlink()
        if fault == "folder":
            path.mkdir()
    elif fault == "empty":
        path.write_bytes(b"")
    elif fault == "truncated":
        path.write_bytes(right[:-5])
    elif fault == "header":
        path.write_bytes(b"\xff" * 8 + right[8:])
    elif fault == "text":
        path.write_text("these are not weights, whatever the name says")
    elif fault == "another":
        xn.save(path, Sequential(Affine.create(4, 3)))
    elif fault == "shape":
        save_file(arrays | {"b2": np.zeros(4, dtype=np.float32)}, path)
    else:
        save_file(arrays | {"W3": np.zeros((2, 2), dtype=np.float32)}, path)
    other = small_net(seed=1)
    kept, before = dict(other.params), values(other)
    with pytest.raises(DataError, match=r"^load: .*weights must .*; give the file that xn.save wrote") as raised:
        xn.load(path, other)
    assert isinstance(raised.value, OSError)
    assert all(other.params[name] is array for name, array in kept.items())
    for name, array in before.items():
        np.testing.assert_array_equal(values(other)[name], array)


def test_a_file_of_another_network_names_the_differences(tmp_path: Path) -> None:
    xn.save(tmp_path / "w", TwoLayerNet(4, 5, 3))
    with pytest.raises(
        DataError, match=r"got W1 \(4, 5\) for \(4, 6\), W2 \(5, 3\) for \(6, 3\), b1 \(5,\) for \(6,\);"
    ):
        xn.load(tmp_path / "w", small_net())
    with pytest.raises(DataError, match=r"Affine1.W missing for \(4, 3\), .*W1 \(4, 5\) for none"):
        xn.load(tmp_path / "w", Sequential(Affine.create(4, 3)))


@pytest.mark.parametrize("kind", [np.int64, np.bool_, np.complex64])
def test_a_file_without_floating_values_is_refused(kind: type, tmp_path: Path) -> None:
    net = small_net()
    save_file({name: array.astype(kind) for name, array in values(net).items()}, tmp_path / "w")
    with pytest.raises(DataError):
        xn.load(tmp_path / "w", net)


@pytest.mark.parametrize("place", ["below a file", "no such folder", "a folder"])
def test_a_place_that_cannot_be_written_to(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    (tmp_path / "folder").mkdir()
    path = {
        "below a file": tmp_path / "file" / "w",
        "no such folder": tmp_path / "none" / "w",
        "a folder": tmp_path / "folder",
    }[place]
    with pytest.raises(
        DataError, match=r"^save: .* must be writable, got (Not a|No such|Is a) .*; choose another place"
    ):
        xn.save(path, small_net())
    with pytest.raises(DataError, match=r"^save: "):
        History().save(path, {})
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["file", "folder"]


def test_a_save_that_fails_half_way_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights"
    old = whole(path, small_net())

    def full(self: Path, data: bytes) -> int:
        with open(self, "wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="got No space left on device"):
        xn.save(path, small_net(seed=1))
    assert path.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["weights"]


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced on Windows")
def test_who_has_the_old_file_open_reads_it_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    old = whole(path, small_net())
    with path.open("rb", buffering=0) as reader:
        begun = reader.read(10)
        xn.save(path, small_net(seed=1))
        assert begun + reader.read() == old
    assert path.read_bytes() != old


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_what_breaks_while_writing_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    def write_half() -> None:
        with written_in_place(tmp_path / "new") as part:
            part.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_two_writers_do_not_share_a_part(tmp_path: Path) -> None:
    with written_in_place(tmp_path / "w") as one, written_in_place(tmp_path / "w") as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert (tmp_path / "w").read_text() == "one"
    assert [file.name for file in tmp_path.iterdir()] == ["w"]


def test_a_file_has_the_permissions_that_open_gives(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    xn.save(tmp_path / "weights", small_net())
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_errors_of_training_are_xpnet_s() -> None:
    assert issubclass(DivergenceError, XpnetError)
    assert issubclass(DataError, XpnetError)
