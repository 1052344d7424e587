# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of the Fourier transforms.

A discrete Fourier transform is a symmetric matrix, so its unconjugated gradient is the same transform.
The transforms over several axes, and the Hermitian ones, are composed of those over one axis.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from xpnet.autodiff.batching.ways import along
from xpnet.autodiff.forward import linear
from xpnet.autodiff.table import composite
from xpnet.autodiff.table import rule as any_rule
from xpnet.backend import array_namespace, device_of, dtype_kind

rule = partial(any_rule, forward=linear(), batch=along(-1))

OPPOSITE = {"backward": "forward", None: "forward", "forward": "backward", "ortho": "ortho"}


def resize(x: Any, n: int, axis: int) -> Any:
    """Return ``x`` truncated or padded with zeros to n elements along the axis."""
    length = x.shape[axis]
    if length == n:
        return x
    axis %= len(x.shape)
    if length > n:
        return x[(*(slice(None),) * axis, slice(0, n), ...)]
    xp = array_namespace(x)
    zeros = xp.zeros((*x.shape[:axis], n - length, *x.shape[axis + 1 :]), dtype=x.dtype, device=device_of(x))
    return xp.concat([x, zeros], axis=axis)


def _fft(g: Any, y: Any, x: Any, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    d = array_namespace(g).fft.fft(g, n=g.shape[axis], axis=axis, norm=norm)
    return resize(d, x.shape[axis], axis)


def _ifft(g: Any, y: Any, x: Any, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    d = array_namespace(g).fft.ifft(g, n=g.shape[axis], axis=axis, norm=norm)
    return resize(d, x.shape[axis], axis)


def _rfft(g: Any, y: Any, x: Any, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    xp = array_namespace(g)
    n = x.shape[axis] if n is None else n
    d = xp.real(xp.fft.fft(resize(g, n, axis), n=n, axis=axis, norm=norm))
    return resize(d, x.shape[axis], axis)


def _irfft(g: Any, y: Any, x: Any, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    xp = array_namespace(g)
    n = y.shape[axis]
    spectrum = xp.conj(xp.fft.rfft(g, n=n, axis=axis, norm=OPPOSITE[norm]))
    weights = [1.0 if k == 0 or 2 * k == n else 2.0 for k in range(n // 2 + 1)]
    line = (-1,) + (1,) * (len(x.shape) - 1 - axis % len(x.shape))
    twice = xp.reshape(xp.asarray(weights, dtype=g.dtype, device=device_of(g)), line)
    return resize(spectrum * xp.astype(twice, spectrum.dtype), x.shape[axis], axis)


rule("fft.fft", _fft, fits=True)
rule("fft.ifft", _ifft, fits=True)
rule("fft.rfft", _rfft, fits=True)
rule("fft.irfft", _irfft, fits=True)
rule(
    "fft.fftshift", lambda g, y, x, axes=None: array_namespace(g).fft.ifftshift(g, axes=axes), batch=along(None, "axes")
)
rule(
    "fft.ifftshift", lambda g, y, x, axes=None: array_namespace(g).fft.fftshift(g, axes=axes), batch=along(None, "axes")
)


def _sizes(x: Any, s: Any, axes: Any) -> list[tuple[int | None, int]]:
    """Return pairs of size and axis for a transform over several axes."""
    ndim = len(x.shape)
    if axes is None:
        axes = tuple(range(ndim)) if s is None else tuple(range(ndim - len(s), ndim))
    return list(zip((None,) * len(axes) if s is None else tuple(s), axes, strict=True))


@composite("fft.fftn")
def _fftn(xp: Any, x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """Return ``fft`` over several axes."""
    for n, axis in reversed(_sizes(x, s, axes)):
        x = xp.fft.fft(x, n=n, axis=axis, norm=norm)
    return x


@composite("fft.ifftn")
def _ifftn(xp: Any, x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """Return ``ifft`` over several axes."""
    for n, axis in reversed(_sizes(x, s, axes)):
        x = xp.fft.ifft(x, n=n, axis=axis, norm=norm)
    return x


@composite("fft.rfftn")
def _rfftn(xp: Any, x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """Return ``rfft`` over the last axis and ``fft`` over the others."""
    *rest, (last, axis) = _sizes(x, s, axes)
    x = xp.fft.rfft(x, n=last, axis=axis, norm=norm)
    for n, axis in reversed(rest):
        x = xp.fft.fft(x, n=n, axis=axis, norm=norm)
    return x


@composite("fft.irfftn")
def _irfftn(xp: Any, x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """Return ``ifft`` over the first axes and ``irfft`` over the last."""
    *rest, (last, axis) = _sizes(x, s, axes)
    for n, at in rest:
        x = xp.fft.ifft(x, n=n, axis=at, norm=norm)
    return xp.fft.irfft(x, n=last, axis=axis, norm=norm)


@composite("fft.hfft")
def _hfft(xp: Any, x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    """Return the real transform of a signal with Hermitian symmetry."""
    x = xp.conj(x) if dtype_kind(x) == "complex" else x
    return xp.fft.irfft(x, n=n, axis=axis, norm=OPPOSITE[norm])


@composite("fft.ihfft")
def _ihfft(xp: Any, x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    """Return the inverse of ``hfft``."""
    return xp.conj(xp.fft.rfft(x, n=n, axis=axis, norm=OPPOSITE[norm]))
