"""The last layers of a classifier: an output function joined with the loss that makes its backward ``y - t``."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np

from xpnet import kernels
from xpnet.backend import array_namespace, device_of, dtype_kind, get_backend, is_array
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers.checks import check_one_place
from xpnet.layers.loss import Loss, check_labels, check_targets, over
from xpnet.typing import Array


class SoftmaxWithLoss(Loss):
    """Softmax and the mean of its cross-entropy, ``L = -Σₙ Σₖ t log y / N`` with ``y = softmax(x)``.

    Integer ``t`` are class indices; floating ``t`` are one-hot or soft labels.

    Options turn t into ``v ((1 - ε) t + ε / K)``: ``label_smoothing`` is ε; ``class_weights`` are v, an array or a list
    with a weight for each class. Then a sample counts in the mean as v of its label does; with soft labels, as 1. A
    sample whose label is ``ignore_index`` counts 0, and where all are ignored, L and dx are 0.

    Shapes: ``x (N, K)``, or ``(K,)`` for one sample, or more leading axes; ``t (N,)`` or ``(N, K)``; ``weights (N,)``.
    Backward: ``dx = dout (y - t) / N``.
    Raises: ``ShapeError`` for labels or weights that do not fit or an empty batch; ``ArgumentError`` for options out of
    range, and for a label outside 0 … K - 1 where it can be read without stalling a device (elsewhere the loss is NaN).
    Source: Deep Learning from Scratch, section 5.6.3 and appendix A; Szegedy et al., 2016, section 7 (smoothing).
    """

    shapes = {"x": "... K"}

    def __init__(
        self,
        label_smoothing: float = 0.0,
        class_weights: Array | Sequence[float] | None = None,
        ignore_index: int | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        who = type(self).__name__
        if not isinstance(label_smoothing, int | float) or not 0.0 <= label_smoothing < 1.0:
            must = "label_smoothing must be from 0 to below 1"
            raise ArgumentError(who, must, repr(label_smoothing), "try 0.1")
        if ignore_index is not None and (not isinstance(ignore_index, int) or isinstance(ignore_index, bool)):
            raise DtypeError(who, "ignore_index must be an integer", repr(ignore_index), "give a label, such as -100")
        self.label_smoothing = float(label_smoothing)
        self.class_weights = weights_array(who, class_weights)
        self.ignore_index = ignore_index
        self.plain = class_weights is None and ignore_index is None and label_smoothing == 0.0

    def per_sample(self, x: Array, t: Array) -> Array:
        check_labels(type(self).__name__, x, t, self.ignore_index)
        self.t, self.kept = (t, None) if self.plain else self._weighted(x, t)
        losses, self.y = kernels.softmax_cross_entropy(x, self.t)
        return losses if self.kept is None else losses * self.kept

    def backward(self, dout: Array) -> Array:
        dlosses = self.dlosses(dout)
        if self.kept is not None:
            dlosses = dlosses * over(self.kept, self.y.ndim)
        dx: Array = dlosses * kernels.softmax_cross_entropy_backward(self.y, self.t)
        return dx

    def _weighted(self, x: Array, t: Array) -> tuple[Array, Array | None]:
        """What stands for t, and the weight of each loss; None for 1."""
        xp = array_namespace(x, t)
        classes, v, kept = x.shape[-1], self._class_weights(x), None
        self.counts = None
        if dtype_kind(t) == "integer":
            t, kept = self._labels(x, t)
            own = None if v is None else xp.reshape(xp.take(v, xp.reshape(t, (-1,)), axis=0), t.shape)
            self.counts = kept if own is None else kept * own
            if self.label_smoothing == 0.0:
                return t, self.counts
            t = xp.astype(kernels.one_hot(t, classes), x.dtype)
        if self.label_smoothing:
            t = (1.0 - self.label_smoothing) * t + self.label_smoothing / classes
        return t if v is None else v * t, kept

    def _labels(self, x: Array, t: Array) -> tuple[Array, Array]:
        """Labels that are classes, and 1 for each, 0 for one that is ignored, NaN for one that is none."""
        xp = array_namespace(x, t)
        one, zero, none = (xp.full((), value, dtype=x.dtype, device=device_of(x)) for value in (1.0, 0.0, nan))
        labels = xp.astype(t, xp.arange(1).dtype, copy=False)
        known = (labels >= 0) & (labels < x.shape[-1])
        kept = xp.where(known, one, none)
        if self.ignore_index is not None:
            kept = xp.where(labels == self.ignore_index, zero, kept)
        return xp.where(known, labels, xp.zeros_like(labels)), kept

    def _class_weights(self, x: Array) -> Array | None:
        v = self.class_weights
        if v is None:
            return None
        who, classes = type(self).__name__, x.shape[-1]
        check_one_place(who, {"x": x, "class_weights": v})
        if v.shape != (classes,):
            raise ShapeError(who, f"class_weights must be ({classes},)", tuple(v.shape), "give one for each class")
        weights: Array = array_namespace(x, v).astype(v, x.dtype, copy=False)
        return weights


class SigmoidWithLoss(Loss):
    """Sigmoid and the mean of its binary cross-entropy, ``L = -Σ (t log y + (1 - t) log(1 - y)) / N``.

    Every score is a sample of its own, with ``y = 1 / (1 + e⁻ˣ)``: N is the number of elements of x.

    Shapes: ``x (N, ...)``; ``t`` as ``x``, from 0 to 1; ``weights`` over leading axes of x.
    Backward: ``dx = dout (y - t) / N``.
    Raises: ``ShapeError`` for targets or weights of another shape or an empty batch.
    Source: Bishop, 2006, Pattern Recognition and Machine Learning, section 4.3.2.
    """

    shapes = {"x": "N ..."}

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        losses, self.y = kernels.sigmoid_cross_entropy(x, t)
        self.t = t
        return losses

    def backward(self, dout: Array) -> Array:
        dx: Array = self.dlosses(dout) * (self.y - self.t)
        return dx


def weights_array(who: str, class_weights: Any) -> Any:
    """An array as it is, numbers as an array of the current backend.

    Raises: ``DtypeError``.
    """
    if class_weights is None or is_array(class_weights):
        return class_weights
    try:
        return get_backend().asarray(np.asarray(class_weights, dtype=np.float64))
    except (TypeError, ValueError):
        must = "class_weights must be numbers"
        raise DtypeError(who, must, repr(class_weights), "give an array or a list") from None
