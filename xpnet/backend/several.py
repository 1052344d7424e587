"""The inputs of a network: one array, or a tuple of several, each with a row for a sample, or None."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def is_several(x: Any) -> bool:
    """Return whether these are several inputs, a tuple of arrays or tables, and not rows of numbers."""
    return isinstance(x, tuple) and any(getattr(part, "ndim", 0) > 0 for part in x)


def first_of(x: Any) -> Any:
    """Return the array, or the first of several."""
    return next((part for part in x if part is not None), None) if isinstance(x, tuple) else x


def each(function: Callable[[Any], Any], x: Any) -> Any:
    """Return ``function`` of the array, or the tuple of those of each; None stays None."""
    if isinstance(x, tuple):
        return tuple([None if part is None else function(part) for part in x])
    return None if x is None else function(x)


def placed(asarray: Callable[[Any], Any], x: Any) -> Any:
    """Return rows as the user has them, or each of several inputs, as arrays."""
    return each(asarray, x) if is_several(x) else asarray(x)


def rows_of(x: Any, rows: slice) -> Any:
    """Return some rows of the array, or of each."""
    return each(lambda part: part[rows, ...], x)


def flat(parts: Iterable[Any]) -> tuple[Any, ...]:
    """Return the arrays of a batch ``(x, t, …)``, in which x may be several, one after another."""
    found: list[Any] = []
    for part in parts:
        found += [array for array in part if array is not None] if isinstance(part, tuple) else [part]
    return tuple(found)


def in_form(parts: Iterable[Any], arrays: Iterable[Any]) -> tuple[Any, ...]:
    """Return other arrays in the form of a batch, from which ``flat`` makes as many."""
    coming: Iterator[Any] = iter(arrays)
    return tuple([each(lambda _: next(coming), part) for part in parts])
