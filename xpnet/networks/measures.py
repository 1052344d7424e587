"""Measures of the quality of scores, chosen by the kind of targets that a loss takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import nan
from typing import Any, NamedTuple

from xpnet.backend import array_namespace, dtype_kind, dtype_name, is_array, size_of, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import Layer, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.checks import check_one_place, is_number
from xpnet.layers.loss import check_labels, check_not_empty, is_ignored
from xpnet.typing import Array

Metric = Callable[[Array, Array], Any]
"""A function of scores and targets that returns the quality of the scores as a number."""

OWN = "give a metric of your own, a function of scores and targets"


class Measure(NamedTuple):
    """The name of a measure, in words, and its function of scores and targets."""

    name: str
    of: Metric


def measure_for(who: str, loss: Layer | None, y: Array, t: Array) -> Measure:
    """Return the measure that accuracy stands for, by the loss and the targets: of classes, or of separate answers.

    Under ``SigmoidWithLoss`` every score is a separate answer, yes where it is above 0. Elsewhere the highest score
    of a row must be at its label: an integer, shares under ``SoftmaxWithLoss``, one-hot under any other loss.

    Raises: ``ArgumentError`` where accuracy is undefined: for targets of a regression, and for a single class.
    """
    check_one_place(who, {"x": y, "t": t}, ("t",))
    if isinstance(loss, SigmoidWithLoss):
        alone = size_of(y) == y.shape[0] if y.ndim else True
        return Measure("binary accuracy" if alone else "accuracy of each label", partial(share_of_answers, who))
    ends = "no loss" if loss is None else type(loss).__name__
    if not getattr(loss, "of_scores", True):
        must, remedy = "accuracy must be that of a score for each class", f"use loss(x, t, predict=True), or {OWN}"
        raise ArgumentError(who, must, f"vectors, under {ends}", remedy)
    if y.ndim == 0 or y.shape[-1] < 2:
        must, got = "accuracy must be that of two classes or more", f"scores {tuple(y.shape)} under {ends}"
        remedy = f"end the network with SigmoidWithLoss for yes and no; for numbers use loss(…, predict=True), or {OWN}"
        raise ArgumentError(who, must, got, remedy)
    if dtype_kind(t) == "real" and t.shape == y.shape and not isinstance(loss, SoftmaxWithLoss) and not one_hot(t):
        must, got = "accuracy must be that of classes", f"targets that are not one-hot, under {ends}"
        remedy = f"end the network with SigmoidWithLoss for labels; for numbers use loss(…, predict=True), or {OWN}"
        raise ArgumentError(who, must, got, remedy)
    return Measure("accuracy", partial(share_of_classes, who, getattr(loss, "ignore_index", None)))


def share_of_classes(who: str, ignore: int | None, y: Array, t: Array) -> float:
    """Return the share of rows with the highest score at the label, or NaN if none counts. A row with NaN is wrong."""
    check_labels(who, y, t, ignore)
    xp = array_namespace(y, t)
    right = xp.argmax(y, axis=-1) == (xp.argmax(t, axis=-1) if dtype_kind(t) == "real" else t)
    right = right & ~xp.any(xp.isnan(y), axis=-1)
    if ignore is None:
        return int(xp.count_nonzero(right)) / size_of(right)
    counted = xp.logical_not(is_ignored(t, ignore))
    number = int(xp.count_nonzero(counted))
    return int(xp.count_nonzero(right & counted)) / number if number else nan


def share_of_answers(who: str, y: Array, t: Array) -> float:
    """Return the share of scores above 0 where the target is above ½, and at most 0 elsewhere. NaN is wrong."""
    check_not_empty(who, y)
    if t.shape != y.shape:
        must, got = f"t must be {tuple(y.shape)}, as the scores", tuple(t.shape)
        raise ShapeError(who, must, got, "give an answer for each score, such as xp.reshape(t, (-1, 1))")
    kind = dtype_kind(t)
    if kind not in ("real", "integer", "bool"):
        raise DtypeError(who, "t must be from 0 to 1", dtype_name(t.dtype), "give its real part, xp.real(t)")
    xp = array_namespace(y, t)
    yes = t if kind == "bool" else t > (0.5 if kind == "real" else 0)
    if kind != "bool" and not bool(xp.all((t >= 0) & (t <= 1))):
        raise ArgumentError(who, "t must be from 0 to 1", "another value", "give 1 for yes and 0 for no")
    right = ((y > 0.0) == yes) & ~xp.isnan(y)
    return int(xp.count_nonzero(right)) / size_of(right)


def one_hot(t: Array) -> bool:
    """Return whether every row holds a single 1 among zeros."""
    xp = array_namespace(t)
    ones = xp.equal(t, 1.0)
    return bool(xp.all(ones | xp.equal(t, 0.0))) and bool(xp.all(xp.count_nonzero(ones, axis=-1) == 1))


def own_measure(who: str, metric: Any) -> Measure:
    """Return a user's metric, named after its function.

    Raises: ``DtypeError`` unless it can be called and returns a number.
    """
    if not callable(metric) or isinstance(metric, type):
        must, remedy = "metric must be a function of scores and targets", "write metric=lambda y, t: …"
        raise DtypeError(who, must, type(metric).__name__, remedy)

    def measured(y: Array, t: Array) -> float:
        found = metric(y, t)
        if is_array(found) and not is_number(found) and size_of(found) == 1:
            found = to_numpy(found).item()
        if not is_number(found):
            raise DtypeError(who, "metric must return one number", type(found).__name__, "return a float")
        return float(found)

    return Measure(getattr(metric, "__name__", type(metric).__name__), measured)
