"""The compiler of the loops, and the arrays that they take.

A loop sees arrays in one or two axes, numbers in the dtype of the arrays, and as few kinds of arguments as possible:
each kind is compiled by itself, which takes half a second, once on a machine where the result can be kept in a file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import config, njit

from xpnet.fast.numpy.blocks import Host

if config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set, and the loops would run in Python")

Loop = TypeVar("Loop", bound=Callable[..., Any])

DTYPES = (np.dtype("float32"), np.dtype("float64"))
SUMMED_FIRST = 256  # rows per partial sum: a single running sum over many rows would lose digits
REGROUPED = {"reassoc", "nsz"}  # sums in several parts, as BLAS adds them; NaN and ∞ stay what they are


def compiled(loop: Loop) -> Loop:
    """Return the loop, compiled on its first call. It divides as NumPy does, and treats NaN and ∞ correctly."""
    return _compiled(loop)


def compiled_sums(loop: Loop) -> Loop:
    """Return the loop, compiled with its sums in an order of their own."""
    return _compiled(loop, fastmath=REGROUPED)


def _compiled(loop: Loop, **how: Any) -> Loop:
    options = {"nogil": True, "error_model": "numpy", **how}
    try:
        return njit(cache=True, **options)(loop)  # type: ignore[no-any-return]
    except RuntimeError:  # there is no folder to keep it in
        return njit(**options)(loop)  # type: ignore[no-any-return]


def in_order(x: Host, *others: Host) -> bool:
    """Return whether arrays suit the loops: of one dtype, writable, and contiguous in memory."""
    dtype = x.dtype
    if dtype not in DTYPES or not x.flags.carray:
        return False
    for array in others:  # noqa: SIM110  a generator takes twice as long
        if (array.dtype is not dtype and array.dtype != dtype) or not array.flags.carray:
            return False
    return True


def flat(x: Host) -> Host:
    """Return a view of the values in one axis."""
    return x if x.ndim == 1 else x.reshape(-1)


def rows(x: Host) -> Host:
    """Return a view of the values as rows of the last axis."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
