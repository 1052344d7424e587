"""The base of every loss: the mean or sum over weighted samples, and the checks of targets and weights."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any, ClassVar

import numpy as np

from xpnet.arguments import is_whole
from xpnet.autodiff.batching.batch import bottom
from xpnet.backend import array_namespace, device_of, dtype_kind, library_of, size_of, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers.base import Layer
from xpnet.typing import Array


class Loss(Layer):
    """The mean of the samples' losses, ``L = Σₙ wₙ lₙ / Σₙ wₙ``; with ``reduction="sum"``, ``L = Σₙ wₙ lₙ``.

    The weights w of the samples may be left out, then each is 1. There is one for each sample, or for each loss over
    more of its leading axes. If all of them are 0, so are L and dx.

    A subclass writes ``per_sample(x, t)``, which returns the loss of each sample and keeps what ``backward`` needs, and
    ``backward``, the product of ``dlosses(dout)`` and the derivative of each loss. If samples have different weights in
    the mean, ``per_sample`` assigns these to ``counts``. Targets and weights are not differentiated. After ``forward``,
    ``counted`` is the divisor of the sum of the losses, ``Σₙ wₙ``, even if that is 0.

    ``takes_classes`` declares that integer targets are numbers of classes, and ``classes_of`` tells how many there are;
    ``of_scores``, that a row of x has a score for each.
    """

    differentiable: ClassVar[tuple[str, ...]] = ("x",)
    takes_a_number = True
    in_float32 = True
    per_sample: Callable[..., Array]
    takes_classes: ClassVar[bool] = False
    of_scores: ClassVar[bool] = True
    reduction = "mean"
    counts: Array | None = None
    w: Array | None = None
    N: Any
    counted: Any

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = checked_reduction(type(self).__name__, reduction)

    def forward(self, x: Array, t: Array, weights: Array | None = None) -> Array:
        if weights is not None:
            x, t = counted(weights, x, t)
        return self.together(self.per_sample(x, t), weights, x.ndim)

    def together(self, losses: Array, weights: Array | None, ndim: int) -> Array:
        """Return the mean or sum of losses by their weights; x, to which they belong, has that many axes."""
        xp = array_namespace(losses, weights)
        self.w, self.N = weights, size_of(losses)
        self.counted = self.N
        if weights is not None:
            weights = check_weights(type(self).__name__, weights, losses)
            self.w = over(weights, ndim)
            losses = losses * over(weights, losses.ndim)
        if self.reduction == "sum":
            self.N = 1
        elif weights is not None or self.counts is not None:
            self.counted, self.N = self._total(weights, losses)
        loss: Array = xp.sum(losses) / self.N
        return loss

    def classes_of(self, scores: Array) -> int:
        """Return the number of classes that scores are for."""
        return scores.shape[-1]

    def _total(self, weights: Array | None, losses: Array) -> tuple[Array, Array]:
        """Return ``Σₙ wₙ`` over all losses, and the divisor: the same, or 1 where it is 0."""
        xp = array_namespace(weights, self.counts)
        counts = self.counts
        if weights is not None:
            w = over(weights, losses.ndim)
            counts = w if counts is None else w * counts
        total: Any = xp.sum(counts) * (size_of(losses) / size_of(counts))
        return total, total + xp.astype(total == 0.0, total.dtype)

    def dlosses(self, dout: Any) -> Any:
        """Return the derivative with respect to each sample's loss, ``dout wₙ / Σₙ wₙ``, with as many axes as x.

        It is a number if dout is one and all samples have the same weight.
        """
        each = dout / self.N
        return each if self.w is None else each * self.w


def checked_reduction(who: str, reduction: Any) -> str:
    """Return the reduction, after a check that it is known.

    Raises: ``ArgumentError``.
    """
    if reduction not in ("mean", "sum"):
        raise ArgumentError(who, 'reduction must be "mean" or "sum"', repr(reduction), "choose one")
    return str(reduction)


def over(weights: Array, ndim: int) -> Array:
    """Return weights of leading axes with axes of size 1 appended, to multiply an array of ``ndim`` axes."""
    if weights.ndim == ndim:
        return weights
    shape = (*weights.shape, *(1,) * (ndim - weights.ndim))
    aligned: Array = array_namespace(weights).reshape(weights, shape)
    return aligned


def counted(weights: Any, *arrays: Array) -> tuple[Array, ...]:
    """Return arrays with inf and NaN replaced by 0 where the weight is 0, because 0 times these is not 0."""
    xp, found = array_namespace(weights, *arrays), []
    for array in arrays:
        floating = all(dtype_kind(given) in ("real", "complex") for given in (weights, array))
        if floating and weights.shape == array.shape[: weights.ndim]:
            beside: Any = over(weights, array.ndim)
            off = (beside == 0) & ~xp.isfinite(array)
            array = xp.where(off, xp.zeros_like(array), array)
        found.append(array)
    return tuple(found)


def without_infinite(x: Array, factor: Any) -> Array:
    """Return scores with infinities replaced by 0 where the factor is 0, because 0 times infinity is not 0."""
    xp = array_namespace(x, factor)
    y: Array = xp.where((factor == 0) & xp.isinf(x), xp.zeros_like(x), x)
    return y


def check_not_empty(who: str, x: Array) -> None:
    """Raise ShapeError for an empty batch, whose mean is undefined."""
    if size_of(x) == 0:
        raise ShapeError(who, "x must hold at least one sample", tuple(x.shape), "leave empty batches out")


def check_weights(who: str, weights: Array, losses: Array) -> Array:
    """Return the weights if they fit leading axes of the losses and are finite and not negative; raise if not.

    Where reading them would stall a device, invalid weights become NaN, and the loss with them.

    Raises: ``ShapeError``, ``DtypeError``, ``ArgumentError``.
    """
    if weights.shape != losses.shape[: max(1, weights.ndim)]:
        must = f"weights must be {tuple(losses.shape[:1])}"
        if losses.ndim > 1:
            must += f" or {tuple(losses.shape)}"
        raise ShapeError(who, must, tuple(weights.shape), "give one weight for each sample")
    if dtype_kind(weights) not in ("real", "complex"):
        raise DtypeError(who, "weights must be floating", weights.dtype, "cast them with xn.asarray(weights)")
    if dtype_kind(weights) == "complex":  # in a complex step
        return weights
    xp = array_namespace(weights)
    good = (weights >= 0.0) & xp.isfinite(weights)
    if library_of(xp).readable(weights):
        wrong = to_numpy(bottom(weights))[~to_numpy(bottom(good))]
        if wrong.size:
            remedy = "give 0 to samples that do not count"
            raise ArgumentError(who, "weights must be finite and not negative", wrong.flat[0], remedy)
        return weights
    return xp.where(good, weights, xp.asarray(nan, dtype=weights.dtype, device=device_of(weights)))  # type: ignore[no-any-return]


def check_targets(layer: Loss, x: Array, t: Array) -> None:
    """Raise unless targets are floating, one for each output.

    Raises: ``ShapeError``, ``DtypeError``.
    """
    who = type(layer).__name__
    check_not_empty(who, x)
    if t.shape != x.shape:
        raise ShapeError(who, f"t must be {tuple(x.shape)}, as x", tuple(t.shape), "give a target for each output")
    kind = dtype_kind(t)
    if kind != "real" and not (kind == "complex" and layer.holomorphic):
        remedy = "give its real part, xp.real(t)" if kind == "complex" else "cast it with xn.asarray(t)"
        raise DtypeError(who, "t must be floating", t.dtype, remedy)


def is_ignored(t: Array, ignore_index: int) -> Array:
    """Return whether each label is the ignored one; unsigned labels cannot be compared with -100."""
    xp = array_namespace(t)
    same: Array = xp.astype(t, xp.arange(1).dtype, copy=False) == ignore_index
    return same


def check_labels(who: str, x: Array, t: Array, ignore_index: int | None = None) -> None:
    """Raise unless labels fit the scores: one index for each sample, or one share for each class.

    Raises: ``ShapeError``, ``DtypeError``, ``ArgumentError``.
    """
    check_not_empty(who, x)
    classes = x.shape[-1]
    kind = dtype_kind(t)
    if kind == "real":
        if t.shape != x.shape:
            remedy = 'give a share for each class, or class indices, xn.asarray(t, dtype="int64")'
            raise ShapeError(who, f"floating t must be {tuple(x.shape)}, as x", tuple(t.shape), remedy)
        if ignore_index is not None:
            remedy = "give class indices, or weights of 0 for samples that do not count"
            raise DtypeError(who, f"t must be class indices to ignore {ignore_index}", t.dtype, remedy)
        return
    if kind != "integer":
        remedy = 'cast it with xn.asarray(t, dtype="int64")'
        raise DtypeError(who, "t must be class indices or floating shares", t.dtype, remedy)
    remedy = "cast one-hot labels with xn.asarray(t), or give class indices, t.argmax(1)" if t.shape == x.shape else ""
    check_class_indices(who, x.shape[:-1], t, classes, ignore_index, remedy)


def check_class_indices(
    who: str, shape: tuple[int, ...], t: Array, classes: int, ignore_index: int | None = None, remedy: str = ""
) -> None:
    """Raise unless labels are integers of that shape, from 0 to ``classes - 1`` or the ignored one.

    Raises: ``ShapeError``, ``DtypeError``, ``ArgumentError``.
    """
    if dtype_kind(t) != "integer":
        raise DtypeError(who, "t must be class indices", t.dtype, 'cast it with xn.asarray(t, dtype="int64")')
    if t.shape != shape:
        if t.shape == (*shape, 1):
            remedy = "leave out the last axis, t[..., 0]"
        remedy = remedy or "give one class index for each sample"
        raise ShapeError(who, f"integer t must be {tuple(shape)}", tuple(t.shape), remedy)
    if library_of(array_namespace(t)).readable(t):
        labels = to_numpy(bottom(t))
        # as unsigned, a negative number is large
        if not labels.size or np.maximum.reduce(labels.astype(np.uint64), axis=None) < classes:
            return
        wrong = (labels < 0) | (labels >= classes)
        must = f"labels must be from 0 to {classes - 1}"
        if ignore_index is not None:
            wrong &= labels != ignore_index
            must += f" or {ignore_index}"
        if wrong.any():
            raise ArgumentError(who, must, labels[wrong].flat[0], "give x a score for each class")


def checked_ignore_index(who: str, ignore_index: Any) -> int | None:
    """Return the label that is ignored, or None, after a check that it is an integer.

    Raises: ``DtypeError``.
    """
    if ignore_index is None:
        return None
    if not is_whole(ignore_index):
        raise DtypeError(who, "ignore_index must be an integer", repr(ignore_index), "give a label, such as -100")
    return int(ignore_index)


def kept_labels(t: Array, x: Array, classes: int, ignore_index: int | None) -> tuple[Array, Array]:
    """Return labels as valid classes, and the count of each: 1, 0 for an ignored one, NaN for an invalid one."""
    xp = array_namespace(x, t)
    one, zero, none = (xp.full((), value, dtype=x.dtype, device=device_of(x)) for value in (1.0, 0.0, nan))
    labels = xp.astype(t, xp.arange(1).dtype, copy=False)
    known = (labels >= 0) & (labels < classes)
    kept = xp.where(known, one, none)
    if ignore_index is not None:
        kept = xp.where(is_ignored(t, ignore_index), zero, kept)
    return xp.where(known, labels, xp.zeros_like(labels)), kept


def takes_classes(loss: Any) -> bool:
    """Return whether integer targets are numbers of classes for what ends a network."""
    return isinstance(loss, Loss) and loss.takes_classes
