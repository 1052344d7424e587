"""Losses: what weights, reductions, ignored samples and options mean."""

from __future__ import annotations

import numpy as np
import pytest
from loss_checks import LABELS, T, X, on_every_loss, value_and_dx

import xpnet as xn
from xpnet.errors import ArgumentError
from xpnet.layers import Huber, IdentityWithLoss, SigmoidWithLoss, SoftmaxWithLoss

# Weights and reductions


@on_every_loss
def test_a_weight_of_2_is_a_sample_that_is_there_twice(kind, asarray, tolerance) -> None:
    loss, dx = value_and_dx(kind(), asarray(X), asarray(T), asarray([1.0, 2.0, 0.0, 1.0]))
    twice = [0, 1, 1, 3]
    expected, spread = value_and_dx(kind(), asarray(X[twice]), asarray(T[twice]))
    summed = np.zeros(X.shape)
    np.add.at(summed, twice, spread)
    np.testing.assert_allclose(loss, expected, rtol=tolerance)
    np.testing.assert_allclose(dx, summed, rtol=10 * tolerance, atol=tolerance)


@on_every_loss
def test_the_sum_is_the_mean_times_what_it_is_divided_by(kind, asarray, tolerance) -> None:
    mean, dmean = value_and_dx(kind(), asarray(X), asarray(T))
    total, dtotal = value_and_dx(kind(reduction="sum"), asarray(X), asarray(T))
    count = 4 if kind in (SoftmaxWithLoss, IdentityWithLoss) else 12
    np.testing.assert_allclose(total, count * mean, rtol=tolerance)
    np.testing.assert_allclose(dtotal, count * dmean, rtol=tolerance, atol=tolerance)


@on_every_loss
def test_weights_may_stand_over_more_leading_axes(kind, asarray, tolerance) -> None:
    shape = (4,) if kind in (SoftmaxWithLoss, IdentityWithLoss) else (4, 3)
    w = np.asarray([0.5, 1.0, 0.0, 2.0])
    each = w if len(shape) == 1 else np.repeat(w[:, None], 3, axis=1)
    expected = value_and_dx(kind(), asarray(X), asarray(T), asarray(w))
    for a, b in zip(value_and_dx(kind(), asarray(X), asarray(T), asarray(each)), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_weights_of_sequences_are_one_for_each_row_or_each_step(asarray, tolerance) -> None:
    x, t = asarray(np.stack([X, X + 1.0])), asarray(np.stack([LABELS, LABELS]))
    rows = value_and_dx(SoftmaxWithLoss(), x, t, asarray([1.0, 0.0]))
    steps = value_and_dx(SoftmaxWithLoss(), x, t, asarray(np.repeat([[1.0], [0.0]], 4, axis=1)))
    alone = value_and_dx(SoftmaxWithLoss(), asarray(X), asarray(LABELS))
    np.testing.assert_allclose(rows[0], alone[0], rtol=tolerance)
    np.testing.assert_allclose(rows[1][0], alone[1], rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(rows[1], steps[1])


@on_every_loss
def test_weights_of_0_alone_give_0(kind, asarray) -> None:
    loss, dx = value_and_dx(kind(), asarray(X), asarray(T), asarray(np.zeros(4)))
    assert loss == 0.0
    assert not dx.any()


# Options of softmax cross-entropy


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"class_weights": (1.0, 2.0, 3.0)}])
@pytest.mark.parametrize("ignored", [-100, 1, 99])
def test_an_ignored_sample_is_one_that_is_not_there(options, ignored, asarray, tolerance) -> None:
    labels = np.asarray([0, ignored, 2, ignored])
    layer = SoftmaxWithLoss(ignore_index=ignored, **options)
    loss, dx = value_and_dx(layer, asarray(X), asarray(labels))
    expected, kept = value_and_dx(SoftmaxWithLoss(**options), asarray(X[::2]), asarray(labels[::2]))
    np.testing.assert_allclose(loss, expected, rtol=tolerance)
    np.testing.assert_allclose(dx[::2], kept, rtol=tolerance, atol=tolerance)
    assert not dx[1::2].any()


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"reduction": "sum"}])
def test_where_all_samples_are_ignored_the_loss_and_its_gradient_are_0(options, asarray) -> None:
    layer = SoftmaxWithLoss(ignore_index=-1, class_weights=(1.0, 2.0, 3.0), **options)
    loss, dx = value_and_dx(layer, asarray(X), asarray(np.full(4, -1)))
    assert loss == 0.0
    assert not dx.any()


def test_ignoring_a_negative_label_leaves_unsigned_ones_as_they_are(asarray, tolerance) -> None:
    layer, t = SoftmaxWithLoss(ignore_index=-100), asarray(LABELS.astype(np.uint8))
    expected = value_and_dx(SoftmaxWithLoss(), asarray(X), asarray(LABELS))
    for a, b in zip(value_and_dx(layer, asarray(X), t), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_class_weights_are_cast_to_the_dtype_of_the_scores(backend, asarray) -> None:
    v = backend.asarray(np.asarray([1.0, 2.0, 3.0]))
    with xn.use_backend(backend.library.name, device=backend.device, dtype="float32") as other:
        narrow = other.asarray(np.asarray([1.0, 2.0, 3.0]))
    for weights in (v, narrow, [1, 2, 3]):
        layer = SoftmaxWithLoss(class_weights=weights)
        assert layer(asarray(X), asarray(LABELS)).dtype == backend.dtype
        assert layer.backward(1.0).dtype == backend.dtype


# Weights of the positive


@pytest.mark.parametrize("make", [lambda p: p, lambda p: [p] * 3, lambda p: xn.get_backend().asarray([p] * 3)])
def test_a_positive_weight_of_2_is_a_positive_that_is_there_twice(make, asarray, tolerance, backend) -> None:
    t = np.eye(3)[LABELS]
    loss, dx = value_and_dx(SigmoidWithLoss(make(2.0), "sum"), asarray(X), asarray(t))
    once, d = value_and_dx(SigmoidWithLoss(reduction="sum"), asarray(X), asarray(t))
    more, e = value_and_dx(SigmoidWithLoss(reduction="sum"), asarray(X), asarray(t), asarray(t))
    np.testing.assert_allclose(loss, once + more, rtol=tolerance)
    np.testing.assert_allclose(dx, d + e, rtol=tolerance, atol=tolerance)


def test_options_may_be_numbers_of_numpy(asarray) -> None:
    smoothed = SoftmaxWithLoss(np.float32(0.25), ignore_index=np.int64(1))
    assert (smoothed.label_smoothing, type(smoothed.ignore_index)) == (0.25, int)
    assert (Huber(np.float32(0.5)).delta, SigmoidWithLoss(pos_weight=np.float32(2.0)).pos_weight) == (0.5, 2.0)
    x, t = asarray(X), asarray(T)
    assert SigmoidWithLoss(pos_weight=np.float32(2.0))(x, t).dtype == x.dtype
    for make in (lambda: Huber(True), lambda: SoftmaxWithLoss(False)):
        with pytest.raises(ArgumentError, match=r"got (True|False);"):
            make()
