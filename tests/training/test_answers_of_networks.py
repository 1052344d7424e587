"""A network that was loaded from a run answers for rows as its user has them, and gives probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.datasets import Dataset
from xpnet.errors import ArgumentError
from xpnet.layers import Affine, BatchNormalization, Dropout, MeanSquaredError, Relu, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator
from xpnet.training import Run, Trainer

X = normal("x", 24, 3)
NAMES = np.asarray(["hen", "cat", "dog"])[np.argmax(X, axis=1)].tolist()
TABLE = {name: X[:, i].tolist() for i, name in enumerate("abc")}


def net(inputs: int, outputs: int, loss) -> Sequential:
    rng = Generator(0)
    layers = Affine.create(inputs, 8, rng=rng), BatchNormalization.create(8), Relu(), Dropout(0.5, rng=rng)
    return Sequential(*layers, Affine.create(8, outputs, rng=rng), loss=loss)


def test_probabilities_are_the_softmax_and_the_sigmoid_of_scores(asarray, tolerance) -> None:
    x = asarray(X)
    network = net(3, 4, SoftmaxWithLoss()).astype(str(x.dtype).rpartition(".")[2])
    y = to_numpy(network.predict(x)).astype(np.float64)
    powers = np.exp(y - y.max(axis=1, keepdims=True))
    found = network.predict_proba(x)
    assert type(found) is type(x)
    np.testing.assert_allclose(to_numpy(found), powers / powers.sum(axis=1, keepdims=True), rtol=10 * tolerance)
    network.last_layer = SigmoidWithLoss()
    np.testing.assert_allclose(to_numpy(network.predict_proba(x)), 1.0 / (1.0 + np.exp(-y)), rtol=10 * tolerance)
    large = asarray([[-1000.0, 1000.0, 0.0]])
    alone = Sequential(Relu(), loss=SigmoidWithLoss())
    assert to_numpy(alone.predict_proba(large)).tolist() == [[0.5, 1.0, 0.5]]
    network.last_layer = MeanSquaredError()
    with pytest.raises(
        ArgumentError, match="must end with a loss of classes to have probabilities, got MeanSquaredErr"
    ):
        network.predict_proba(x)


def test_a_loaded_network_answers_with_names(backend, tmp_path: Path) -> None:
    data = Dataset.of(TABLE | {"animal": NAMES}, "animal")
    Trainer(net(3, 3, SoftmaxWithLoss()), Adam(0.05), data, batch_size=8, rng=Generator(0)).fit(3, folder=tmp_path)
    loaded, run = xn.load_network(tmp_path), Run(tmp_path)
    wanted = run.predict(TABLE)
    assert loaded(TABLE).tolist() == wanted.tolist()
    assert set(wanted) <= {"hen", "cat", "dog"}
    one = {name: values[5] for name, values in TABLE.items()}
    assert loaded(one) == wanted[5]
    shares = to_numpy(loaded.predict_proba(TABLE))
    assert shares.shape == (24, 3)
    assert [["cat", "dog", "hen"][k] for k in shares.argmax(axis=1)] == wanted.tolist()
    np.testing.assert_allclose(to_numpy(loaded.predict_proba(one)), shares[5], rtol=1e-4)


def test_frames_and_their_rows(tmp_path: Path) -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    data = Dataset.of(TABLE | {"animal": NAMES}, "animal")
    Trainer(net(3, 3, SoftmaxWithLoss()), Adam(0.05), data, batch_size=8, rng=Generator(0)).fit(1, folder=tmp_path)
    loaded = xn.load_network(tmp_path)
    wanted = loaded(TABLE).tolist()
    frame = pandas.DataFrame(TABLE)
    for rows in (frame, polars.DataFrame(TABLE), frame.to_dict("records")):
        assert loaded(rows).tolist() == wanted
    assert loaded(frame.iloc[3]) == wanted[3]
    assert loaded(polars.DataFrame(TABLE).row(3, named=True)) == wanted[3]
    assert loaded(frame.iloc[[3]]).tolist() == [wanted[3]]


def test_numbers_come_back_in_their_unit(tmp_path: Path) -> None:
    data = Dataset.of(TABLE | {"price": (1000.0 + X[:, 0]).tolist()}, "price")
    trainer = Trainer(net(3, 1, MeanSquaredError()), SGD(0.01), data, batch_size=8)
    trainer.fit(1, folder=tmp_path)
    assert xn.load_network(tmp_path)(TABLE).mean() == pytest.approx(1000.0, abs=5.0)
    one = {name: values[0] for name, values in TABLE.items()}
    assert trainer.predict(one) == pytest.approx(trainer.predict(TABLE)[0], rel=1e-5)


def test_arrays_and_labels_one_row_or_many(backend, tmp_path: Path) -> None:
    x = backend.asarray(X)
    Trainer(net(3, 3, SoftmaxWithLoss()), Adam(0.05), (x, NAMES), batch_size=8, rng=Generator(0)).fit(
        2, folder=tmp_path
    )
    loaded = xn.load_network(tmp_path)
    answers = loaded(x)  # as in prediction: running statistics, and no dropout
    assert answers.tolist() == Run(tmp_path).predict(X).tolist() == loaded(x).tolist()
    assert loaded(x[2, ...]) == answers[2]
    assert to_numpy(loaded.predict_proba(x[2, ...])).shape == (3,)


def test_a_loaded_network_is_trained_on_and_differentiated_as_any(tmp_path: Path) -> None:
    with xn.use_backend("numpy", dtype="float64"):
        Trainer(net(3, 3, SoftmaxWithLoss()), SGD(0.1), (X, NAMES), batch_size=8).fit(1, folder=tmp_path)
        loaded = xn.load_network(tmp_path)
        v = xn.Variable(X)
        assert type(loaded(v)) is xn.Variable
        assert xn.gradient_check(loaded, X[:4], np.asarray([0, 1, 2, 0])).ok
        loaded.last_layer = None  # it becomes a part of another network
        part = Sequential(loaded, Affine.create(3, 2), loss=SoftmaxWithLoss())
        assert part.predict(X).shape == (24, 2)
        xn.save(tmp_path / "part.safetensors", part)
        xn.load_network(tmp_path / "part.safetensors").gradient(X, np.zeros(24, dtype=np.int64))
