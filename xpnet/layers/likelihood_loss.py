"""Losses of log-probabilities, and of shares of classes."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.errors import ArgumentError
from xpnet.layers.checks import is_number
from xpnet.layers.classification_loss import ClassLoss, checked_smoothing, one_hot
from xpnet.layers.loss import Loss, check_targets, without_infinite
from xpnet.typing import Array


class NegativeLogLikelihood(ClassLoss):
    """The mean of negative log-likelihoods, ``L = -Σₙ Σₖ t x / N`` with log-probabilities x, as of ``LogSoftmax``.

    Targets and options are those of ``SoftmaxWithLoss``.

    Shapes: ``x (N, K)``, or ``(K,)`` for one sample, or more leading axes; ``t (N,)`` or ``(N, K)``; ``weights (N,)``.
    Backward: ``dx = -dout t / N``.
    Raises: as ``SoftmaxWithLoss``.
    Source: Bishop, 2006, Pattern Recognition and Machine Learning, section 4.3.4.

    >>> NegativeLogLikelihood().forward(np.log([[0.25, 0.75], [0.5, 0.5]]), np.array([1, 0])).round(4)
    np.float64(0.4904)
    """

    def losses_of(self, x: Array, t: Array) -> Array:
        xp = array_namespace(x, t)
        self.t = one_hot(t, x) if dtype_kind(t) == "integer" else t
        losses: Array = -xp.sum(self.t * without_infinite(x, self.t), axis=-1)
        return losses

    def backward(self, dout: Array) -> Array:
        dx: Array = -self.t * self.dlosses(dout)
        return dx


class FocalLoss(ClassLoss):
    """Cross-entropy that counts easy samples less, ``L = -Σₙ Σₖ t (1 - y)ᵞ log y / N`` with ``y = softmax(x)``.

    γ is ``focus``; 0 is the cross-entropy. Targets and the other options are those of ``SoftmaxWithLoss``; the paper's
    α are ``class_weights``.

    Shapes: ``x (N, K)``, or ``(K,)`` for one sample, or more leading axes; ``t (N,)`` or ``(N, K)``; ``weights (N,)``.
    Backward: ``dx = dout (g - y Σₖ g) / N`` with ``g = t (γ y (1 - y)ᵞ⁻¹ log y - (1 - y)ᵞ)``.
    Raises: as ``SoftmaxWithLoss``; ``ArgumentError`` for a focus below 0.
    Source: Lin et al., 2017, section 3.2.

    >>> scores, t = np.array([[3.0, 0.0], [0.0, 0.0]]), np.array([0, 0])  # an easy row, and one that is open
    >>> [loss.per_sample(scores, t) for loss in (SoftmaxWithLoss(), FocalLoss(focus=2.0))]
    [array([0.0486, 0.6931]), array([0.0001, 0.1733])]
    """

    y: Array

    def __init__(
        self,
        focus: float = 2.0,
        label_smoothing: float = 0.0,
        class_weights: Array | Sequence[float] | None = None,
        ignore_index: int | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(label_smoothing, class_weights, ignore_index, reduction)
        if not is_number(focus) or not 0.0 <= focus < inf:
            raise ArgumentError(type(self).__name__, "focus must be at least 0 and finite", repr(focus), "try 2.0")
        self.focus = float(focus)

    def losses_of(self, x: Array, t: Array) -> Array:
        xp = array_namespace(x, t)
        t = one_hot(t, x) if dtype_kind(t) == "integer" else t
        z = x - xp.max(x, axis=-1, keepdims=True)
        z = z - xp.log(xp.sum(xp.exp(z), axis=-1, keepdims=True))
        self.y, self.t = xp.exp(z), t
        least = xp.full((), float(xp.finfo(x.dtype).smallest_normal), dtype=x.dtype, device=device_of(x))
        rest = xp.maximum(-xp.expm1(z), least)  # 1 - y, of which a power below 1 has an infinite slope at 0
        z = without_infinite(z, t)
        self.easy, self.slope = rest**self.focus, self.focus * self.y * rest ** (self.focus - 1.0) * z
        losses: Array = -xp.sum(t * self.easy * z, axis=-1)
        return losses

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(self.y)
        g = self.t * (self.slope - self.easy)
        dx: Array = (g - self.y * xp.sum(g, axis=-1, keepdims=True)) * self.dlosses(dout)
        return dx


class KLDivergence(Loss):
    """The mean divergence of log-probabilities x from shares t, ``L = Σₙ Σₖ t (log t - x) / N``.

    x is as of ``LogSoftmax``. A share of 0 counts 0. ``label_smoothing`` ε turns t into ``(1 - ε) t + ε / K``.

    Shapes: ``x (N, ..., K)``; ``t`` as ``x``, from 0 to 1; ``weights`` over leading axes of x.
    Backward: ``dx = -dout t / N``.
    Raises: ``ShapeError`` for targets or weights of another shape or an empty batch.
    Source: Kullback and Leibler, 1951, section 2.

    >>> half = np.array([[0.5, 0.5]])
    >>> KLDivergence().forward(np.log(half), half), KLDivergence().forward(np.log([[0.25, 0.75]]), half).round(4)
    (np.float64(0.0), np.float64(0.1438))
    """

    shapes = {"x": "... K"}

    def __init__(self, label_smoothing: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.label_smoothing = checked_smoothing(type(self).__name__, label_smoothing)

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        xp = array_namespace(x, t)
        if self.label_smoothing:
            t = (1.0 - self.label_smoothing) * t + self.label_smoothing / x.shape[-1]
        self.t = t
        own = t * xp.log(xp.where(t > 0.0, t, xp.ones_like(t)))
        losses: Array = xp.sum(own - t * without_infinite(x, t), axis=-1)
        return losses

    def backward(self, dout: Array) -> Array:
        dx: Array = -self.t * self.dlosses(dout)
        return dx
