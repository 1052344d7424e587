"""The last layers of a classifier: an output function with the loss that makes its backward ``y - t``."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from typing import Any

import numpy as np

from xpnet.backend import (
    array_namespace,
    device_of,
    dtype_kind,
    get_backend,
    is_array,
    library_of,
    refuse_subclass,
    to_numpy,
)
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers.activation import sigmoid, softplus
from xpnet.layers.checks import check_one_place, is_number
from xpnet.layers.loss import (
    Loss,
    check_labels,
    check_targets,
    checked_ignore_index,
    counted,
    kept_labels,
    over,
    without_infinite,
)
from xpnet.typing import Array


class ClassLoss(Loss):
    """The base of losses of classes, ``L = Σₙ l(xₙ, tₙ) / N`` with l linear in the shares t of the classes.

    Integer ``t`` are class indices; floating ``t`` are one-hot or soft labels.

    Options turn t into ``v ((1 - ε) t + ε / K)``: ``label_smoothing`` is ε; ``class_weights`` are v, an array or a list
    with a weight for each class. A sample then counts in the mean by the v of its label, or as 1 with soft labels. A
    sample whose label is ``ignore_index`` counts 0, even if its scores are NaN; if all are ignored, L and dx are 0.

    A subclass writes ``losses_of(x, t)``, with t indices or shares.
    """

    shapes = {"x": "... K"}
    takes_classes = True

    t: Array

    def __init__(
        self,
        label_smoothing: float = 0.0,
        class_weights: Array | Sequence[float] | None = None,
        ignore_index: int | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        who = type(self).__name__
        self.label_smoothing = checked_smoothing(who, label_smoothing)
        self.class_weights = weights_array(who, "class_weights", class_weights)
        self.ignore_index = checked_ignore_index(who, ignore_index)
        self.plain = class_weights is None and ignore_index is None and label_smoothing == 0.0

    def per_sample(self, x: Array, t: Array) -> Array:
        check_labels(type(self).__name__, x, t, self.ignore_index)
        t, self.kept = (t, None) if self.plain else self._weighted(x, t)
        if self.kept is None:
            return self.losses_of(x, t)
        (x,) = counted(self.kept, x)
        return self.losses_of(x, t) * self.kept

    def losses_of(self, x: Array, t: Array) -> Array:
        """Return the loss of each sample, given class indices or the share of each class."""
        raise NotImplementedError

    def dlosses(self, dout: Any) -> Any:
        each = super().dlosses(dout)
        return each if self.kept is None else each * over(self.kept, self.kept.ndim + 1)

    def _weighted(self, x: Array, t: Array) -> tuple[Array, Array | None]:
        """Return the targets after smoothing and class weights, and the weight of each loss, or None for 1."""
        xp = array_namespace(x, t)
        classes, v, kept = x.shape[-1], self._class_weights(x), None
        self.counts = None
        if dtype_kind(t) == "integer":
            t, kept = kept_labels(t, x, classes, self.ignore_index)
            own = None if v is None else xp.reshape(xp.take(v, xp.reshape(t, (-1,)), axis=0), t.shape)
            self.counts = kept if own is None else kept * own
            if self.label_smoothing == 0.0:
                return t, self.counts
            t = one_hot(t, x)
        if self.label_smoothing:
            t = (1.0 - self.label_smoothing) * t + self.label_smoothing / classes
        return t if v is None else v * t, kept

    def _class_weights(self, x: Array) -> Array | None:
        return None if self.class_weights is None else for_each_class(self, "class_weights", x)


class SoftmaxWithLoss(ClassLoss):
    """Softmax and the mean of its cross-entropy, ``L = -Σₙ Σₖ t log y / N`` with ``y = softmax(x)``.

    Integer ``t`` are class indices; floating ``t`` are one-hot or soft labels.

    Options turn t into ``v ((1 - ε) t + ε / K)``: ``label_smoothing`` is ε; ``class_weights`` are v, an array or a list
    with a weight for each class. A sample then counts in the mean by the v of its label, or as 1 with soft labels. A
    sample whose label is ``ignore_index`` counts 0, even if its scores are NaN; if all are ignored, L and dx are 0.

    Shapes: ``x (N, K)``, or ``(K,)`` for one sample, or more leading axes; ``t (N,)`` or ``(N, K)``; ``weights (N,)``.
    Backward: ``dx = dout (y - t) / N``.
    Raises: ``ShapeError`` for labels or weights that do not fit or an empty batch; ``ArgumentError`` for options out of
    range, and for a label outside 0 … K - 1 where it can be read without stalling a device (elsewhere the loss is NaN).
    Source: Deep Learning from Scratch, section 5.6.3 and appendix A; Szegedy et al., 2016, section 7 (smoothing).

    >>> loss = SoftmaxWithLoss()
    >>> scores = np.array([[0.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    >>> loss.forward(scores, np.array([2, 1])).round(4)  # half of log 3: the second row is sure, and right
    np.float64(0.5494)
    >>> loss.backward()  # (y - t) / N
    array([[ 0.1667,  0.1667, -0.3333],
           [ 0.0001, -0.0001,  0.0001]])
    """

    y: Array

    def losses_of(self, x: Array, t: Array) -> Array:
        xp = array_namespace(x, t)
        self.t = one_hot(t, x) if dtype_kind(t) == "integer" else t
        z = x - xp.max(x, axis=-1, keepdims=True)
        e = xp.exp(z)
        total = xp.sum(e, axis=-1, keepdims=True)
        self.y = e / total
        surprise = xp.log(total) - z  # -log y
        losses: Array = xp.sum(self.t * without_infinite(surprise, self.t), axis=-1)
        return losses

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(self.y, self.t)
        dx: Array = (self.y * xp.sum(self.t, axis=-1, keepdims=True) - self.t) * self.dlosses(dout)
        return dx


class SigmoidWithLoss(Loss):
    """Sigmoid and the mean of its binary cross-entropy, ``L = -Σ (t log y + (1 - t) log(1 - y)) / N``.

    Every score is a separate sample, with ``y = 1 / (1 + e⁻ˣ)``: N is the number of elements of x.

    ``pos_weight``, a number or one for each place of the last axis, multiplies the term of t: 3 compensates for three
    times as many 0 as 1. It does not change N. ``label_smoothing`` ε turns t into ``(1 - ε) t + ε / 2``.

    Shapes: ``x (N, ...)``; ``t`` as ``x``, from 0 to 1; ``weights`` over leading axes of x; ``pos_weight (K,)``.
    Backward: ``dx = dout (y - t) / N``; with a ``pos_weight`` p, ``dx = dout ((1 + (p - 1) t) y - p t) / N``.
    Raises: ``ShapeError`` for targets or weights of another shape or an empty batch; ``ArgumentError`` for a negative
    ``pos_weight`` or a smoothing out of range.
    Source: Bishop, 2006, Pattern Recognition and Machine Learning, section 4.3.2.

    >>> loss = SigmoidWithLoss()
    >>> loss.forward(np.array([[0.0], [0.0]]), np.array([[1.0], [0.0]])).round(4)
    np.float64(0.6931)
    >>> loss.backward()
    array([[-0.25],
           [ 0.25]])
    """

    shapes = {"x": "N ..."}

    y: Array
    t: Array

    def __init__(
        self,
        pos_weight: Array | Sequence[float] | float | None = None,
        reduction: str = "mean",
        *,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.label_smoothing = checked_smoothing(type(self).__name__, label_smoothing)
        p = weights_array(type(self).__name__, "pos_weight", pos_weight)
        self.pos_weight = float(pos_weight) if is_number(pos_weight) else p

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        if self.label_smoothing:
            t = (1.0 - self.label_smoothing) * t + 0.5 * self.label_smoothing
        p: Any = 1.0 if self.pos_weight is None else self.pos_weight
        if not isinstance(p, float):
            p = for_each_class(self, "pos_weight", x)
        self.y, self.t = (1.0 + (p - 1.0) * t) * sigmoid(x), p * t
        negative = 1.0 - t
        of_t = self.t * without_infinite(softplus(-x), self.t)  # softplus(-x) is -log y, softplus(x) is -log(1 - y)
        return of_t + negative * without_infinite(softplus(x), negative)

    def backward(self, dout: Array) -> Array:
        dx: Array = (self.y - self.t) * self.dlosses(dout)
        return dx


def one_hot(t: Array, x: Array) -> Array:
    """Return class indices as one-hot rows like the scores x, with NaN for a label that is not a class.

    Such a label makes its loss NaN, because reading it on the host would stall a GPU.
    """
    xp = array_namespace(t, x)
    classes = x.shape[-1]
    t = xp.expand_dims(t, axis=-1)
    known = (t >= 0) & (t < classes)
    h = xp.astype(t == xp.arange(classes, device=device_of(t)), x.dtype)
    shares: Array = xp.where(known, h, xp.full((), nan, dtype=x.dtype, device=device_of(x)))
    return shares


def checked_smoothing(who: str, label_smoothing: Any) -> float:
    """Return the share of a label that is spread over the classes, after a check of its range.

    Raises: ``ArgumentError``.
    """
    if not is_number(label_smoothing) or not 0.0 <= label_smoothing < 1.0:
        must = "label_smoothing must be from 0 to below 1"
        raise ArgumentError(who, must, repr(label_smoothing), "try 0.1")
    return float(label_smoothing)


def weights_array(who: str, name: str, weights: Any) -> Any:
    """Return an array unchanged, and numbers as an array of the current backend.

    Raises: ``DtypeError``, ``ArgumentError``.
    """
    refuse_subclass(who, weights)
    given = is_array(weights) and not is_number(weights)
    if weights is None or (given and not library_of(array_namespace(weights)).readable(weights)):
        return weights
    try:
        numbers = np.asarray(to_numpy(weights) if given else weights, dtype=np.float64)
    except (TypeError, ValueError):
        raise DtypeError(who, f"{name} must be numbers", repr(weights), "give an array or a list") from None
    if not np.all((numbers >= 0.0) & (numbers < inf)):
        raise ArgumentError(who, f"{name} must be finite and not negative", repr(weights), "1.0 changes nothing")
    return weights if given else get_backend().asarray(numbers)


def for_each_class(layer: Loss, name: str, x: Array) -> Array:
    """Return the layer's weights of that name in the dtype of the scores, one per class or, if allowed, one for all.

    Raises: ``LibraryError``, ``ShapeError``.
    """
    who, v, classes = type(layer).__name__, getattr(layer, name), x.shape[-1]
    check_one_place(who, {"x": x, name: v})
    if v.shape != (classes,) and (name == "class_weights" or v.shape):
        raise ShapeError(who, f"{name} must be ({classes},)", tuple(v.shape), "give one for each class")
    weights: Array = array_namespace(x, v).astype(v, x.dtype, copy=False)
    return weights
