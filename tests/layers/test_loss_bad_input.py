"""Losses refuse options, labels, targets and weights that do not fit."""

from __future__ import annotations

import re

import numpy as np
import pytest
from loss_checks import ALL, LABELS, T, X, on_every_loss

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, LibraryError, ShapeError
from xpnet.layers import Huber, SigmoidWithLoss, SoftmaxWithLoss


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


def test_positive_weights_that_do_not_fit(asarray) -> None:
    text = r"^SigmoidWithLoss: pos_weight must be \(3,\), got \(2,\); give one for each class"
    with pytest.raises(ShapeError, match=text):
        SigmoidWithLoss(pos_weight=[1.0, 2.0])(asarray(X), asarray(T))
    for bad in (-1.0, np.float32(-1.0), [1.0, float("nan")], np.asarray([1.0, -1.0]), float("inf")):
        with pytest.raises(ArgumentError, match="SigmoidWithLoss: pos_weight must be finite and not negative, got "):
            SigmoidWithLoss(pos_weight=bad)


def test_a_call_without_targets_says_what_may_be_left_out() -> None:
    with pytest.raises(ArgumentError, match="forward must be given x, t and may be given weights, got 1 values"):
        SoftmaxWithLoss()(X)


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
