"""Polynomials under NumPy's names, with coefficients from the highest power down."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.autodiff.idioms.linalg import lstsq
from xpnet.autodiff.idioms.signals import convolve
from xpnet.autodiff.idioms.table import arrays, idiom
from xpnet.autodiff.table import base
from xpnet.backend import device_of


@idiom("vander")
def _vander(xp: Any, x: Any, N: int | None = None, increasing: bool = False) -> Any:
    N = x.shape[0] if N is None else N
    powers = range(N) if increasing else range(N - 1, -1, -1)
    return xp.stack([x**n for n in powers], axis=1)


@idiom("polyval")
def _polyval(xp: Any, p: Any, x: Any) -> Any:
    y = xp.zeros_like(x) if hasattr(x, "shape") else 0.0
    for c in p:
        y = y * x + c
    return y


@idiom("polyfit")
def _polyfit(xp: Any, x: Any, y: Any, deg: int, rcond: Any = None, *, w: Any = None) -> Any:  # noqa: ARG001 (of full rank)
    """Return the coefficients of the least-squares fit."""
    x, y, w = arrays(xp, [x, y, w])
    rows = _vander(xp, x, deg + 1)
    if w is not None:
        rows, y = rows * w[:, None], y * (w if len(y.shape) == 1 else w[:, None])
    scale = xp.sqrt(xp.sum(rows * rows, axis=0))
    found = lstsq(xp, rows / scale, y)[0]
    return found / (scale if len(y.shape) == 1 else scale[:, None])


@idiom("polyadd")
def _polyadd(xp: Any, a1: Any, a2: Any) -> Any:
    a, b = arrays(xp, [a1, a2])
    n = max(a.shape[0], b.shape[0])
    a, b = (xp.concat([xp.zeros((n - x.shape[0],), dtype=x.dtype, device=device_of(base(x))), x]) for x in (a, b))
    return a + b


@idiom("polysub")
def _polysub(xp: Any, a1: Any, a2: Any) -> Any:
    a, b = arrays(xp, [a1, a2])
    return _polyadd(xp, a, -b)


@idiom("polymul")
def _polymul(xp: Any, a1: Any, a2: Any) -> Any:
    return convolve(xp, a1, a2)


def _numbers(xp: Any, n: int, like: Any) -> Any:
    """Return ``n, n - 1, …, 1``."""
    return xp.asarray(np.arange(n, 0, -1), dtype=like.dtype, device=device_of(base(like)))


@idiom("polyder")
def _polyder(xp: Any, p: Any, m: int = 1) -> Any:
    for _ in range(m):
        p = p[:-1] * _numbers(xp, p.shape[0] - 1, p)
    return p


@idiom("polyint")
def _polyint(xp: Any, p: Any, m: int = 1) -> Any:
    for _ in range(m):
        p = xp.concat([p / _numbers(xp, p.shape[0], p), xp.zeros_like(p[:1])])
    return p
