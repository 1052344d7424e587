"""Quantiles, sums without NaN, and covariances, under NumPy's names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.autodiff.idioms.table import as_axis, idiom, refuse
from xpnet.autodiff.rules.reductions import count, reduced_axes
from xpnet.autodiff.table import base


@idiom("median")
def _median(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _quantile(xp, a, 0.5, axis, keepdims=keepdims)


@idiom("percentile")
def _percentile(xp: Any, a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    return _quantile(xp, a, np.asarray(_host(q)) / 100.0, axis, method=method, keepdims=keepdims)


METHODS: dict[str, Callable[[float], float]] = {  # where between two neighbours, from the fraction of the way
    "linear": lambda fraction: fraction,
    "lower": lambda _: 0.0,
    "higher": lambda fraction: float(fraction > 0.0),
    "midpoint": lambda fraction: 0.5 * (fraction > 0.0),
    "nearest": lambda fraction: float(fraction > 0.5),
}


def _host(q: Any) -> Any:
    """Return a probability, or several, which say where and are not differentiated."""
    if base(q) is not q and q.node.trace.number:
        raise refuse("quantile", "a probability that has a derivative", "give stop_gradient(q)")
    return np.asarray(base(q))


@idiom("quantile")
def _quantile(xp: Any, a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """Return ``(1 - t) xₖ + t xₖ₊₁`` of the sorted elements; a NaN among them makes it NaN."""
    if method not in METHODS:
        raise refuse("quantile", f"method={method!r}", f"use one of {', '.join(METHODS)}")
    axes = reduced_axes(a, as_axis(axis))
    rest = tuple(at for at in range(len(a.shape)) if at not in axes)
    n = count(a, axes)
    lines = xp.reshape(xp.permute_dims(a, rest + axes), (*(a.shape[at] for at in rest), n))
    lines = xp.sort(lines, axis=-1)
    found = []
    for p in _host(q).reshape(-1):
        place = float(p) * (n - 1)
        low = min(math.floor(place), max(n - 2, 0))
        t = METHODS[method](place - low)
        low, t = (low + 1, 0.0) if t == 1.0 else (low, t)
        y = lines[..., low] if t == 0.0 else (1.0 - t) * lines[..., low] + t * lines[..., low + 1]
        y = xp.where(xp.any(xp.isnan(lines), axis=-1), xp.full_like(y, math.nan), y)
        kept = tuple(1 if at in axes else size for at, size in enumerate(a.shape))
        found.append(xp.reshape(y, kept) if keepdims else y)
    return found[0] if np.ndim(_host(q)) == 0 else xp.stack(found)


def _filled(xp: Any, a: Any, fill: float) -> Any:
    return xp.where(xp.isnan(a), xp.full_like(a, fill), a)


@idiom("nansum")
def _nansum(xp: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return xp.sum(_filled(xp, a, 0.0), axis=as_axis(axis), dtype=dtype, keepdims=keepdims)


@idiom("nanprod")
def _nanprod(xp: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return xp.prod(_filled(xp, a, 1.0), axis=as_axis(axis), dtype=dtype, keepdims=keepdims)


def _numbers(xp: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """Return how many are numbers."""
    return xp.sum(xp.astype(~xp.isnan(a), a.dtype), axis=as_axis(axis), keepdims=keepdims)


@idiom("nanmean")
def _nanmean(xp: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return _nansum(xp, a, axis, dtype, keepdims=keepdims) / _numbers(xp, a, axis, keepdims)


@idiom("nanvar")
def _nanvar(xp: Any, a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    mean, nan = _nanmean(xp, a, axis, keepdims=True), xp.isnan(a)
    gap = xp.where(nan, xp.zeros_like(a), _filled(xp, a, 0.0) - mean)
    squares = xp.sum(gap * gap, axis=as_axis(axis), keepdims=keepdims)
    return squares / (_numbers(xp, a, axis, keepdims) - ddof)


@idiom("nanstd")
def _nanstd(xp: Any, a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    return xp.sqrt(_nanvar(xp, a, axis, ddof=ddof, keepdims=keepdims))


@idiom("nanmax")
def _nanmax(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    y = xp.max(_filled(xp, a, -math.inf), axis=as_axis(axis), keepdims=keepdims)
    return _nan_of_nothing(xp, y, a, axis, keepdims)


@idiom("nanmin")
def _nanmin(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    y = xp.min(_filled(xp, a, math.inf), axis=as_axis(axis), keepdims=keepdims)
    return _nan_of_nothing(xp, y, a, axis, keepdims)


def _nan_of_nothing(xp: Any, y: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    none = xp.all(xp.isnan(a), axis=as_axis(axis), keepdims=keepdims)
    return xp.where(none, xp.full_like(y, math.nan), y)


@idiom("cov")
def _cov(xp: Any, m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: float | None = None) -> Any:
    """Return the covariances of rows, ``Σ (x - mean) (x - mean)ᴴ / (n - ddof)``."""
    rows = []
    for part in (m, y):
        if part is not None:
            x = xp.reshape(part, (1, -1)) if len(part.shape) < 2 else part
            rows.append(x if rowvar or len(part.shape) < 2 else x.T)
    x = rows[0] if len(rows) == 1 else xp.concat(rows)
    ddof = (0.0 if bias else 1.0) if ddof is None else ddof
    x = x - xp.mean(x, axis=1, keepdims=True)
    c = (x @ xp.conj(x).T if "complex" in str(x.dtype) else x @ x.T) / (x.shape[1] - ddof)
    return xp.squeeze(c, axis=tuple(at for at, n in enumerate(c.shape) if n == 1)) if 1 in c.shape else c


@idiom("corrcoef")
def _corrcoef(xp: Any, x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = _cov(xp, x, y, rowvar)
    if len(c.shape) == 0:
        return c / c
    d = xp.sqrt(xp.linalg.diagonal(c))
    return c / d[:, None] / d[None, :]
