"""The last layers of a regression: losses of the distance between output and target."""

from __future__ import annotations

from math import inf

from xpnet.backend import array_namespace, device_of
from xpnet.errors import ArgumentError
from xpnet.layers.checks import is_number
from xpnet.layers.loss import Loss, check_targets
from xpnet.typing import Array


class IdentityWithLoss(Loss):
    """The identity and the mean of its sum of squared errors, ``L = ½ Σₙ Σₘ (y - t)² / N`` with ``y = x``.

    Shapes: ``x (N, ...)``, or ``(M,)`` for one sample; ``t`` as ``x``; ``weights (N,)``.
    Backward: ``dx = dout (y - t) / N``.
    Raises: ``ShapeError`` for targets or weights of another shape or an empty batch.
    Source: Deep Learning from Scratch, section 4.2.1 and appendix A.5.
    """

    holomorphic = True
    shapes = {"x": "N ..."}

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        self.y, self.t = x, t
        squares = (x - t) * (x - t)
        xp = array_namespace(squares)
        losses: Array = 0.5 * xp.sum(squares, axis=tuple(range(1, x.ndim)) if x.ndim > 1 else None)
        return losses

    def backward(self, dout: Array) -> Array:
        dx: Array = (self.y - self.t) * self.dlosses(dout)
        return dx


class MeanSquaredError(Loss):
    """The mean of squared errors, ``L = Σ (x - t)² / N``, over all N elements of x.

    Shapes: ``x (N, ...)``; ``t`` as ``x``; ``weights`` over leading axes of x.
    Backward: ``dx = 2 dout (x - t) / N``.
    Raises: ``ShapeError`` for targets or weights of another shape or an empty batch.
    Source: Bishop, 2006, Pattern Recognition and Machine Learning, section 1.5.5.
    """

    holomorphic = True
    shapes = {"x": "N ..."}

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        self.d = x - t
        return self.d * self.d

    def backward(self, dout: Array) -> Array:
        dx: Array = 2.0 * self.d * self.dlosses(dout)
        return dx


class Huber(Loss):
    """The mean of errors squared up to δ and linear beyond, ``L = Σ g (d - g/2) / N``, over all N elements of x.

    Here ``d = x - t`` and ``g = min(max(d, -δ), δ)``: ``d² / 2`` where ``|d| ≤ δ``, else ``δ (|d| - δ/2)``.

    Shapes: ``x (N, ...)``; ``t`` as ``x``; ``weights`` over leading axes of x.
    Backward: ``dx = dout g / N``.
    Raises: ``ArgumentError`` for a delta that is not above 0; ``ShapeError`` for targets or weights of another shape or
    an empty batch.
    Source: Huber, 1964.
    """

    shapes = {"x": "N ..."}

    g: Array

    def __init__(self, delta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if not is_number(delta) or not 0.0 < delta < inf:
            raise ArgumentError(type(self).__name__, "delta must be above 0 and finite", repr(delta), "try 1.0")
        self.delta = float(delta)

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        d = x - t
        xp = array_namespace(d)
        end = xp.full((), self.delta, dtype=d.dtype, device=device_of(d))
        self.g = xp.maximum(xp.minimum(d, end), -end)
        return self.g * (d - 0.5 * self.g)

    def backward(self, dout: Array) -> Array:
        dx: Array = self.g * self.dlosses(dout)
        return dx
