"""Losses of scores that are infinite or no numbers: where they count for nothing they do no harm."""

from __future__ import annotations

import numpy as np
import pytest
from loss_checks import X, value_and_dx

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.layers import Huber, MeanSquaredError, SigmoidWithLoss, SoftmaxWithLoss


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"class_weights": (1.0, 2.0, 3.0)}])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_of_an_ignored_sample_may_be_anything(options, bad, asarray) -> None:
    x, t, layer = X.copy(), asarray([0, -1, 2, 1]), SoftmaxWithLoss(ignore_index=-1, **options)
    expected = value_and_dx(layer, asarray(x), t)
    x[1] = bad, 1.0, bad
    for a, b in zip(value_and_dx(layer, asarray(x), t), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    found = xn.grad(lambda x: layer.forward(x, t))(asarray(x))
    np.testing.assert_allclose(to_numpy(found), expected[1], rtol=1e-5, atol=1e-7)


def test_scores_of_minus_infinity_elsewhere_do_no_harm(asarray) -> None:
    x = np.where([[False, False, True]], -np.inf, X)
    for layer in (SoftmaxWithLoss(), SoftmaxWithLoss(class_weights=(1.0, 2.0, 3.0), ignore_index=-100)):
        loss, dx = value_and_dx(layer, asarray(x), asarray([0, 1, 1, 0]))
        assert np.isfinite(loss)
        assert np.isfinite(dx).all()


@pytest.mark.parametrize("t", [[0.0, 1.0, 0.0], [0.0, 0.75, 0.25]], ids=["one-hot", "soft"])
def test_a_score_of_minus_infinity_for_a_class_without_a_part(t, asarray, tolerance) -> None:
    x = np.asarray([[-np.inf, 1.0, 2.0], [0.5, 1.0, -1.0]])
    layer, targets = SoftmaxWithLoss(), np.asarray([t, t])
    e = np.exp(x - x.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    logs = np.log(np.where(targets == 0, 1.0, y))
    loss = to_numpy(layer(asarray(x), asarray(targets)))
    np.testing.assert_allclose(loss, -np.sum(targets * logs) / 2, rtol=10 * tolerance)
    np.testing.assert_allclose(to_numpy(layer.backward(1.0)), (y - targets) / 2, rtol=10 * tolerance, atol=tolerance)


def test_a_sure_binary_answer_has_no_loss(asarray, tolerance) -> None:
    x, t = np.asarray([np.inf, -np.inf, 30.0, -30.0, 0.0, np.inf]), np.asarray([1.0, 0.0, 1.0, 0.0, 0.5, 0.5])
    for layer in (SigmoidWithLoss(reduction="sum"), SigmoidWithLoss(pos_weight=3.0, reduction="sum")):
        for k in range(5):
            loss = to_numpy(layer(asarray(x[k : k + 1]), asarray(t[k : k + 1])))
            weight = 1.0 if layer.pos_weight is None else 3.0
            expected = [
                0.0,
                0.0,
                weight * np.log1p(np.exp(-30.0)),
                np.log1p(np.exp(-30.0)),
                (weight + 1) / 2 * np.log(2),
            ]
            np.testing.assert_allclose(loss, expected[k], rtol=10 * tolerance)
            assert np.isfinite(to_numpy(layer.backward(1.0))).all()
        assert to_numpy(layer(asarray(x[5:]), asarray(t[5:]))) == np.inf


WEIGHTED = {
    "softmax": (SoftmaxWithLoss, [[1.0, 2.0], [0.5, -0.5], [0.0, 1.0]], [0, 1, 1]),
    "soft labels": (SoftmaxWithLoss, [[1.0, 2.0], [0.5, -0.5], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0], [1.0, 0.0]]),
    "sigmoid": (SigmoidWithLoss, [[1.0, 2.0], [0.5, -0.5], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0], [1.0, 0.0]]),
    "squares": (MeanSquaredError, [[1.0, 2.0], [0.5, -0.5], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0], [1.0, 0.0]]),
    "Huber": (Huber, [[1.0, 2.0], [0.5, -0.5], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0], [1.0, 0.0]]),
}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", WEIGHTED)
def test_a_weight_of_0_leaves_out_a_row_of_no_numbers(name, bad, asarray) -> None:
    make, x, t = WEIGHTED[name]
    x, t, w = np.asarray(x), np.asarray(t), asarray([1.0, 0.0, 2.0])
    layer = make()
    loss = to_numpy(layer(asarray(x), asarray(t), w))
    dx = to_numpy(layer.backward(1.0))
    x[1, 0] = bad
    if t.dtype.kind == "f":
        t[1, 1] = np.nan
    np.testing.assert_array_equal(to_numpy(layer(asarray(x), asarray(t), w)), loss)
    np.testing.assert_array_equal(to_numpy(layer.backward(1.0)), dx)
    assert dx[1].tolist() == [0.0, 0.0]


def test_a_class_of_weight_0_leaves_out_a_row_of_no_numbers(asarray) -> None:
    layer = SoftmaxWithLoss(class_weights=[1.0, 0.0])
    x, t = np.asarray([[1.0, 2.0], [np.nan, 1.0]]), asarray(np.asarray([0, 1]))
    assert float(to_numpy(layer(asarray(x), t))) == pytest.approx(np.log1p(np.e), rel=1e-6)
    assert np.isfinite(to_numpy(layer.backward(1.0))).all()
