"""The Fourier transforms over several axes; the references apply the standard's transforms of one axis in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from xpnet.backend import array_namespace
from xpnet.kernels.dispatch import kernel
from xpnet.typing import Array

Sizes: TypeAlias = Sequence[int] | None


def sizes_and_axes(x: Array, s: Sizes, axes: Sizes) -> tuple[tuple[int, ...] | None, tuple[int, ...]]:
    """Return the sizes of a transform, None for those of x, and its axes: by default the last ones, or all."""
    if axes is None:
        ndim = len(x.shape)
        axes = range(0 if s is None else ndim - len(s), ndim)
    return None if s is None else tuple(s), tuple(axes)


def _each(x: Array, s: Sizes, axes: Sizes) -> list[tuple[int | None, int]]:
    """Return pairs of size and axis."""
    sizes, axes = sizes_and_axes(x, s, axes)
    return list(zip(sizes or (None,) * len(axes), axes, strict=True))


@kernel(1)
def fftn(x: Array, *, s: Sizes = None, axes: Sizes = None, norm: str = "backward") -> Array:
    """Return ``fft`` over each of the axes, the last one first."""
    y: Any = x
    for n, axis in reversed(_each(x, s, axes)):
        y = array_namespace(y).fft.fft(y, n=n, axis=axis, norm=norm)
    return y  # type: ignore[no-any-return]


@kernel(1)
def ifftn(x: Array, *, s: Sizes = None, axes: Sizes = None, norm: str = "backward") -> Array:
    """Return ``ifft`` over each of the axes, the last one first."""
    y: Any = x
    for n, axis in reversed(_each(x, s, axes)):
        y = array_namespace(y).fft.ifft(y, n=n, axis=axis, norm=norm)
    return y  # type: ignore[no-any-return]


@kernel(1)
def rfftn(x: Array, *, s: Sizes = None, axes: Sizes = None, norm: str = "backward") -> Array:
    """Return ``rfft`` over the last of the axes, and ``fft`` over the others."""
    *rest, (last, axis) = _each(x, s, axes)
    y: Any = array_namespace(x).fft.rfft(x, n=last, axis=axis, norm=norm)
    for n, axis in reversed(rest):
        y = array_namespace(y).fft.fft(y, n=n, axis=axis, norm=norm)
    return y  # type: ignore[no-any-return]


@kernel(1)
def irfftn(x: Array, *, s: Sizes = None, axes: Sizes = None, norm: str = "backward") -> Array:
    """Return ``ifft`` over all of the axes but the last, and ``irfft`` over that."""
    *rest, (last, axis) = _each(x, s, axes)
    y: Any = x
    for n, at in rest:
        y = array_namespace(y).fft.ifft(y, n=n, axis=at, norm=norm)
    return array_namespace(y).fft.irfft(y, n=last, axis=axis, norm=norm)  # type: ignore[no-any-return]
