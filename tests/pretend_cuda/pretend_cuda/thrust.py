"""Thrust's sorts by NumPy, in place of CuPy's module of the same name: stable, with NaN last, as CuPy's are."""

from __future__ import annotations

from typing import Any

import numpy as np
from cupy_backends.cuda.api import runtime

from pretend_cuda.views import view

available = True
SORTED = "?bBhHiIlLqQefdFD"


def get_build_version() -> int:
    return 300000


def _ready(dtype: Any, error: type[Exception], what: str) -> None:
    """Refuse other dtypes, and a stream under capture: Thrust's sorts wait for the device."""
    from cupy.cuda import get_current_stream

    if np.dtype(dtype).char not in SORTED:
        raise error(f"Sorting {what} with dtype '{dtype}' is not supported")
    runtime.streamSynchronize(get_current_stream().ptr)


def sort(dtype: Any, data: int, keys: int, shape: tuple[int, ...]) -> None:
    _ready(dtype, NotImplementedError, "arrays")
    view(data, dtype, tuple(shape)).sort(axis=-1, kind="stable")


def argsort(dtype: Any, indices: int, data: int, keys: int, shape: tuple[int, ...]) -> None:
    _ready(dtype, NotImplementedError, "arrays")
    values = view(data, dtype, tuple(shape))
    order = np.argsort(values, axis=-1, kind="stable")
    view(indices, np.int64, tuple(shape))[...] = order
    values[...] = np.take_along_axis(values, order, -1)  # Thrust sorts the keys along with the indices


def lexsort(dtype: Any, indices: int, keys: int, k: int, n: int) -> None:
    _ready(dtype, TypeError, "keys")
    view(indices, np.int64, (n,))[...] = np.lexsort(view(keys, dtype, (k, n)))
