"""Checks of data before training, once over all rows, so that no batch has to be checked."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, backend_of, device_of, dtype_kind, size_of, to_numpy
from xpnet.datasets.array_files import RowsOnDisk
from xpnet.errors import ArgumentError, LibraryError, ShapeError
from xpnet.typing import Array

RAW = 100.0
"""Values above this limit are probably unscaled: images from 0 to 1 and standardized values stay below it."""


def count_rows(who: str, x: Any, t: Any) -> int:
    """Return the number of rows N that x and t have in common.

    Raises: ``ShapeError`` for different lengths, no rows or no axes; ``LibraryError`` for two libraries or devices.
    """
    if isinstance(x, RowsOnDisk) or isinstance(t, RowsOnDisk):
        for name, array in (("x", x), ("t", t)):
            if not isinstance(array, RowsOnDisk | np.ndarray):
                must, got = f"{name} must be on the host if other rows are on disk", type(array).__name__
                raise LibraryError(who, must, got, "give an array of NumPy")
    elif array_namespace(x, t) and device_of(x) != device_of(t):
        raise LibraryError(
            who, "x and t must be on one device", f"{device_of(x)} and {device_of(t)}", "make both with one backend"
        )
    if x.ndim < 1 or t.ndim < 1:
        got = f"shapes {tuple(x.shape)} and {tuple(t.shape)}"
        raise ShapeError(who, "x and t must have rows", got, "give arrays of at least one axis")
    rows: int = x.shape[0]
    if rows != t.shape[0]:
        got = f"{rows} and {t.shape[0]} rows"
        raise ShapeError(who, "x and t must have the same number of rows", got, "give a target for every row of x")
    if rows < 1:
        raise ShapeError(who, "x and t must have at least one row", "none", "give some data")
    return rows


def check_data(x: Array, t: Array, classes: int | None = None, ignore_index: int | None = None) -> None:
    """Raise for data that no network can learn from: require ``isfinite(x)``, ``isfinite(t)``, ``0 <= t < classes``.

    Floating x and t must be finite. Integer t are class indices: if ``classes`` is given, they must be below it, or be
    ``ignore_index``, the label of rows that do not count. Whatever the size of the data, a few integers are read from
    the device, once.

    Shapes: ``x (N, ...)``, ``t (N, ...)``.
    Raises: ``ShapeError`` and ``LibraryError`` of ``count_rows``; ``ArgumentError`` naming the first bad row.

    >>> check_data(np.array([[1.0], [np.nan]]), np.array([0, 1]))
    Traceback (most recent call last):
        ...
    xpnet.errors.ArgumentError: check_data: x must be finite, got NaN or infinity in row 1; drop or clean it
    """
    who = "check_data"
    count = count_rows(who, x, t)
    xp = array_namespace(x, t)
    floating = {name: array for name, array in (("x", x), ("t", t)) if dtype_kind(array) in ("real", "complex")}
    found = [_first(xp, ~xp.any(xp.reshape(~xp.isfinite(array), (count, -1)), axis=1)) for array in floating.values()]
    labels = None
    if classes is not None and dtype_kind(t) == "integer":
        labels = xp.reshape(xp.astype(t, _whole_numbers(t, 1).dtype), (-1,))  # uint8 cannot be compared with 1000
        known = (labels >= 0) & (labels < classes)
        place = _first(xp, known if ignore_index is None else known | (labels == ignore_index))
        found += [place, xp.take(labels, place % labels.shape[0], axis=0)]
    numbers = to_numpy(xp.concat(found)).tolist() if found else []
    for name, row in zip(floating, numbers, strict=False):
        if row < count:
            raise ArgumentError(who, f"{name} must be finite", f"NaN or infinity in row {row}", "drop or clean it")
    if classes is not None and labels is not None and numbers[-2] < labels.shape[0]:
        raise ArgumentError(
            who,
            f"labels must be from 0 to {classes - 1}" + ("" if ignore_index is None else f" or {ignore_index}"),
            f"{numbers[-1]} in row {numbers[-2] // (labels.shape[0] // count)}",
            "number the classes from 0, or give the network an output for each",
        )


def advise_scale(who: str, **data: Array) -> None:
    """Warn, in one line, of floating data far from 1, on which networks train badly or not at all."""
    for name, array in data.items():
        if dtype_kind(array) == "real" and size_of(array):
            xp = array_namespace(array)
            largest = float(to_numpy(xp.max(xp.abs(array))))
            if largest > RAW:
                text = f"{who}: {name} reaches {largest:,.4g}, and networks learn best from values near 1"
                remedy = f"give ({name} - {name}.mean(0)) / ({name}.std(0) + 1e-8)"
                warnings.warn(f"{text}; {remedy}", stacklevel=3)


def _whole_numbers(like: Array, count: int) -> Any:
    """Return 0, 1, 2, …, with the library and device of an array, in the library's default integer dtype."""
    return backend_of(like).asarray(np.arange(count))


def _first(xp: Any, good: Array) -> Any:
    """Return the index of the first False in an array of one axis, or its length, as an array of one value."""
    count = good.shape[0]
    places = _whole_numbers(good, count)
    return xp.reshape(xp.min(places + count * xp.astype(good, places.dtype)), (1,))
