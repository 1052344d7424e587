"""What ``accuracy`` means under each loss, what it refuses, and a metric of one's own."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.backend import array_namespace, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import Huber, Identity, IdentityWithLoss, MeanSquaredError, Relu, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.loss import Loss
from xpnet.networks import Sequential

SCORES = np.asarray([[-1.0], [2.0], [0.5], [-3.0], [0.0], [1e-30]])
REGRESSIONS = [IdentityWithLoss, MeanSquaredError, Huber]


def ending_in(loss: Loss | None = None) -> Sequential:
    return Sequential(Identity(), loss=loss)


@pytest.mark.parametrize("kind", [np.float64, np.int64, np.bool_])
def test_one_output_is_right_by_the_sign_of_its_score(kind: type, asarray) -> None:
    net, right = ending_in(SigmoidWithLoss()), (SCORES > 0).astype(kind)
    assert net.accuracy(asarray(SCORES), asarray(right)) == 1.0
    assert net.accuracy(asarray(SCORES), asarray((SCORES <= 0).astype(kind))) == 0.0
    assert net.accuracy(asarray(SCORES), asarray(np.ones_like(right))) == 0.5
    assert net.accuracy(asarray(SCORES), asarray(right), batch_size=2) == 1.0


def test_several_labels_are_right_one_by_one(asarray) -> None:
    y = np.asarray([[1.0, -1.0, 2.0], [-1.0, -2.0, 3.0]])
    t = np.asarray([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]])
    assert ending_in(SigmoidWithLoss()).accuracy(asarray(y), asarray(t)) == 4 / 6


@pytest.mark.parametrize("loss", [SoftmaxWithLoss(), SigmoidWithLoss(), None], ids=["softmax", "sigmoid", "none"])
def test_scores_that_are_nan_are_wrong(loss, asarray) -> None:
    y, t = np.asarray([[np.nan, 1.0], [0.0, np.nan], [1.0, -1.0]]), np.asarray([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    assert ending_in(loss).accuracy(asarray(y), asarray(t)) == pytest.approx(1 / 3)


@pytest.mark.parametrize("kind", REGRESSIONS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_numbers_are_not_right_or_wrong(kind: type, outputs: int, asarray) -> None:
    y = np.random.default_rng(0).normal(size=(4, outputs))
    with pytest.raises(ArgumentError, match=rf"^Sequential: accuracy must be .* under {kind.__name__}; .*of your own"):
        ending_in(kind()).accuracy(asarray(y), asarray(y))


def test_one_class_is_refused(asarray) -> None:
    for loss in (SoftmaxWithLoss(), None):
        with pytest.raises(ArgumentError, match=r"two classes or more, got scores \(6, 1\) under .*SigmoidWithLoss"):
            ending_in(loss).accuracy(asarray(SCORES), asarray(np.zeros(6, dtype=np.int64)))


def test_several_labels_without_their_loss_are_refused(asarray) -> None:
    t = np.asarray([[1.0, 1.0, 0.0]])
    with pytest.raises(ArgumentError, match=r"got targets that are not one-hot, under no loss; end the network"):
        ending_in().accuracy(asarray(t), asarray(t))


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_classes_learned_as_numbers_are_classes(kind: type, asarray) -> None:
    y = np.asarray([[0.1, 0.9], [0.8, 0.3], [0.2, 0.1]])
    for t in (np.eye(2)[[1, 0, 1]], np.asarray([1, 0, 1])):
        assert ending_in(kind()).accuracy(asarray(y), asarray(t)) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("t", "error", "text"),
    [
        (np.ones(6), ShapeError, r"t must be \(6, 1\), as the scores, got \(6,\); give an answer for each score"),
        (np.full((6, 1), 2.0), ArgumentError, "t must be from 0 to 1, got another value; give 1 for yes"),
        (np.full((6, 1), -1), ArgumentError, "t must be from 0 to 1, got another value; give 1 for yes"),
        (np.full((6, 1), np.nan), ArgumentError, "t must be from 0 to 1, got another value"),
    ],
)
def test_answers_that_do_not_fit_are_refused(t: np.ndarray, error: type, text: str, asarray) -> None:
    with pytest.raises(error, match=text):
        ending_in(SigmoidWithLoss()).accuracy(asarray(SCORES), asarray(t))


def squared_error(y, t):
    return array_namespace(y, t).mean((y - t) ** 2)


def test_a_metric_of_ones_own(asarray) -> None:
    net = Sequential(Relu(), loss=MeanSquaredError())
    x, t = asarray([[1.0, -1.0], [2.0, 3.0]]), asarray([[0.0, 0.0], [2.0, 1.0]])
    assert net.measure(x, t, squared_error) == net.measure(x, t, squared_error, batch_size=1) == 1.25
    assert net.measure(x, t, lambda y, t: 3) == 3.0
    labels = ending_in(SoftmaxWithLoss())
    assert labels.measure(x, asarray([0, 1])) == labels.accuracy(x, asarray([0, 1])) == 1.0
    top = labels.measure(x, asarray([0, 1]), lambda y, t: np.mean(np.argmax(to_numpy(y), 1) == to_numpy(t)))
    assert top == 1.0


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        (3, "metric must be a function of scores and targets, got int; write"),
        (MeanSquaredError, "metric must be a function of scores and targets, got type; write"),
        (lambda y, t: y, "metric must return one number, got .*; return a float"),
        (lambda y, t: None, "metric must return one number, got NoneType; return a float"),
        (lambda y, t: "1", "metric must return one number, got str; return a float"),
    ],
)
def test_what_is_no_metric_is_refused(metric, text: str, asarray) -> None:
    x = asarray([[1.0, -1.0], [2.0, 3.0]])
    with pytest.raises(DtypeError, match=f"^Sequential: {text}"):
        ending_in(MeanSquaredError()).measure(x, x, metric)
