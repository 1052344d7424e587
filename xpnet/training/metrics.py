"""How good scores are: metrics by name, computed where the scores are and read by nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from xpnet.backend import array_namespace, backend_of, device_of, dtype_kind
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import Layer, SigmoidWithLoss
from xpnet.typing import Array

Metric = Callable[[Array, Array], Any]

TOP = re.compile(r"top-?(\d+)( accuracy)?")


def metric_of(who: str, metric: Any, loss: Layer | None) -> tuple[str, Metric]:
    """The name and function of a metric, by either.

    ``"accuracy"``, ``"top-5"``, ``"precision"``, ``"recall"`` and ``"f1"`` (the mean over the classes; of answers under
    ``SigmoidWithLoss`` that of yes), ``"perplexity"``, ``"mae"``, ``"rmse"``, ``"r2"``.

    Raises: ``ArgumentError`` for an unknown name; ``DtypeError`` for what is neither name nor function.
    """
    if callable(metric) and not isinstance(metric, type):
        return getattr(metric, "__name__", type(metric).__name__), metric
    if not isinstance(metric, str):
        must, remedy = "a metric must be a name or a function of scores and targets", "write lambda y, t: …"
        raise DtypeError(who, must, type(metric).__name__, remedy)
    if found := TOP.fullmatch(metric):
        return f"top-{found[1]} accuracy", partial(top_accuracy, int(found[1]))
    answers = isinstance(loss, SigmoidWithLoss)
    if metric not in METRICS:
        must = f"a metric must be one of {', '.join(METRICS)}, top-5, or a function of scores and targets"
        raise ArgumentError(who, must, repr(metric), "choose one")
    return metric, (ANSWERS.get(metric, METRICS[metric]) if answers else METRICS[metric])


def confusion_matrix(y: Array, t: Array) -> Array:
    """How often each class was taken for each, ``C[k, j] = Σₙ [t = k] [argmax y = j]``.

    Shapes: ``y (N, K)``, ``t (N,)`` class indices or ``(N, K)`` shares, ``C (K, K)``.
    """
    xp = array_namespace(y, t)
    classes = backend_of(y).asarray(list(range(y.shape[-1])))
    right, taken = (xp.reshape(array, (-1, 1)) for array in (labels_of(y, t), xp.argmax(y, axis=-1)))
    is_class, is_taken = (xp.astype(xp.astype(array, classes.dtype) == classes, y.dtype) for array in (right, taken))
    return is_class.T @ is_taken  # type: ignore[no-any-return]


def labels_of(y: Array, t: Array) -> Array:
    """Class indices of targets that may be shares.

    Raises: ``ShapeError`` where they are neither for these scores.
    """
    if dtype_kind(t) == "real" and t.shape == y.shape and y.ndim > 1:
        return array_namespace(t).argmax(t, axis=-1)  # type: ignore[no-any-return]
    if dtype_kind(t) != "integer" or t.shape != y.shape[:-1]:
        must = f"targets of a metric for classes must be {tuple(y.shape[:-1])} indices, or {tuple(y.shape)} shares"
        raise ShapeError("metrics", must, f"{tuple(t.shape)} {t.dtype}", "choose a metric for numbers, such as rmse")
    return t


def mean_of(xp: Any, right: Array, like: Array) -> Array:
    return xp.mean(xp.astype(right, like.dtype))  # type: ignore[no-any-return]


def accuracy(y: Array, t: Array) -> Array:
    """The share of rows whose highest score is at the label, ``Σₙ [argmax y = t] / N``; NaN among scores is wrong."""
    xp, labels = array_namespace(y, t), labels_of(y, t)
    right = xp.astype(xp.argmax(y, axis=-1), labels.dtype) == labels
    return mean_of(xp, right & ~xp.any(xp.isnan(y), axis=-1), y)


def top_accuracy(k: int, y: Array, t: Array) -> Array:
    """The share of rows in which fewer than k scores are higher than that of the label."""
    xp, labels = array_namespace(y, t), labels_of(y, t)
    own = xp.take_along_axis(y, xp.expand_dims(labels, axis=-1), axis=-1)
    return mean_of(xp, xp.sum(xp.astype(y > own, y.dtype), axis=-1) < k, y)


def ratio(xp: Any, above: Array, below: Array) -> Array:
    """A quotient, 0 where nothing is to be divided by."""
    return above / xp.where(below > 0.0, below, xp.ones_like(below))  # type: ignore[no-any-return]


def by_class(y: Array, t: Array) -> tuple[Any, Array, Array, Array, Array]:
    """For each class: how often it is right, how often it was answered, and how often it occurs; and a weight.

    The weight is 1 for a class that occurs or was answered: others are no part of a mean.
    """
    xp, counts = array_namespace(y, t), confusion_matrix(y, t)
    right = xp.sum(counts * xp.eye(counts.shape[0], dtype=counts.dtype, device=device_of(counts)), axis=0)
    answered, occurs = xp.sum(counts, axis=0), xp.sum(counts, axis=1)
    return xp, right, answered, occurs, xp.astype(answered + occurs > 0.0, y.dtype)


def precision(y: Array, t: Array) -> Array:
    """The mean over the classes of the share of right ones among the answers, ``TP / (TP + FP)``."""
    xp, right, answered, _, counts = by_class(y, t)
    return xp.sum(ratio(xp, right, answered)) / xp.sum(counts)  # type: ignore[no-any-return]


def recall(y: Array, t: Array) -> Array:
    """The mean over the classes of the share of their rows that are found, ``TP / (TP + FN)``."""
    xp, right, _, occurs, counts = by_class(y, t)
    return xp.sum(ratio(xp, right, occurs)) / xp.sum(counts)  # type: ignore[no-any-return]


def f1(y: Array, t: Array) -> Array:
    """The mean over the classes of ``2 TP / (2 TP + FP + FN)``."""
    xp, right, answered, occurs, counts = by_class(y, t)
    return xp.sum(ratio(xp, 2.0 * right, answered + occurs)) / xp.sum(counts)  # type: ignore[no-any-return]


def perplexity(y: Array, t: Array) -> Array:
    """How many classes a label is as uncertain as, ``exp(-Σₙ log softmax(y)[t] / N)``."""
    xp, labels = array_namespace(y, t), labels_of(y, t)
    highest = xp.max(y, axis=-1, keepdims=True)
    total = xp.log(xp.sum(xp.exp(y - highest), axis=-1)) + highest[..., 0]
    own = xp.take_along_axis(y, xp.expand_dims(labels, axis=-1), axis=-1)[..., 0]
    return xp.exp(xp.mean(total - own))  # type: ignore[no-any-return]


def differences(y: Array, t: Array) -> tuple[Any, Array, Array]:
    """Scores less targets, and the targets in their dtype.

    Raises: ``ShapeError`` where they are not one for each.
    """
    if y.shape != t.shape:
        must = f"targets of a metric for numbers must be {tuple(y.shape)}, as the scores"
        raise ShapeError("metrics", must, tuple(t.shape), "choose a metric for classes, such as accuracy")
    xp = array_namespace(y, t)
    t = xp.astype(t, y.dtype)
    return xp, y - t, t


def mae(y: Array, t: Array) -> Array:
    """The mean of the errors, ``Σ |y - t| / N``."""
    xp, error, _ = differences(y, t)
    return xp.mean(xp.abs(error))  # type: ignore[no-any-return]


def rmse(y: Array, t: Array) -> Array:
    """The root of the mean of the squared errors, ``√(Σ (y - t)² / N)``."""
    xp, error, _ = differences(y, t)
    return xp.sqrt(xp.mean(error * error))  # type: ignore[no-any-return]


def r2(y: Array, t: Array) -> Array:
    """The share of the variance that is explained, ``1 - Σ (y - t)² / Σ (t - mean t)²``, the mean over the columns."""
    xp, error, t = differences(y, t)
    spread = t - xp.mean(t, axis=0)
    return xp.mean(1.0 - ratio(xp, xp.sum(error * error, axis=0), xp.sum(spread * spread, axis=0)))  # type: ignore[no-any-return]


def answered(y: Array, t: Array) -> tuple[Any, Array, Array, Array]:
    """Of scores that are yes above 0: how many are rightly so, how many there are, and how many should be."""
    xp, _, t = differences(y, t)
    said, is_so = xp.astype(y > 0.0, y.dtype), xp.astype(t > 0.5, y.dtype)
    return xp, xp.sum(said * is_so), xp.sum(said), xp.sum(is_so)


def answers_accuracy(y: Array, t: Array) -> Array:
    """The share of scores that are above 0 where the target is above ½, and not elsewhere."""
    xp, _, t = differences(y, t)
    return mean_of(xp, ((y > 0.0) == (t > 0.5)) & ~xp.isnan(y), y)


def answers_precision(y: Array, t: Array) -> Array:
    """The share of right ones among the answers yes."""
    xp, right, said, _ = answered(y, t)
    return ratio(xp, right, said)


def answers_recall(y: Array, t: Array) -> Array:
    """The share of what is so that is answered yes."""
    xp, right, _, is_so = answered(y, t)
    return ratio(xp, right, is_so)


def answers_f1(y: Array, t: Array) -> Array:
    """``2 TP / (2 TP + FP + FN)`` of the answers yes."""
    xp, right, said, is_so = answered(y, t)
    return ratio(xp, 2.0 * right, said + is_so)


METRICS: dict[str, Metric] = {
    kind.__name__: kind for kind in (accuracy, precision, recall, f1, perplexity, mae, rmse, r2)
}
ANSWERS: dict[str, Metric] = {
    "accuracy": answers_accuracy,
    "precision": answers_precision,
    "recall": answers_recall,
    "f1": answers_f1,
}


def metrics_of(who: str, metrics: Sequence[Any], loss: Layer | None) -> dict[str, Metric]:
    """The metrics by their names.

    Raises: as ``metric_of``; ``ArgumentError`` for two of one name.
    """
    if isinstance(metrics, str) or not isinstance(metrics, Sequence):
        raise DtypeError(who, "metrics must be a list of names or functions", repr(metrics), "write metrics=[…]")
    found: dict[str, Metric] = {}
    for metric in metrics:
        name, function = metric_of(who, metric, loss)
        if name in found:
            raise ArgumentError(who, "each metric must have a name of its own", f"two of {name!r}", "name a function")
        found[name] = function
    return found
