# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of the Fourier transforms.

A discrete Fourier transform is a symmetric matrix, so its unconjugated gradient is the same transform.
The transforms over one axis, and the Hermitian ones, are composed of those over several.
"""

from __future__ import annotations

from typing import Any

from xpnet.autodiff.batching.ways import alone, along, moved
from xpnet.autodiff.forward import linear
from xpnet.autodiff.table import composite, rule
from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.kernels.fourier import fftn, ifftn, irfftn, rfftn, sizes_and_axes

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


def resized(d: Any, x: Any, axes: Any) -> Any:
    """Return a gradient with the sizes of x along the axes."""
    for axis in axes:
        d = resize(d, x.shape[axis], axis)
    return d


def _fftn(g: Any, y: Any, x: Any, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    axes = sizes_and_axes(x, s, axes)[1]
    return resized(fftn(g, axes=axes, norm=norm), x, axes)


def _ifftn(g: Any, y: Any, x: Any, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    axes = sizes_and_axes(x, s, axes)[1]
    return resized(ifftn(g, axes=axes, norm=norm), x, axes)


def _rfftn(g: Any, y: Any, x: Any, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """Return ``Re Σₖ gₖ exp(-2πi jk / n)``, k ≤ n / 2; ``irfftn`` counts each frequency between the ends twice."""
    s, axes = sizes_and_axes(x, s, axes)
    n = x.shape[axes[-1]] if s is None else s[-1]
    half = array_namespace(g).conj(g) * of_half(g, n, axes[-1], 0.5)
    sizes = (*(g.shape[axis] for axis in axes[:-1]), n)
    return resized(irfftn(half, s=sizes, axes=axes, norm=OPPOSITE[norm]), x, axes)


def _irfftn(g: Any, y: Any, x: Any, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    axes = sizes_and_axes(x, s, axes)[1]
    spectrum = rfftn(g, axes=axes, norm=OPPOSITE[norm])
    d = array_namespace(spectrum).conj(spectrum) * of_half(spectrum, y.shape[axes[-1]], axes[-1], 2.0)
    return resized(d, x, axes)


def of_half(g: Any, n: int, axis: int, between: float) -> Any:
    """Return the weights of frequencies from 0 to ``n / 2``: 1 at both ends, another in between; along the axis."""
    xp, ndim = array_namespace(g), len(g.shape)
    weights = [1.0 if k == 0 or 2 * k == n else between for k in range(n // 2 + 1)]
    line = (-1,) + (1,) * (ndim - 1 - axis % ndim)
    return xp.reshape(xp.asarray(weights, dtype=g.dtype, device=device_of(g)), line)


def over_axes(call: Any, args: list[Any], ndims: Any, keywords: dict[str, Any]) -> Any:
    """Compute a transform of each row of a batch; without axes named it is over the last ones, or all, of a row."""
    (x,), ndim, s, axes = args, alone(ndims), keywords.get("s"), keywords.get("axes")
    if axes is None:
        axes = range(0 if s is None else ndim - len(s), ndim)
    return call(x, **{**keywords, "axes": moved(tuple(axes), ndim)})


for name, gradient, transform in (
    ("fftn", _fftn, fftn),
    ("ifftn", _ifftn, ifftn),
    ("rfftn", _rfftn, rfftn),
    ("irfftn", _irfftn, irfftn),
):
    rule(f"fft.{name}", gradient, kernel=transform, fits=True, forward=linear(transform), batch=over_axes)
rule(
    "fft.fftshift",
    lambda g, y, x, axes=None: array_namespace(g).fft.ifftshift(g, axes=axes),
    forward=linear(),
    batch=along(None, "axes"),
)
rule(
    "fft.ifftshift",
    lambda g, y, x, axes=None: array_namespace(g).fft.fftshift(g, axes=axes),
    forward=linear(),
    batch=along(None, "axes"),
)


def _of_one_axis(name: str) -> None:
    @composite(f"fft.{name}")
    def transform(xp: Any, x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
        """Return the transform over several axes, of one."""
        return getattr(xp.fft, f"{name}n")(x, s=None if n is None else (n,), axes=(axis,), norm=norm)


for name in ("fft", "ifft", "rfft", "irfft"):
    _of_one_axis(name)


@composite("fft.hfft")
def _hfft(xp: Any, x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    """Return the real transform of a signal with Hermitian symmetry."""
    x = xp.conj(x) if dtype_kind(x) == "complex" else x
    return xp.fft.irfft(x, n=n, axis=axis, norm=OPPOSITE[norm])


@composite("fft.ihfft")
def _ihfft(xp: Any, x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    """Return the inverse of ``hfft``."""
    return xp.conj(xp.fft.rfft(x, n=n, axis=axis, norm=OPPOSITE[norm]))
