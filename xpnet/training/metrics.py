"""Metrics of scores, by name, computed on the device of the scores."""

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
    """Return the name and function of a metric, given by name or as a function.

    Names are ``"accuracy"``, ``"top-5"``, ``"precision"``, ``"recall"`` and ``"f1"`` (the mean over the classes, or
    under ``SigmoidWithLoss`` the value for the answer yes), ``"perplexity"``, ``"mae"``, ``"rmse"``, ``"r2"``.

    Raises: ``ArgumentError`` for an unknown name; ``DtypeError`` for anything that is neither a name nor a function.
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
    """Return the number of rows of each class by their answer, ``C[k, j] = Σₙ [t = k] [argmax y = j]``.

    Shapes: ``y (N, K)``, ``t (N,)`` class indices or ``(N, K)`` shares, ``C (K, K)``.

    >>> scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> confusion_matrix(scores, np.array([0, 1, 1]))  # the third row is of class 1, and 0 was answered
    array([[1., 0.],
           [1., 1.]])
    """
    xp = array_namespace(y, t)
    classes = backend_of(y).asarray(list(range(y.shape[-1])))
    right, taken = (xp.reshape(array, (-1, 1)) for array in (labels_of(y, t), xp.argmax(y, axis=-1)))
    is_class, is_taken = (xp.astype(xp.astype(array, classes.dtype) == classes, y.dtype) for array in (right, taken))
    return is_class.T @ is_taken  # type: ignore[no-any-return]


def labels_of(y: Array, t: Array) -> Array:
    """Return targets as class indices, converted from shares if necessary.

    Raises: ``ShapeError`` if they are neither indices nor shares for these scores.
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
    """Return the share of rows with the highest score at the label, ``Σₙ [argmax y = t] / N``; NaN counts as wrong."""
    xp, labels = array_namespace(y, t), labels_of(y, t)
    right = xp.astype(xp.argmax(y, axis=-1), labels.dtype) == labels
    return mean_of(xp, right & ~xp.any(xp.isnan(y), axis=-1), y)


def top_accuracy(k: int, y: Array, t: Array) -> Array:
    """Return the share of rows in which fewer than k scores are higher than that of the label."""
    xp, labels = array_namespace(y, t), labels_of(y, t)
    own = xp.take_along_axis(y, xp.expand_dims(labels, axis=-1), axis=-1)
    return mean_of(xp, xp.sum(xp.astype(y > own, y.dtype), axis=-1) < k, y)


def ratio(xp: Any, above: Array, below: Array) -> Array:
    """Return a quotient, with 0 where the divisor is not positive."""
    return above / xp.where(below > 0.0, below, xp.ones_like(below))  # type: ignore[no-any-return]


def by_class(y: Array, t: Array) -> tuple[Any, Array, Array, Array, Array]:
    """Return, for each class, how often it is right, how often it was answered, how often it occurs, and a weight.

    The weight is 1 for a class that occurs or was answered; other classes do not count in a mean.
    """
    xp, counts = array_namespace(y, t), confusion_matrix(y, t)
    right = xp.sum(counts * xp.eye(counts.shape[0], dtype=counts.dtype, device=device_of(counts)), axis=0)
    answered, occurs = xp.sum(counts, axis=0), xp.sum(counts, axis=1)
    return xp, right, answered, occurs, xp.astype(answered + occurs > 0.0, y.dtype)


def precision(y: Array, t: Array) -> Array:
    """Return the mean over the classes of the share of right answers among their answers, ``TP / (TP + FP)``."""
    xp, right, answered, _, counts = by_class(y, t)
    return xp.sum(ratio(xp, right, answered)) / xp.sum(counts)  # type: ignore[no-any-return]


def recall(y: Array, t: Array) -> Array:
    """Return the mean over the classes of the share of right answers among their rows, ``TP / (TP + FN)``."""
    xp, right, _, occurs, counts = by_class(y, t)
    return xp.sum(ratio(xp, right, occurs)) / xp.sum(counts)  # type: ignore[no-any-return]


def f1(y: Array, t: Array) -> Array:
    """Return the mean over the classes of ``2 TP / (2 TP + FP + FN)``."""
    xp, right, answered, occurs, counts = by_class(y, t)
    return xp.sum(ratio(xp, 2.0 * right, answered + occurs)) / xp.sum(counts)  # type: ignore[no-any-return]


def perplexity(y: Array, t: Array) -> Array:
    """Return the number of equally likely classes with the same uncertainty, ``exp(-Σₙ log softmax(y)[t] / N)``."""
    xp, labels = array_namespace(y, t), labels_of(y, t)
    highest = xp.max(y, axis=-1, keepdims=True)
    total = xp.log(xp.sum(xp.exp(y - highest), axis=-1)) + highest[..., 0]
    own = xp.take_along_axis(y, xp.expand_dims(labels, axis=-1), axis=-1)[..., 0]
    return xp.exp(xp.mean(total - own))  # type: ignore[no-any-return]


def differences(y: Array, t: Array) -> tuple[Any, Array, Array]:
    """Return the namespace, scores minus targets, and the targets in the dtype of the scores.

    Raises: ``ShapeError`` if there is not one target for each score.
    """
    if y.shape != t.shape:
        must = f"targets of a metric for numbers must be {tuple(y.shape)}, as the scores"
        raise ShapeError("metrics", must, tuple(t.shape), "choose a metric for classes, such as accuracy")
    xp = array_namespace(y, t)
    t = xp.astype(t, y.dtype)
    return xp, y - t, t


def mae(y: Array, t: Array) -> Array:
    """Return the mean absolute error, ``Σ |y - t| / N``."""
    xp, error, _ = differences(y, t)
    return xp.mean(xp.abs(error))  # type: ignore[no-any-return]


def rmse(y: Array, t: Array) -> Array:
    """Return the root of the mean squared error, ``√(Σ (y - t)² / N)``."""
    xp, error, _ = differences(y, t)
    return xp.sqrt(xp.mean(error * error))  # type: ignore[no-any-return]


def r2(y: Array, t: Array) -> Array:
    """Return the explained share of the variance, ``1 - Σ (y - t)² / Σ (t - mean t)²``, averaged over the columns."""
    xp, error, t = differences(y, t)
    spread = t - xp.mean(t, axis=0)
    return xp.mean(1.0 - ratio(xp, xp.sum(error * error, axis=0), xp.sum(spread * spread, axis=0)))  # type: ignore[no-any-return]


def answered(y: Array, t: Array) -> tuple[Any, Array, Array, Array]:
    """Return, for scores that mean yes above 0, the numbers of right yes, of all yes, and of targets that are yes."""
    xp, _, t = differences(y, t)
    said, is_so = xp.astype(y > 0.0, y.dtype), xp.astype(t > 0.5, y.dtype)
    return xp, xp.sum(said * is_so), xp.sum(said), xp.sum(is_so)


def answers_accuracy(y: Array, t: Array) -> Array:
    """Return the share of scores that are above 0 if and only if the target is above ½."""
    xp, _, t = differences(y, t)
    return mean_of(xp, ((y > 0.0) == (t > 0.5)) & ~xp.isnan(y), y)


def answers_precision(y: Array, t: Array) -> Array:
    """Return the share of right answers among the answers yes."""
    xp, right, said, _ = answered(y, t)
    return ratio(xp, right, said)


def answers_recall(y: Array, t: Array) -> Array:
    """Return the share of targets yes that are answered yes."""
    xp, right, _, is_so = answered(y, t)
    return ratio(xp, right, is_so)


def answers_f1(y: Array, t: Array) -> Array:
    """Return ``2 TP / (2 TP + FP + FN)`` for the answer yes."""
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
    """Return the metrics by their names.

    Raises: errors of ``metric_of``; ``ArgumentError`` for two metrics of the same name.
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
