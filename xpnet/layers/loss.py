"""The last layers of a network: an output function joined with the loss that makes its backward ``y - t``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xpnet import kernels
from xpnet.backend import array_namespace, dtype_kind, library_of, size_of, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers.base import Layer
from xpnet.typing import Array


class Loss(Layer):
    """The mean of the samples' losses, ``L = Σₙ losses / N``.

    A subclass writes ``per_sample(x, t)``, which returns the loss of each sample and keeps what ``backward``
    needs. Targets are not differentiated.
    """

    differentiable = ("x",)
    per_sample: Callable[..., Array]

    def forward(self, x: Array, t: Array) -> Array:
        losses = self.per_sample(x, t)
        self.N = size_of(losses)
        loss: Array = array_namespace(losses).mean(losses)
        return loss


class SoftmaxWithLoss(Loss):
    """Softmax and the mean of its cross-entropy, ``L = -Σₙ Σₖ t log y / N`` with ``y = softmax(x)``.

    Integer ``t`` are class indices; floating ``t`` are one-hot or soft labels.

    Shapes: ``x (N, K)``, or ``(K,)`` for one sample, or more leading axes; ``t (N,)`` or ``(N, K)``.
    Backward: ``dx = dout (y - t) / N``.
    Raises: ``ShapeError`` for labels that do not fit or an empty batch; ``ArgumentError`` for a label outside
    0 … K - 1 where it can be read without stalling a device (elsewhere the loss is NaN).
    Source: Deep Learning from Scratch, section 5.6.3 and appendix A.
    """

    shapes = {"x": "... K"}

    def per_sample(self, x: Array, t: Array) -> Array:
        check_labels(type(self).__name__, x, t)
        losses, self.y = kernels.softmax_cross_entropy(x, t)
        self.t = t
        return losses

    def backward(self, dout: Array) -> Array:
        dx: Array = dout * kernels.softmax_cross_entropy_backward(self.y, self.t) / self.N
        return dx


class IdentityWithLoss(Loss):
    """The identity and the mean of its sum of squared errors, ``L = ½ Σₙ Σₘ (y - t)² / N`` with ``y = x``.

    Shapes: ``x (N, ...)``, or ``(M,)`` for one sample; ``t`` as ``x``.
    Backward: ``dx = dout (y - t) / N``.
    Raises: ``ShapeError`` for targets of another shape or an empty batch.
    Source: Deep Learning from Scratch, section 4.2.1 and appendix A.5.
    """

    holomorphic = True
    shapes = {"x": "N ..."}

    def per_sample(self, x: Array, t: Array) -> Array:
        who = type(self).__name__
        check_not_empty(who, x)
        if t.shape != x.shape:
            raise ShapeError(who, f"t must be {tuple(x.shape)}, as x", tuple(t.shape), "give a target for each output")
        if dtype_kind(t) not in ("real", "complex"):
            raise DtypeError(who, "t must be floating", t.dtype, "cast it with xp.astype(t, x.dtype)")
        self.y, self.t = x, t
        squares = (x - t) * (x - t)
        xp = array_namespace(squares)
        losses: Array = 0.5 * xp.sum(squares, axis=tuple(range(1, x.ndim)) if x.ndim > 1 else None)
        return losses

    def backward(self, dout: Array) -> Array:
        dx: Array = dout * (self.y - self.t) / self.N
        return dx


def check_not_empty(who: str, x: Array) -> None:
    """A mean over no samples is not a number."""
    if size_of(x) == 0:
        raise ShapeError(who, "x must hold at least one sample", tuple(x.shape), "leave empty batches out")


def check_labels(who: str, x: Array, t: Array) -> None:
    """Labels must fit the scores: one index for each sample, or one share for each class.

    Raises: ``ShapeError``, ``DtypeError``, ``ArgumentError``.
    """
    check_not_empty(who, x)
    classes = x.shape[-1]
    kind = dtype_kind(t)
    if kind == "real":
        if t.shape != x.shape:
            remedy = "give a share for each class, or cast class indices to an integer dtype"
            raise ShapeError(who, f"floating t must be {tuple(x.shape)}, as x", tuple(t.shape), remedy)
        return
    if kind != "integer":
        raise DtypeError(who, "t must be class indices or floating shares", t.dtype, "cast it with xp.astype")
    if t.shape != x.shape[:-1]:
        remedy = "give one class index for each sample"
        if t.shape == x.shape:
            remedy = "cast one-hot labels with xp.astype(t, x.dtype)"
        raise ShapeError(who, f"integer t must be {tuple(x.shape[:-1])}", tuple(t.shape), remedy)
    if library_of(array_namespace(t)).readable(t):
        labels = to_numpy(t)
        wrong = (labels < 0) | (labels >= classes)
        if np.any(wrong):
            raise ArgumentError(
                who, f"labels must be from 0 to {classes - 1}", labels[wrong].flat[0], "give x a score for each class"
            )
