"""Losses: what weights and ignored samples mean, targets that are traced, networks with each loss, bad input."""

from __future__ import annotations

import re

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, to_numpy
from xpnet.errors import ArgumentError, DtypeError, LibraryError, ShapeError
from xpnet.gradcheck.subjects import network_targets
from xpnet.layers import (
    Affine,
    Huber,
    IdentityWithLoss,
    MeanSquaredError,
    Relu,
    SigmoidWithLoss,
    SoftmaxWithLoss,
)
from xpnet.layers.loss import Loss
from xpnet.networks import Sequential
from xpnet.random import Generator

X = np.random.default_rng(0).normal(size=(4, 3))
T = np.random.default_rng(1).dirichlet(np.ones(3), size=4)
LABELS = np.asarray([0, 2, 1, 2])
ALL = (SoftmaxWithLoss, SigmoidWithLoss, IdentityWithLoss, MeanSquaredError, Huber)
on_every_loss = pytest.mark.parametrize("kind", ALL)


def value_and_dx(layer, *inputs) -> tuple[np.ndarray, np.ndarray]:
    loss = to_numpy(layer(*inputs))
    return loss, to_numpy(layer.backward(1.0))


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


def test_ignoring_a_negative_label_leaves_unsigned_ones_as_they_are(asarray, tolerance) -> None:
    layer, t = SoftmaxWithLoss(ignore_index=-100), asarray(LABELS.astype(np.uint8))
    expected = value_and_dx(SoftmaxWithLoss(), asarray(X), asarray(LABELS))
    for a, b in zip(value_and_dx(layer, asarray(X), t), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_scores_of_minus_infinity_elsewhere_do_no_harm(asarray) -> None:
    x = np.where([[False, False, True]], -np.inf, X)
    for layer in (SoftmaxWithLoss(), SoftmaxWithLoss(class_weights=(1.0, 2.0, 3.0), ignore_index=-100)):
        loss, dx = value_and_dx(layer, asarray(x), asarray([0, 1, 1, 0]))
        assert np.isfinite(loss)
        assert np.isfinite(dx).all()


def test_class_weights_are_cast_to_the_dtype_of_the_scores(backend, asarray) -> None:
    v = backend.asarray(np.asarray([1.0, 2.0, 3.0]))
    with xn.use_backend(backend.library.name, device=backend.device, dtype="float32") as other:
        narrow = other.asarray(np.asarray([1.0, 2.0, 3.0]))
    for weights in (v, narrow, [1, 2, 3]):
        layer = SoftmaxWithLoss(class_weights=weights)
        assert layer(asarray(X), asarray(LABELS)).dtype == backend.dtype
        assert layer.backward(1.0).dtype == backend.dtype


@pytest.mark.parametrize("options", [{"ignore_index": -100}, {"label_smoothing": 0.1}, {"class_weights": (1.0, 2, 3)}])
@pytest.mark.parametrize("label", [3, -1])
def test_labels_out_of_range_are_refused_or_give_nan(options, label, asarray, backend) -> None:
    layer, x, t = SoftmaxWithLoss(**options), asarray(X), asarray([0, label, 2, 1])
    if backend.library.readable(t):
        text = "^SoftmaxWithLoss: labels must be from 0 to 2" + (" or -100" if "ignore_index" in options else "")
        with pytest.raises(ArgumentError, match=f"{text}, got {label}; give x a score for each class"):
            layer(x, t)
    else:
        assert np.isnan(to_numpy(layer(x, t)))


# Weights of the positive


@pytest.mark.parametrize("make", [lambda p: p, lambda p: [p] * 3, lambda p: xn.get_backend().asarray([p] * 3)])
def test_a_positive_weight_of_2_is_a_positive_that_is_there_twice(make, asarray, tolerance, backend) -> None:
    t = np.eye(3)[LABELS]
    loss, dx = value_and_dx(SigmoidWithLoss(make(2.0), "sum"), asarray(X), asarray(t))
    once, d = value_and_dx(SigmoidWithLoss(reduction="sum"), asarray(X), asarray(t))
    more, e = value_and_dx(SigmoidWithLoss(reduction="sum"), asarray(X), asarray(t), asarray(t))
    np.testing.assert_allclose(loss, once + more, rtol=tolerance)
    np.testing.assert_allclose(dx, d + e, rtol=tolerance, atol=tolerance)


def test_positive_weights_that_do_not_fit(asarray) -> None:
    text = r"^SigmoidWithLoss: pos_weight must be \(3,\), got \(2,\); give one for each class"
    with pytest.raises(ShapeError, match=text):
        SigmoidWithLoss(pos_weight=[1.0, 2.0])(asarray(X), asarray(T))
    for bad in (-1.0, np.float32(-1.0), [1.0, float("nan")], np.asarray([1.0, -1.0]), float("inf")):
        with pytest.raises(ArgumentError, match="SigmoidWithLoss: pos_weight must be finite and not negative, got "):
            SigmoidWithLoss(pos_weight=bad)


def test_options_may_be_numbers_of_numpy(asarray) -> None:
    smoothed = SoftmaxWithLoss(np.float32(0.25), ignore_index=np.int64(1))
    assert (smoothed.label_smoothing, type(smoothed.ignore_index)) == (0.25, int)
    assert (Huber(np.float32(0.5)).delta, SigmoidWithLoss(pos_weight=np.float32(2.0)).pos_weight) == (0.5, 2.0)
    x, t = asarray(X), asarray(T)
    assert SigmoidWithLoss(pos_weight=np.float32(2.0))(x, t).dtype == x.dtype
    for make in (lambda: Huber(True), lambda: SoftmaxWithLoss(False)):
        with pytest.raises(ArgumentError, match=r"got (True|False);"):
            make()


def test_a_call_without_targets_says_what_may_be_left_out() -> None:
    with pytest.raises(ArgumentError, match="forward must be given x, t and may be given weights, got 1 values"):
        SoftmaxWithLoss()(X)


# Recording


@pytest.mark.parametrize(
    "layer",
    [
        SoftmaxWithLoss(0.1, (1.0, 2.0, 3.0)),
        SigmoidWithLoss(3.0, "sum"),
        IdentityWithLoss(),
        MeanSquaredError(),
        Huber(0.3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_traced_targets_and_weights_are_recorded(layer) -> None:
    w = np.asarray([0.5, 1.0, 0.2, 2.0])
    xn.gradient_check(lambda t: layer(X, t, w), T).raise_if_failed()
    xn.gradient_check(lambda w: layer(X, T, w), w).raise_if_failed()
    assert layer(xn.Variable(X), T, w).node.name == type(layer).__name__


# Networks


OPTIONS = {
    "softmax": (SoftmaxWithLoss(), LABELS),
    "all options": (SoftmaxWithLoss(0.1, (1.0, 2.0, 3.0), 1), LABELS),
    "ignored, sum": (SoftmaxWithLoss(ignore_index=1, reduction="sum"), LABELS),
    "soft labels": (SoftmaxWithLoss(0.1, (1.0, 2.0, 3.0)), T),
    "sigmoid": (SigmoidWithLoss(), T),
    "identity, sum": (IdentityWithLoss("sum"), T),
    "squares": (MeanSquaredError(), T),
    "huber": (Huber(0.3, "sum"), T),
}


def network(loss) -> Sequential:
    rng = Generator(0)
    return Sequential(Affine.create(3, 4, rng=rng), Relu(), Affine.create(4, 3, rng=rng), loss=loss)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_network_with_the_loss_is_checked_side_by_side(name) -> None:
    loss, t = OPTIONS[name]
    with xn.use_backend("numpy", dtype="float64"):
        net = network(loss)
    xn.gradient_check(net, X, t).raise_if_failed()
    for target in network_targets(net, X, t):
        assert target.evaluate() is target.fast


class Doubled(MeanSquaredError):
    def forward(self, x, t):
        return 2.0 * super().forward(x, t)

    def backward(self, dout):
        return 2.0 * super().backward(dout)


def test_a_loss_with_a_forward_of_its_own_is_checked_one_by_one() -> None:
    with xn.use_backend("numpy", dtype="float64"):
        net = network(Doubled())
    xn.gradient_check(net, X, T).raise_if_failed()
    assert all(target.fast is None for target in network_targets(net, X, T))


def test_a_loss_of_one_s_own_needs_only_per_sample_and_backward() -> None:
    class FourthPower(Loss):
        def per_sample(self, x, t):
            self.d = x - t
            return array_namespace(x).sum(self.d**4, axis=-1)

        def backward(self, dout):
            return self.dlosses(dout) * 4.0 * self.d**3

    for loss in (FourthPower(), FourthPower("sum")):
        xn.gradient_check(loss, X, T, np.asarray([1.0, 0.5, 0.0, 2.0])).raise_if_failed()


# Bad input


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda: SoftmaxWithLoss(label_smoothing=1.0),
            ArgumentError,
            "SoftmaxWithLoss: label_smoothing must be from 0 to below 1, got 1.0; try 0.1",
        ),
        (lambda: SoftmaxWithLoss(label_smoothing=-0.1), ArgumentError, "label_smoothing must be from 0 to below 1"),
        (lambda: SoftmaxWithLoss(label_smoothing="0"), ArgumentError, "label_smoothing must be from 0 to below 1"),
        (
            lambda: SoftmaxWithLoss(ignore_index=1.0),
            DtypeError,
            "SoftmaxWithLoss: ignore_index must be an integer, got 1.0; give a label, such as -100",
        ),
        (
            lambda: SoftmaxWithLoss(class_weights="abc"),
            DtypeError,
            "SoftmaxWithLoss: class_weights must be numbers, got 'abc'; give an array or a list",
        ),
        (
            lambda: Huber(delta=0.0),
            ArgumentError,
            "Huber: delta must be above 0 and finite, got 0.0; try 1.0",
        ),
        (lambda: Huber(delta=float("nan")), ArgumentError, "delta must be above 0 and finite, got nan"),
        *[
            (
                lambda kind=kind: kind(reduction="none"),
                ArgumentError,
                f'{kind.__name__}: reduction must be "mean" or "sum", got \'none\'; choose one',
            )
            for kind in ALL
        ],
    ],
)
def test_options_out_of_range(make, error, text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        make()


def test_class_weights_of_another_length_or_library(asarray, backend) -> None:
    x, t = asarray(X), asarray(LABELS)
    text = r"^SoftmaxWithLoss: class_weights must be \(3,\), got \(2,\); give one for each class"
    with pytest.raises(ShapeError, match=text):
        SoftmaxWithLoss(class_weights=[1.0, 2.0])(x, t)
    with pytest.raises(ShapeError, match=r"class_weights must be \(3,\), got \(3, 1\);"):
        SoftmaxWithLoss(class_weights=asarray(np.ones((3, 1))))(x, t)
    if backend.library.name != "numpy":
        with pytest.raises(LibraryError, match=r"^SoftmaxWithLoss: x and class_weights must be on one library"):
            SoftmaxWithLoss(class_weights=np.ones(3))(x, t)


def test_soft_labels_cannot_be_ignored(asarray) -> None:
    text = r"^SoftmaxWithLoss: t must be class indices to ignore -1, got .*float.*; give class indices, or weights of 0"
    with pytest.raises(DtypeError, match=text):
        SoftmaxWithLoss(ignore_index=-1)(asarray(X), asarray(T))


@on_every_loss
def test_weights_that_do_not_fit(kind, asarray) -> None:
    x, t = asarray(X), asarray(T)
    for shape in ((3,), (), (4, 1), (1, 4)):
        text = rf"^{kind.__name__}: weights must be \(4,\).*, got {re.escape(str(shape))}; give one weight for each"
        with pytest.raises(ShapeError, match=text):
            kind()(x, t, asarray(np.ones(shape)))
    text = rf"^{kind.__name__}: weights must be floating, got .*bool.*; cast them with xn.asarray\(weights\)"
    with pytest.raises(DtypeError, match=text):
        kind()(x, t, asarray(np.ones(4, dtype=np.bool_)))
    with pytest.raises(DtypeError, match="weights must be an array, got list"):
        kind()(x, t, [1.0] * 4)


@pytest.mark.parametrize("kind", ALL[1:])
def test_targets_that_do_not_fit(kind, asarray) -> None:
    x, name = asarray(X), kind.__name__
    text = rf"^{name}: t must be \(4, 3\), as x, got \(4,\); give a target for each output"
    with pytest.raises(ShapeError, match=text):
        kind()(x, asarray(np.ones(4)))
    with pytest.raises(DtypeError, match=rf"^{name}: t must be floating, got .*int.*; cast it with xn.asarray"):
        kind()(x, asarray(np.ones((4, 3), dtype=np.int64)))
    with pytest.raises(ShapeError, match=rf"^{name}: x must hold at least one sample, got \(0, 3\);"):
        kind()(asarray(X[:0]), asarray(T[:0]))


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
