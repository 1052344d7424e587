"""Losses that are 0 beyond a margin."""

from __future__ import annotations

from math import inf
from typing import Any

from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError
from xpnet.layers.checks import is_number
from xpnet.layers.classification_loss import one_hot
from xpnet.layers.loss import (
    Loss,
    check_class_indices,
    check_not_empty,
    check_targets,
    checked_ignore_index,
    counted,
    kept_labels,
)
from xpnet.typing import Array


class HingeLoss(Loss):
    """The distance from the margin, ``L = Σ max(0, m - t x) / N`` with targets 1 and -1, over all N elements of x.

    m is ``margin``.

    Shapes: ``x (N, ...)``; ``t`` as ``x``, floating; ``weights`` over leading axes of x.
    Backward: ``dx = -dout t / N`` where ``t x < m``, else 0.
    Raises: ``ArgumentError`` for a margin that is not above 0; ``ShapeError`` for targets or weights of another shape
    or an empty batch.
    Source: Cortes and Vapnik, 1995, section 3.

    >>> loss = HingeLoss()
    >>> loss.forward(np.array([0.5, 3.0, 0.5]), np.array([1.0, 1.0, -1.0])).round(4)  # (0.5 + 0 + 1.5) / 3
    np.float64(0.6667)
    >>> loss.backward()
    array([-0.3333,  0.    ,  0.3333])
    """

    shapes = {"x": "N ..."}

    slope: Array

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = checked_margin(type(self).__name__, margin)

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        xp = array_namespace(x, t)
        losses, active = beyond(self.margin - t * x)
        self.slope = xp.where(active, -t, xp.zeros_like(t))
        return losses

    def backward(self, dout: Array) -> Array:
        dx: Array = self.slope * self.dlosses(dout)
        return dx


class MultiMarginLoss(Loss):
    """The distances of all classes from the margin, ``L = Σₙ Σₖ max(0, m - x[t] + x[k])ᵖ / (K N)`` over k ≠ t.

    m is ``margin`` and p is ``power``, 1 or 2. A label ``ignore_index`` counts 0.

    Shapes: ``x (N, K)``, or ``(K,)`` for one sample, or more leading axes; ``t (N,)`` integer; ``weights (N,)``.
    Backward: ``dx[k] = dout p max(0, m - x[t] + x[k])ᵖ⁻¹ / (K N)``, ``dx[t] = -Σₖ dx[k]``.
    Raises: ``ShapeError`` for labels or weights that do not fit or an empty batch; ``ArgumentError`` for options out of
    range, and for a label outside 0 … K - 1 where it can be read without stalling a device (elsewhere the loss is NaN).
    Source: Crammer and Singer, 2001, section 3; the sum over all classes is that of Weston and Watkins, 1999.

    >>> loss = MultiMarginLoss()
    >>> loss.forward(np.array([[0.5, 1.0, 5.0]]), np.array([1])).round(4)  # (0.5 + 5) / 3
    np.float64(1.8333)
    >>> loss.backward()
    array([[ 0.3333, -0.6667,  0.3333]])
    """

    shapes = {"x": "... K"}
    takes_classes = True

    def __init__(
        self, margin: float = 1.0, power: int = 1, ignore_index: int | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        who = type(self).__name__
        self.margin = checked_margin(who, margin)
        if power not in (1, 2):
            raise ArgumentError(who, "power must be 1 or 2", repr(power), "choose one")
        self.power = int(power)
        self.ignore_index = checked_ignore_index(who, ignore_index)

    def per_sample(self, x: Array, t: Array) -> Array:
        who, K = type(self).__name__, x.shape[-1]
        check_not_empty(who, x)
        check_class_indices(who, x.shape[:-1], t, K, self.ignore_index)
        labels, self.kept = kept_labels(t, x, K, self.ignore_index)
        if self.ignore_index is not None:
            (x,) = counted(self.kept, x)
        self.counts = None if self.ignore_index is None else self.kept
        xp = array_namespace(x, labels)
        self.h = one_hot(labels, x)
        own = xp.sum(xp.where(self.h > 0.0, x, xp.zeros_like(x)), axis=-1, keepdims=True)
        over, active = beyond(self.margin - own + x)
        over = xp.where(self.h > 0.0, xp.zeros_like(over), over) / K
        self.slope = xp.where(active & (self.h == 0.0), xp.ones_like(x), xp.zeros_like(x)) / K
        if self.power == 2:
            self.slope, over = 2.0 * over, over * over * K
        losses: Array = xp.sum(over, axis=-1) * self.kept
        return losses

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(self.slope)
        slope = self.slope - self.h * xp.sum(self.slope, axis=-1, keepdims=True)
        dx: Array = slope * self.kept[..., None] * self.dlosses(dout)
        return dx


def beyond(d: Array) -> tuple[Array, Array]:
    """Return ``max(0, d)``, and where it is not 0."""
    xp = array_namespace(d)
    return xp.maximum(d, xp.zeros_like(d)), d > 0.0


def checked_margin(who: str, margin: Any) -> float:
    """Return the margin, after a check that it is above 0.

    Raises: ``ArgumentError``.
    """
    if not is_number(margin) or not 0.0 < margin < inf:
        raise ArgumentError(who, "margin must be above 0 and finite", repr(margin), "try 1.0")
    return float(margin)
