"""A run folder: its best and last weights, going on on another backend, and answers to rows as a user has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal
from small_net import small_net, values

import xpnet as xn
from xpnet.backend import LIBRARIES, missing, to_numpy
from xpnet.datasets import Dataset
from xpnet.errors import DataError
from xpnet.layers import Affine, BatchNormalization, Dropout, MeanSquaredError, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator
from xpnet.training import Run, Trainer

X = normal("x", 40, 4).astype(np.float32)
T = np.argmax(X[:, :3], axis=1)


def net() -> Sequential:
    rng = Generator(0)
    layers = [Affine.create(4, 8, rng=rng), BatchNormalization.create(8), Relu(), Dropout(0.2, rng=rng)]
    return Sequential(*layers, Affine.create(8, 3, rng=rng), loss=SoftmaxWithLoss())


def trainer_of(data, **options) -> Trainer:
    return Trainer(net(), Adam(0.05), data, batch_size=10, rng=Generator(3), **options)


def test_a_run_is_written_after_every_epoch(data, tmp_path: Path) -> None:
    folder, seen = tmp_path / "a" / "run", []
    trainer = Trainer(small_net(), Adam(0.05), data, data, batch_size=7, metrics=["f1"])
    trainer.fit(3, folder=folder, callbacks=[lambda record: seen.append(len(Run(folder).history))])
    assert seen == [1, 2, 3]
    run = Run(folder)
    assert run.history == trainer.history
    assert run.measure == "accuracy"
    assert {path.name for path in folder.iterdir()} == {"best.safetensors", "last.safetensors", "run.json"}
    assert run.settings["batch_size"] == 7
    assert (run.settings["rows"], run.settings["validation_rows"]) == (30, 30)


@pytest.mark.parametrize("average", [None, 0.5])
def test_the_network_of_a_run_is_the_best(average: float | None, data, asarray, tmp_path: Path) -> None:
    t = (to_numpy(data[1]) + 1) % 3
    apart = data[0], asarray(t)
    trainer = Trainer(small_net(), Adam(0.05), data, apart, batch_size=10, average=average)
    history = trainer.fit(12, folder=tmp_path)
    losses = [record.test_loss for record in history]
    assert np.argmin(losses) < 11
    best = xn.load_network(tmp_path)
    assert float(to_numpy(best.loss(*apart, predict=True))) == pytest.approx(min(losses), rel=1e-6)
    last = xn.load_network(tmp_path / "last.safetensors")
    for name, array in values(trainer.network).items():
        np.testing.assert_array_equal(to_numpy(last.params[name]), array)


@pytest.mark.parametrize("options", [{}, {"average": 0.8}, {"accumulate": 2}, {"validation": 0.25}], ids=str)
def test_a_run_goes_on_to_the_same_bits(options: dict, data, tmp_path: Path) -> None:
    whole = trainer_of(data, **options)
    whole.fit(6)
    trainer_of(data, **options).fit(2, folder=tmp_path)
    again = trainer_of(data, **options)
    history = again.fit(6, folder=tmp_path, resume=True)
    assert [record.loss for record in history] == [record.loss for record in whole.history]
    assert [record.test_loss for record in history] == [record.test_loss for record in whole.history]
    for name, array in values(whole.network).items():
        np.testing.assert_array_equal(values(again.network)[name], array)
    assert len(again.fit(6, folder=tmp_path, resume=True)) == 6


def test_patience_goes_on_where_it_was(data, asarray, tmp_path: Path) -> None:
    apart = data[0], asarray((to_numpy(data[1]) + 1) % 3)
    whole, parts = (Trainer(small_net(), Adam(0.05), data, apart, batch_size=10) for _ in range(2))
    whole.fit(40, patience=4)
    stops = len(whole.history) - 2
    parts.fit(stops, patience=4, folder=tmp_path)
    again = Trainer(small_net(seed=9), Adam(0.05), data, apart, batch_size=10)
    again.fit(40, patience=4, folder=tmp_path, resume=True)
    assert len(again.history) == len(whole.history)
    for name, array in values(whole.network).items():
        np.testing.assert_array_equal(values(again.network)[name], array)


OTHERS = [name for name in ("numpy", "torch", "cupy", "array-api-strict") if not missing(LIBRARIES[name])]


@pytest.mark.parametrize("other", OTHERS)
def test_a_run_goes_on_on_another_backend(other: str, backend, dtype: str, tmp_path: Path) -> None:
    data = X, T
    trainer_of(tuple(map(backend.asarray, data))).fit(2, folder=tmp_path)
    whole = trainer_of(tuple(map(backend.asarray, data)))
    whole.fit(5)
    with xn.use_backend(other, dtype=dtype) as there:
        history = trainer_of(tuple(map(there.asarray, data))).fit(5, folder=tmp_path, resume=True)
        np.testing.assert_allclose(
            [record.loss for record in history], [record.loss for record in whole.history], atol=1e-5
        )
        run = Run(tmp_path)
        assert run.scores(X[:3]).shape == (3, 3)


def test_a_run_answers_rows_as_a_user_has_them(tmp_path: Path) -> None:
    table = {"a": X[:, 0].tolist(), "b": ["xyz"[i % 3] for i in range(40)]}
    price = (100.0 + 20.0 * X[:, 0] + T).tolist()
    data = Dataset.of(table | {"price": price}, target="price")
    network = Sequential(Affine.create(data.inputs, 1, rng=Generator(0)), loss=MeanSquaredError())
    trainer = Trainer(network, Adam(0.1), data)
    trainer.fit(60, folder=tmp_path)
    found = Run(tmp_path).predict(table)
    assert found.shape == (40,)
    assert np.abs(found - price).mean() < 3.0
    np.testing.assert_allclose(xn.load_network(tmp_path).params["Affine1.W"].shape, (4, 1))
    assert trainer.predict({"b": ["z"], "a": [0.5]}).shape == (1,)


def test_labels_come_back_as_they_were(tmp_path: Path) -> None:
    labels = np.asarray(["cat", "dog", "hen"])[T].tolist()
    rows = {name: X[:, i].tolist() for i, name in enumerate("abcd")}
    trainer = Trainer(net(), Adam(0.05), (rows, labels), batch_size=10)
    trainer.fit(30, folder=tmp_path)
    answers = Run(tmp_path).predict(dict(reversed(rows.items())))
    assert np.mean(answers == labels) > 0.9


def test_a_folder_that_holds_a_training_is_not_begun_anew(data, tmp_path: Path) -> None:
    trainer = Trainer(small_net(), Adam(0.1), data)
    trainer.fit(1, folder=tmp_path)
    before = (tmp_path / "last.safetensors").read_bytes()
    text = "must hold no other training, got one; give resume=True to continue it, or another folder"
    with pytest.raises(DataError, match=text):
        Trainer(small_net(), SGD(0.1), data).fit(1, folder=tmp_path)
    with pytest.raises(DataError, match="must hold the state of SGD"):
        Trainer(small_net(), SGD(0.1), data).fit(5, folder=tmp_path, resume=True)
    assert (tmp_path / "last.safetensors").read_bytes() == before
    with pytest.raises(DataError, match="must be a writable folder"):
        Trainer(small_net(), SGD(0.1), data).fit(1, folder="/proc/none")


def test_what_a_killed_training_left_half_written_goes(data, tmp_path: Path) -> None:
    (tmp_path / ".0123456789abcdef.part").write_bytes(b"half")
    Trainer(small_net(), SGD(0.1), data).fit(1, folder=tmp_path, resume=True)
    assert not list(tmp_path.glob(".*"))
