"""NumPy bodies of the Fourier transforms: by SciPy where it is installed, and of real arrays by half the frequencies.

SciPy transforms several lines at once, which takes half of NumPy's time in float32.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.threads import threads
from xpnet.kernels import fourier
from xpnet.kernels.dispatch import Kernel
from xpnet.kernels.fourier import Sizes, sizes_and_axes

LEAST = 4096  # values from which on SciPy is worth its import
SHARED = 1 << 19  # values from which on threads gain more than they cost
OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


@cache
def scipy() -> Any:
    """Return the transforms of SciPy, or None where it is not installed."""
    try:
        return import_module("scipy.fft")
    except ImportError:
        return None


def body(name: str) -> None:
    """Register the body of a transform."""
    kernel: Kernel[..., Any] = getattr(fourier, name)

    @kernel.on("numpy")
    def transform(x: Host, *, s: Sizes = None, axes: Sizes = None, norm: str = "backward") -> Any:
        s, axes = sizes_and_axes(x, s, axes)
        usual = x.ndim and axes and x.dtype.char in "fdFD" and norm in OPPOSITE and (s is None or min(s) > 0)
        if not usual or x.size < LEAST or len({axis % x.ndim for axis in axes}) < len(axes):
            return kernel.reference(x, s=s, axes=axes, norm=norm)
        library = scipy()
        if library is not None:
            workers = threads() if x.size >= SHARED else 1
            return getattr(library, name)(x, s=s, axes=axes, norm=norm, workers=workers)
        if x.dtype.char in "fd" and name in ("fftn", "ifftn"):
            return of_real(x, s, axes, norm if name == "fftn" else OPPOSITE[norm], name == "ifftn")
        return getattr(np.fft, name)(x, s=s, axes=axes, norm=norm)


for name in ("fftn", "ifftn", "rfftn", "irfftn"):
    body(name)


def of_real(x: Host, s: Sizes, axes: tuple[int, ...], norm: Any, conjugate: bool) -> Host:
    """Return ``fftn`` of a real array, or its conjugate: half of the frequencies are the other half's conjugates."""
    half = np.fft.rfftn(x, s=s, axes=axes, norm=norm)
    if conjugate:
        np.conjugate(half, out=half)
    *rest, last = [axis % x.ndim for axis in axes]
    n = x.shape[last] if s is None else s[-1]
    known, shape = half.shape[last], list(half.shape)
    shape[last] = n
    y = np.empty(shape, half.dtype)
    here, there = [slice(None)] * x.ndim, [slice(None)] * x.ndim
    here[last] = slice(known)
    y[tuple(here)] = half
    here[last], there[last] = slice(known, n), slice(n - known, 0, -1)
    for ends in product((True, False), repeat=len(rest)):  # frequency 0 is its own opposite
        for axis, end in zip(rest, ends, strict=True):
            here[axis], there[axis] = (slice(1), slice(1)) if end else (slice(1, None), slice(None, 0, -1))
        np.conjugate(half[tuple(there)], out=y[tuple(here)])
    return y
