"""Quantiles, functions that ignore NaN, and covariances, under NumPy's names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xpnet.autodiff.idioms.reductions import running
from xpnet.autodiff.idioms.table import arrays, as_axis, idiom, refuse
from xpnet.autodiff.rules.reductions import count, reduced_axes
from xpnet.autodiff.table import base
from xpnet.backend import device_of


@idiom("median")
def median(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _quantile(xp, a, 0.5, axis, keepdims=keepdims)


@idiom("percentile")
def _percentile(xp: Any, a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    return _quantile(xp, a, np.asarray(_host(q)) / 100.0, axis, method=method, keepdims=keepdims)


def _host(q: Any) -> Any:
    """Return one or several probabilities as NumPy's array; they are not differentiated."""
    if base(q) is not q and q.node.trace.number:
        raise refuse("quantile", "a probability that has a derivative", "give stop_gradient(q)")
    return np.asarray(base(q))


def _sorted_lines(xp: Any, a: Any, axis: Any, keepdims: bool) -> tuple[Any, tuple[int, ...]]:
    """Return the elements over the axes, sorted along a last axis, and the shape of the results."""
    axes = reduced_axes(a, as_axis(axis))
    rest = tuple(at for at in range(len(a.shape)) if at not in axes)
    lines = xp.reshape(xp.permute_dims(a, rest + axes), (*(a.shape[at] for at in rest), count(a, axes)))
    kept = tuple(1 if at in axes else size for at, size in enumerate(a.shape))
    return xp.sort(lines, axis=-1), kept if keepdims else tuple(a.shape[at] for at in rest)


@idiom("quantile")
def _quantile(xp: Any, a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """Return ``(1 - t) xₖ + t xₖ₊₁`` of the sorted elements, or NaN if one of them is NaN.

    The position k + t is NumPy's quantile of the numbers 0, 1, 2, …
    """
    lines, shape = _sorted_lines(xp, a, axis, keepdims)
    n = lines.shape[-1]
    found = []
    for p in _host(q).reshape(-1):
        place = float(np.quantile(np.arange(float(n)), p, method=method))  # type: ignore[call-overload]
        low = math.floor(place)
        t = place - low
        y = lines[..., low] if t == 0.0 else (1.0 - t) * lines[..., low] + t * lines[..., low + 1]
        y = xp.where(xp.any(xp.isnan(lines), axis=-1), xp.full_like(y, math.nan), y)
        found.append(xp.reshape(y, shape))
    return found[0] if np.ndim(_host(q)) == 0 else xp.stack(found)


@idiom("nanquantile")
def _nanquantile(xp: Any, a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """Return the quantile of the elements that are not NaN, or NaN if there are none."""
    lines, shape = _sorted_lines(xp, _filled(xp, a, math.inf), axis, keepdims)
    numbers, _ = _sorted_lines(xp, xp.astype(~xp.isnan(a), a.dtype), axis, keepdims)
    plain, n = xp.differentiates, lines.shape[-1]
    many = base(xp.sum(numbers, axis=-1, keepdims=True))
    counts = plain.astype(many, plain.int64)
    found = []
    for p in _host(q).reshape(-1):
        places = [0.0, *(float(np.quantile(np.arange(float(m)), p, method=method)) for m in range(1, n + 1))]  # type: ignore[call-overload]
        table = plain.asarray(places, dtype=base(a).dtype, device=device_of(base(a)))
        place = plain.reshape(plain.take(table, plain.reshape(counts, (-1,)), axis=0), tuple(counts.shape))
        low = plain.astype(plain.floor(place), plain.int64)
        t = place - plain.floor(place)
        high = plain.where(t > 0, low + 1, low)
        y = (1.0 - t) * xp.take_along_axis(lines, low, axis=-1) + t * xp.take_along_axis(lines, high, axis=-1)
        y = xp.where(counts == 0, xp.full_like(y, math.nan), y)
        found.append(xp.reshape(y, shape))
    return found[0] if np.ndim(_host(q)) == 0 else xp.stack(found)


@idiom("nanpercentile")
def _nanpercentile(xp: Any, a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    return _nanquantile(xp, a, np.asarray(_host(q)) / 100.0, axis, method=method, keepdims=keepdims)


@idiom("nanmedian")
def _nanmedian(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _nanquantile(xp, a, 0.5, axis, keepdims=keepdims)


def _filled(xp: Any, a: Any, fill: float) -> Any:
    return xp.where(xp.isnan(a), xp.full_like(a, fill), a)


@idiom("nansum")
def _nansum(xp: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return xp.sum(_filled(xp, a, 0.0), axis=as_axis(axis), dtype=dtype, keepdims=keepdims)


@idiom("nanprod")
def _nanprod(xp: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return xp.prod(_filled(xp, a, 1.0), axis=as_axis(axis), dtype=dtype, keepdims=keepdims)


def _numbers(xp: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """Return the number of elements that are not NaN."""
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


@idiom("nancumsum")
def _nancumsum(xp: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return running("cumulative_sum", xp, _filled(xp, a, 0.0), axis, dtype)


@idiom("nancumprod")
def _nancumprod(xp: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return running("cumulative_prod", xp, _filled(xp, a, 1.0), axis, dtype)


@idiom("nanargmax")
def _nanargmax(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return xp.argmax(_filled(xp, a, -math.inf), axis=axis, keepdims=keepdims)


@idiom("nanargmin")
def _nanargmin(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return xp.argmin(_filled(xp, a, math.inf), axis=axis, keepdims=keepdims)


@idiom("cov")
def _cov(
    xp: Any,
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: float | None = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    """Return the covariances of rows, ``Σ w (x - mean) (x - mean)ᴴ / (Σ w - ddof)``; the weights w are 1 by default."""
    rows = []
    for part in (m, y):
        if part is not None:
            x = xp.reshape(part, (1, -1)) if len(part.shape) < 2 else part
            rows.append(x if rowvar or len(part.shape) < 2 else x.T)
    x = rows[0] if len(rows) == 1 else xp.concat(rows)
    ddof = (0.0 if bias else 1.0) if ddof is None else ddof
    if fweights is None and aweights is None:
        x = x - xp.mean(x, axis=1, keepdims=True)
        left, norm = x, x.shape[1] - ddof
    else:
        given = [xp.astype(w, x.dtype) for w in arrays(xp, [fweights, aweights], x) if w is not None]
        w = given[0] if len(given) == 1 else given[0] * given[1]
        whole = xp.sum(w)
        x = x - xp.sum(x * w, axis=1, keepdims=True) / whole
        left, norm = x * w, whole - (ddof if aweights is None else ddof * xp.sum(w * given[-1]) / whole)
    c = (left @ xp.conj(x).T if "complex" in str(x.dtype) else left @ x.T) / norm
    return xp.squeeze(c, axis=tuple(at for at, n in enumerate(c.shape) if n == 1)) if 1 in c.shape else c


@idiom("corrcoef")
def _corrcoef(xp: Any, x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = _cov(xp, x, y, rowvar)
    if len(c.shape) == 0:
        return c / c
    d = xp.sqrt(xp.linalg.diagonal(c))
    return c / d[:, None] / d[None, :]
