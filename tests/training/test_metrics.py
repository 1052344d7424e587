"""Metrics by name are those of scikit-learn and plain NumPy, and stay where the scores are."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import Affine, MeanSquaredError, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer
from xpnet.training.metrics import confusion_matrix, metric_of

Y = normal("scores", 40, 4)
T = np.argmax(Y + normal("noise", 40, 4), axis=1)
NUMBERS = normal("numbers", 40, 2)


def classes_matrix() -> np.ndarray:
    counts = np.zeros((4, 4))
    np.add.at(counts, (T, np.argmax(Y, axis=1)), 1)
    return counts


def by_class(kind: str) -> float:
    counts = classes_matrix()
    right, answered, occurs = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    found = {"precision": right / answered, "recall": right / occurs, "f1": 2 * right / (answered + occurs)}
    return float(np.mean(found[kind]))


def softmax_of_labels() -> np.ndarray:
    shares = np.exp(Y) / np.exp(Y).sum(axis=1, keepdims=True)
    return shares[np.arange(40), T]


EXPECTED = {
    "accuracy": lambda: np.mean(np.argmax(Y, axis=1) == T),
    "top-2": lambda: np.mean([t in np.argsort(y)[-2:] for y, t in zip(Y, T, strict=True)]),
    "precision": lambda: by_class("precision"),
    "recall": lambda: by_class("recall"),
    "f1": lambda: by_class("f1"),
    "perplexity": lambda: np.exp(-np.mean(np.log(softmax_of_labels()))),
}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("shares", [False, True])
def test_metrics_of_classes(name: str, shares: bool, asarray, tolerance, no_host_sync) -> None:
    y, t = asarray(Y), asarray(np.eye(4)[T] if shares else T)
    _, metric = metric_of("test", name, SoftmaxWithLoss())
    with no_host_sync():
        found = metric(y, t)
    assert found.dtype == y.dtype
    assert float(to_numpy(found)) == pytest.approx(float(EXPECTED[name]()), rel=10 * tolerance)


def test_the_confusion_matrix_counts(asarray) -> None:
    np.testing.assert_array_equal(to_numpy(confusion_matrix(asarray(Y), asarray(T))), classes_matrix())


def test_a_class_that_nobody_names_is_no_part_of_the_mean(asarray) -> None:
    y, t = asarray(np.asarray([[2.0, 1.0, 0.0], [0.0, 1.0, -1.0]])), asarray(np.asarray([0, 1]))
    for name in ("precision", "recall", "f1"):
        assert float(to_numpy(metric_of("test", name, None)[1](y, t))) == 1.0


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "f1"])
def test_metrics_of_answers(name: str, asarray, tolerance) -> None:
    t = (NUMBERS + 0.5 * normal("more", 40, 2) > 0).astype(float)
    said = NUMBERS > 0
    right = np.sum(said & (t > 0))
    precision, recall = right / said.sum(), right / t.sum()
    expected = {"accuracy": np.mean(said == t), "precision": precision, "recall": recall}
    expected["f1"] = 2 * precision * recall / (precision + recall)
    _, metric = metric_of("test", name, SigmoidWithLoss())
    assert float(to_numpy(metric(asarray(NUMBERS), asarray(t)))) == pytest.approx(expected[name], rel=10 * tolerance)


def test_metrics_of_numbers(asarray, tolerance) -> None:
    t = NUMBERS + 0.3 * normal("more", 40, 2)
    error = NUMBERS - t
    expected = {
        "mae": np.mean(np.abs(error)),
        "rmse": np.sqrt(np.mean(error**2)),
        "r2": np.mean(1.0 - (error**2).sum(axis=0) / ((t - t.mean(axis=0)) ** 2).sum(axis=0)),
    }
    for name, value in expected.items():
        _, metric = metric_of("test", name, MeanSquaredError())
        assert float(to_numpy(metric(asarray(NUMBERS), asarray(t)))) == pytest.approx(value, rel=10 * tolerance)


def test_scikit_learn_agrees() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    guesses = np.argmax(Y, axis=1)
    for name, theirs in (("precision", "precision_score"), ("recall", "recall_score"), ("f1", "f1_score")):
        expected = getattr(sklearn, theirs)(T, guesses, average="macro")
        assert float(metric_of("test", name, None)[1](Y, T)) == pytest.approx(expected)
    np.testing.assert_array_equal(confusion_matrix(Y, T), sklearn.confusion_matrix(T, guesses))


def test_records_have_the_metrics_by_name(data) -> None:
    def mine(y, t) -> float:
        return 0.5

    net = Sequential(Affine.create(4, 3, rng=Generator(0)), loss=SoftmaxWithLoss())
    trainer = Trainer(net, SGD(0.5), data, 0.3, metric="f1", metrics=["accuracy", "top-2", mine])
    record = trainer.fit(1)[0]
    assert trainer.measure == "f1"
    assert list(record.metrics) == [
        *("accuracy", "top-2 accuracy", "mine"),
        *("train accuracy", "train top-2 accuracy", "train mine"),
    ]
    assert record.metrics["accuracy"] == pytest.approx(net.accuracy(*trainer.validation), rel=1e-6)
    assert record.metrics["train accuracy"] == pytest.approx(net.accuracy(*trainer.train), rel=1e-6)
    assert record.metrics["mine"] == 0.5
    assert record.test_accuracy == pytest.approx(float(to_numpy(metric_of("", "f1", None)[1](
        net.predict(trainer.validation[0]), trainer.validation[1]))), rel=1e-6)  # fmt: skip


def test_what_is_no_metric_is_refused(data) -> None:
    net = Sequential(Affine.create(4, 3, rng=Generator(0)), loss=SoftmaxWithLoss())
    for metrics, kind, text in (
        (["precise"], ArgumentError, "a metric must be one of accuracy, .* got 'precise'"),
        (["f1", "f1"], ArgumentError, "each metric must have a name of its own, got two of 'f1'"),
        ("f1", DtypeError, r"metrics must be a list of names or functions, got 'f1'; write metrics=\[…\]"),
        ([3], DtypeError, "a metric must be a name or a function of scores and targets, got int"),
    ):
        with pytest.raises(kind, match=text):
            Trainer(net, SGD(0.5), data, metrics=metrics)
    for metrics, kind, text in (
        (["rmse"], ShapeError, r"targets of a metric for numbers must be \(30, 3\), as the scores, got \(30,\)"),
        ([lambda y, t: y], DtypeError, "metric must return one number, got"),
    ):
        with pytest.raises(kind, match=text):
            Trainer(net, SGD(0.5), data, metrics=metrics).fit(1)
