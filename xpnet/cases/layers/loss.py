"""Cases of the losses."""

from functools import partial
from typing import Any

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.cases.layers.activation import softmax
from xpnet.layers import (
    GaussianLoss,
    Huber,
    IdentityWithLoss,
    MeanAbsoluteError,
    MeanSquaredError,
    PoissonLoss,
    QuantileLoss,
    SigmoidWithLoss,
    SoftmaxWithLoss,
)

SCORES, LABELS = normal("x", 5, 4), np.asarray([0, 3, 1, 1, 2])
SHARES = softmax(normal("t", 5, 4))
OUTPUTS = (normal("x", 5, 4), normal("t", 5, 4))
WEIGHTS = np.asarray([0.5, 2.0, 0.0, 1.0, 1.5])
CLASS_WEIGHTS = np.asarray([0.5, 2.0, 1.5, 0.25])
SMOOTHED = {"label_smoothing": 0.1, "class_weights": (0.5, 2.0, 1.5, 0.25), "ignore_index": 1}


def cross_entropy(x: Host, t: Host) -> Any:
    shares = np.eye(x.shape[-1])[t] if t.dtype.kind in "iu" else t
    return -np.mean(np.sum(shares * np.log(softmax(x)), axis=-1))


def smoothed(x: Host, t: Host, weights: Host) -> Any:
    """Return the sum over samples whose label is not 1, over the weights of their classes."""
    total = counts = 0.0
    for scores, label, w in zip(x, t, weights, strict=True):
        if label != 1:
            shares = 0.9 * np.eye(4)[label] + 0.1 / 4.0
            total -= w * np.sum(CLASS_WEIGHTS * shares * np.log(softmax(scores)))
            counts += w * CLASS_WEIGHTS[label]
    return total / counts


def ignored(x: Host, t: Host) -> Any:
    return -np.sum(np.log(softmax(x))[t >= 0, t[t >= 0]])


def binary_cross_entropy(x: Host, t: Host) -> Any:
    y = 1.0 / (1.0 + np.exp(-x))
    return -np.mean(t * np.log(y) + (1.0 - t) * np.log(1.0 - y))


def huber(x: Host, t: Host, weights: Host) -> Any:
    d = np.abs(x - t)
    losses = np.where(d <= 0.7, 0.5 * d * d, 0.7 * (d - 0.35))
    return np.sum(weights[:, None] * losses) / np.sum(np.repeat(weights, 4))


of_samples = partial(Case, needs_samples=True)
CASES = (
    of_samples("SoftmaxWithLoss, indices", SoftmaxWithLoss, (SCORES, LABELS), cross_entropy),
    of_samples("SoftmaxWithLoss, shares", SoftmaxWithLoss, (SCORES, SHARES), cross_entropy),
    Case("SoftmaxWithLoss, one sample", SoftmaxWithLoss, (normal("x", 4), np.asarray(2)), cross_entropy),
    of_samples("SoftmaxWithLoss, all options", SoftmaxWithLoss, (SCORES, LABELS, WEIGHTS), smoothed, options=SMOOTHED),
    of_samples(
        "SoftmaxWithLoss, class weights",
        SoftmaxWithLoss,
        (normal("x", 2, 3, 4), np.asarray([[0, 3, 1], [1, 2, 0]])),
        lambda x, t: (
            np.sum(CLASS_WEIGHTS[t] * -np.log(np.sum(np.eye(4)[t] * softmax(x), axis=-1))) / np.sum(CLASS_WEIGHTS[t])
        ),
        options={"class_weights": (0.5, 2.0, 1.5, 0.25)},
    ),
    of_samples(
        "SoftmaxWithLoss, ignored, sum",
        SoftmaxWithLoss,
        (SCORES, np.asarray([0, -100, 1, -100, 2])),
        ignored,
        options={"ignore_index": -100, "reduction": "sum"},
    ),
    of_samples("SigmoidWithLoss", SigmoidWithLoss, (SCORES, SHARES), binary_cross_entropy),
    of_samples(
        "SigmoidWithLoss, weighted",
        SigmoidWithLoss,
        (SCORES, SHARES),
        lambda x, t: np.mean(CLASS_WEIGHTS * t * np.log1p(np.exp(-x)) + (1.0 - t) * np.log1p(np.exp(x))),
        options={"pos_weight": (0.5, 2.0, 1.5, 0.25)},
    ),
    of_samples(
        "SigmoidWithLoss, smoothed",
        SigmoidWithLoss,
        (SCORES, SHARES),
        lambda x, t: binary_cross_entropy(x, 0.8 * t + 0.1),
        options={"label_smoothing": 0.2},
    ),
    of_samples("IdentityWithLoss", IdentityWithLoss, OUTPUTS, lambda x, t: 0.5 * np.sum((x - t) ** 2) / 5.0),
    of_samples(
        "IdentityWithLoss, weighted",
        IdentityWithLoss,
        (*OUTPUTS, WEIGHTS),
        lambda x, t, w: 0.5 * np.sum(w[:, None] * (x - t) ** 2) / np.sum(w),
    ),
    of_samples("MeanSquaredError", MeanSquaredError, OUTPUTS, lambda x, t: np.mean((x - t) ** 2)),
    of_samples(
        "MeanSquaredError, sum",
        MeanSquaredError,
        (*OUTPUTS, WEIGHTS),
        lambda x, t, w: np.sum(w[:, None] * (x - t) ** 2),
        options={"reduction": "sum"},
    ),
    of_samples("Huber", Huber, (*OUTPUTS, WEIGHTS), huber, options={"delta": 0.7}),
    of_samples(
        "MeanAbsoluteError",
        MeanAbsoluteError,
        (*OUTPUTS, WEIGHTS),
        lambda x, t, w: np.sum(w[:, None] * np.abs(x - t)) / (4.0 * np.sum(w)),
    ),
    of_samples(
        "QuantileLoss",
        QuantileLoss,
        OUTPUTS,
        lambda x, t: np.mean(np.where(t > x, 0.8 * (t - x), 0.2 * (x - t))),
        options={"quantile": 0.8},
    ),
    of_samples("PoissonLoss", PoissonLoss, OUTPUTS, lambda x, t: np.mean(np.exp(x) - t * x)),
    of_samples(
        "GaussianLoss",
        GaussianLoss,
        (normal("x", 5, 4), normal("t", 5, 2)),
        lambda x, t: 0.5 * np.mean(x[:, 2:] + (t - x[:, :2]) ** 2 / np.exp(x[:, 2:])),
    ),
)
