"""Reductions under NumPy's names: those of the standard, averages, running extremes and differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xpnet.autodiff.idioms.table import IDIOMS, arrays, as_axis, idiom
from xpnet.autodiff.rules.reductions import reduced_axes
from xpnet.autodiff.table import base
from xpnet.backend import device_of


def _part(xp: Any, a: Any, where: Any, neutral: Any) -> Any:
    """Return the array with the neutral element where ``where`` is false."""
    if where is None:
        return a
    a, where = xp.broadcast_arrays(a, xp.asarray(where))
    return xp.where(where, a, xp.full_like(a, neutral))


@idiom("sum")
def _sum(
    xp: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = 0, where: Any = None
) -> Any:
    y = xp.sum(_part(xp, a, where, 0.0), axis=as_axis(axis), dtype=dtype, keepdims=keepdims)
    return y if type(initial) is int and initial == 0 else y + initial


@idiom("prod")
def _prod(
    xp: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = 1, where: Any = None
) -> Any:
    y = xp.prod(_part(xp, a, where, 1.0), axis=as_axis(axis), dtype=dtype, keepdims=keepdims)
    return y if type(initial) is int and initial == 1 else y * initial


@idiom("mean")
def _mean(xp: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = None) -> Any:
    a = a if dtype is None else xp.astype(a, dtype)
    if where is None:
        return xp.mean(a, axis=as_axis(axis), keepdims=keepdims)
    kept = _part(xp, xp.ones_like(a), where, 0.0)
    return _sum(xp, a, axis, keepdims=keepdims, where=where) / _sum(xp, kept, axis, keepdims=keepdims)


@idiom("max", "amax")
def _max(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    y = xp.max(_part(xp, a, where, -math.inf), axis=as_axis(axis), keepdims=keepdims)
    return y if initial is None else xp.maximum(y, initial)


@idiom("min", "amin")
def _min(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    y = xp.min(_part(xp, a, where, math.inf), axis=as_axis(axis), keepdims=keepdims)
    return y if initial is None else xp.minimum(y, initial)


@idiom("ptp")
def _ptp(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _max(xp, a, axis, keepdims=keepdims) - _min(xp, a, axis, keepdims=keepdims)


def _spread(xp: Any, function: Any, a: Any, axis: Any, dtype: Any, ddof: float | None, given: dict[str, Any]) -> Any:
    correction = given.pop("correction", 0.0) if ddof is None else ddof
    return function(a if dtype is None else xp.astype(a, dtype), axis=as_axis(axis), correction=correction, **given)


@idiom("var")
def _var(xp: Any, a: Any, axis: Any = None, dtype: Any = None, *, ddof: float | None = None, **given: Any) -> Any:
    return _spread(xp, xp.var, a, axis, dtype, ddof, given)


@idiom("std")
def _std(xp: Any, a: Any, axis: Any = None, dtype: Any = None, *, ddof: float | None = None, **given: Any) -> Any:
    return _spread(xp, xp.std, a, axis, dtype, ddof, given)


@idiom("any")
def _any(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return xp.any(a, axis=as_axis(axis), keepdims=keepdims)


@idiom("all")
def _all(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return xp.all(a, axis=as_axis(axis), keepdims=keepdims)


@idiom("argmax")
def _argmax(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return xp.argmax(a, axis=axis, keepdims=keepdims)


@idiom("argmin")
def _argmin(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return xp.argmin(a, axis=axis, keepdims=keepdims)


@idiom("count_nonzero")
def _count_nonzero(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return xp.count_nonzero(a, axis=axis, keepdims=keepdims)


def running(name: str, xp: Any, a: Any, axis: Any, dtype: Any) -> Any:
    a, axis = (xp.reshape(a, (-1,)), 0) if axis is None else (a, axis)
    return getattr(xp, name)(a, axis=axis, dtype=dtype)


@idiom("cumsum")
def _cumsum(xp: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return running("cumulative_sum", xp, a, axis, dtype)


@idiom("cumprod")
def _cumprod(xp: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return running("cumulative_prod", xp, a, axis, dtype)


@idiom("average")
def _average(
    xp: Any, a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        weights = xp.ones_like(a)
    (w,) = arrays(xp, [weights], a)
    if w.shape != a.shape:
        w = xp.reshape(w, tuple(n if at == axis % len(a.shape) else 1 for at, n in enumerate(a.shape)))
    w = xp.broadcast_to(w, a.shape)
    total = xp.sum(w, axis=as_axis(axis), keepdims=keepdims)
    y = xp.sum(a * w, axis=as_axis(axis), keepdims=keepdims) / total
    return (y, total) if returned else y


@idiom("sort")
def _sort(xp: Any, a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Any:  # noqa: ARG001 (NumPy's)
    a, axis = (xp.reshape(a, (-1,)), 0) if axis is None else (a, axis)
    return xp.sort(a, axis=axis)


@idiom("argpartition")
def _argpartition(xp: Any, a: Any, kth: Any, axis: Any = -1) -> Any:  # noqa: ARG001 (as in partition)
    return _argsort(xp, a, axis)


@idiom("lexsort")
def _lexsort(xp: Any, keys: Any, axis: int = -1) -> Any:
    """Return the indices that sort by the last key, with ties broken by the key before it."""
    first, *rest = keys
    order = base(xp.argsort(first, axis=axis))
    for key in rest:
        again = base(xp.argsort(xp.take_along_axis(xp.asarray(key), order, axis=axis), axis=axis))
        order = xp.differentiates.take_along_axis(order, again, axis=axis)
    return xp.asarray(order)


@idiom("argsort")
def _argsort(xp: Any, a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Any:  # noqa: ARG001
    a, axis = (xp.reshape(a, (-1,)), 0) if axis is None else (a, axis)
    return xp.argsort(a, axis=axis)


@idiom("partition")
def _partition(xp: Any, a: Any, kth: Any, axis: Any = -1) -> Any:  # noqa: ARG001 (a sorted array is partitioned everywhere)
    return _sort(xp, a, axis)


@idiom("maximum.accumulate")
def _cummax(xp: Any, a: Any, axis: int = 0) -> Any:
    return _extremes(xp, xp.maximum, a, axis)


@idiom("minimum.accumulate")
def _cummin(xp: Any, a: Any, axis: int = 0) -> Any:
    return _extremes(xp, xp.minimum, a, axis)


def _extremes(xp: Any, larger: Any, a: Any, axis: int) -> Any:
    """Return the running maximum or minimum, by doubling."""
    ahead = (slice(None),) * (axis % len(a.shape))
    step = 1
    while step < a.shape[axis]:
        head, tail, before = (a[(*ahead, piece, ...)] for piece in (slice(step), slice(step, None), slice(-step)))
        a = xp.concat([head, larger(tail, before)], axis=axis)
        step *= 2
    return a


@idiom("trapezoid", "trapz")
def _trapezoid(xp: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return ``Σ (yᵢ + yᵢ₊₁) (xᵢ₊₁ - xᵢ) / 2``."""
    y = xp.moveaxis(xp.asarray(y), axis, -1)
    if x is not None:
        x = xp.asarray(x)
        x = x if len(x.shape) == 1 else xp.moveaxis(x, axis, -1)
        dx = x[..., 1:] - x[..., :-1]
    return xp.sum(0.5 * (y[..., 1:] + y[..., :-1]) * dx, axis=-1)


@idiom("gradient")
def _gradient(xp: Any, f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return the central differences, of second order inside and of order ``edge_order`` at the ends."""
    axes = tuple(range(len(f.shape))) if axis is None else reduced_axes(f, as_axis(axis))
    steps = list(spacing) if len(spacing) == len(axes) else list(spacing) * len(axes) or [1.0] * len(axes)
    found = [_differences(xp, xp.moveaxis(f, at, -1), h, edge_order, at) for at, h in zip(axes, steps, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _differences(xp: Any, f: Any, h: Any, edge_order: int, axis: int) -> Any:
    n = f.shape[-1]
    if np.ndim(base(h)) == 0:
        h = xp.ones((n - 1,), dtype=f.dtype, device=device_of(base(f))) * h
    else:
        h = xp.asarray(h)
        h = h[1:] - h[:-1]
    left, right = h[:-1], h[1:]
    slope = (f[..., 1:] - f[..., :-1]) / h
    inner = (right * slope[..., :-1] + left * slope[..., 1:]) / (left + right)
    first, last = slope[..., :1], slope[..., -1:]
    if edge_order == 2:
        first = first + (first - slope[..., 1:2]) * (h[:1] / (h[:1] + h[1:2]))
        last = last + (last - slope[..., -2:-1]) * (h[-1:] / (h[-1:] + h[-2:-1]))
    return xp.moveaxis(xp.concat([first, inner, last], axis=-1), -1, axis)


REDUCE = {
    "add": IDIOMS["sum"],
    "multiply": IDIOMS["prod"],
    "maximum": IDIOMS["max"],
    "minimum": IDIOMS["min"],
    "logaddexp": lambda xp, a, axis=None, keepdims=False: xp.special.logsumexp(a, axis=axis, keepdims=keepdims),
    "logical_or": IDIOMS["any"],
    "logical_and": IDIOMS["all"],
}
"""The functions of ``np.add.reduce`` and similar ones, which reduce over the first axis by default."""

ACCUMULATE = {
    "add": IDIOMS["cumsum"],
    "multiply": IDIOMS["cumprod"],
    "maximum": IDIOMS["maximum.accumulate"],
    "minimum": IDIOMS["minimum.accumulate"],
}
