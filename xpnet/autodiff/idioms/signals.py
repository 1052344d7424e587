"""Interpolation, convolution, differences and Fourier transforms under NumPy's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.autodiff.idioms.table import IDIOMS, arrays, as_axis, idiom, refuse
from xpnet.autodiff.rules.elementwise import conj
from xpnet.autodiff.table import base
from xpnet.backend import device_of


@idiom("interp")
def _interp(xp: Any, x: Any, xp_: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Return ``f(x)`` by linear interpolation between the points, constant outside."""
    x, points, values = arrays(xp, [x, xp_, fp])
    if period is not None:
        x, points = x % period, points % period
        order = xp.argsort(points)
        points, values = points[order], values[order]
        points = xp.concat([points[-1:] - period, points, points[:1] + period])
        values, left, right = xp.concat([values[-1:], values, values[:1]]), None, None
    plain, n = xp.differentiates, points.shape[0]
    line = plain.reshape(base(x), (-1,))
    at = plain.searchsorted(base(points), line, side="right") - 1
    at = plain.where(at < 0, plain.zeros_like(at), at)
    at = plain.where(at > n - 2, plain.full_like(at, n - 2), at)
    x0, x1, y0, y1 = (xp.take(z, k, axis=0) for z in (points, values) for k in (at, at + 1))
    t = xp.reshape(x, (-1,))
    y = y0 + (y1 - y0) * ((t - x0) / (x1 - x0))
    y = xp.where(t <= points[0], values[0] + xp.zeros_like(y), y)
    y = xp.where(t >= points[-1], values[-1] + xp.zeros_like(y), y)
    y = y if left is None else xp.where(t < points[0], xp.full_like(y, left), y)
    y = y if right is None else xp.where(t > points[-1], xp.full_like(y, right), y)
    return xp.reshape(y, tuple(x.shape))


@idiom("convolve")
def convolve(xp: Any, a: Any, v: Any, mode: str = "full") -> Any:
    """Return ``yₖ = Σ aᵢ vₖ₋ᵢ``."""
    a, v = arrays(xp, [a, v])
    if v.shape[0] > a.shape[0]:
        a, v = v, a
    n, m = a.shape[0], v.shape[0]
    ends = xp.zeros((m - 1,), dtype=a.dtype, device=device_of(base(a)))
    padded = xp.concat([ends, a, ends])
    plain = xp.differentiates
    rows = (np.arange(n + m - 1)[:, None] + np.arange(m)[None, :]).reshape(-1)
    places = plain.asarray(rows, device=device_of(base(a)))
    y = xp.reshape(xp.take(padded, places, axis=0), (n + m - 1, m)) @ xp.flip(v, axis=0)
    if mode == "full":
        return y
    if mode not in ("same", "valid"):
        raise refuse("convolve", f"mode={mode!r}", "use full, same or valid")
    start = (m - 1) // 2 if mode == "same" else m - 1
    return y[start : start + n] if mode == "same" else y[start:n]


@idiom("correlate")
def _correlate(xp: Any, a: Any, v: Any, mode: str = "valid") -> Any:
    """Return ``cₖ = Σ aₙ₊ₖ conj(vₙ)``."""
    a, v = arrays(xp, [a, v])
    if v.shape[0] > a.shape[0]:
        return conj(xp.flip(_correlate(xp, v, a, mode), axis=0))
    return convolve(xp, a, conj(xp.flip(v, axis=0)), mode)


@idiom("diff")
def _diff(xp: Any, a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    ends = {"prepend": prepend, "append": append}
    shape = tuple(1 if at == axis % len(a.shape) else size for at, size in enumerate(a.shape))
    given = {
        name: xp.broadcast_to(end, shape) if len(end.shape) == 0 else end
        for name, end in ((name, arrays(xp, [a, end])[1]) for name, end in ends.items() if end is not None)
    }
    return xp.diff(a, axis=axis, n=n, **given)


@idiom("ediff1d")
def _ediff1d(xp: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = arrays(xp, [to_begin, xp.diff(xp.reshape(ary, (-1,))), to_end], ary)
    return xp.concat([xp.reshape(part, (-1,)) for part in parts if part is not None])


def _transform(name: str) -> Any:
    def over_one(xp: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
        return getattr(xp.fft, name)(a, n=n, axis=axis, norm=norm or "backward")

    return over_one


def _transforms(name: str, two: bool) -> Any:
    def over_several(xp: Any, a: Any, s: Any = None, axes: Any = (-2, -1) if two else None, norm: Any = None) -> Any:
        return getattr(xp.fft, name)(a, s=s, axes=as_axis(axes), norm=norm or "backward")

    return over_several


for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    IDIOMS[f"fft.{name}"] = _transform(name)
for name in ("fft", "ifft", "rfft", "irfft"):
    IDIOMS[f"fft.{name}n"] = _transforms(f"{name}n", two=False)
    IDIOMS[f"fft.{name}2"] = _transforms(f"{name}n", two=True)


@idiom("fft.fftshift")
def _fftshift(xp: Any, x: Any, axes: Any = None) -> Any:
    return xp.fft.fftshift(x, axes=as_axis(axes))


@idiom("fft.ifftshift")
def _ifftshift(xp: Any, x: Any, axes: Any = None) -> Any:
    return xp.fft.ifftshift(x, axes=as_axis(axes))


@idiom("searchsorted")
def _searchsorted(xp: Any, a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    return xp.searchsorted(a, v, side=side, sorter=sorter)


@idiom("digitize")
def _digitize(xp: Any, x: Any, bins: Any, right: bool = False) -> Any:
    a, b = arrays(xp, [x, bins])
    return xp.searchsorted(b, a, side="left" if right else "right")


@idiom("apply_along_axis")
def _apply_along_axis(xp: Any, func1d: Any, axis: int, arr: Any, *args: Any, **given: Any) -> Any:
    lines = xp.moveaxis(arr, axis, -1)
    shape = tuple(lines.shape[:-1])
    rows = [func1d(row, *args, **given) for row in xp.reshape(lines, (-1, lines.shape[-1]))]
    y = xp.stack(arrays(xp, rows))
    more = tuple(y.shape[1:])
    y = xp.reshape(y, shape + more)
    return xp.moveaxis(y, -1, axis) if len(more) == 1 else y
