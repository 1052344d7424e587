"""The arguments of a network's ``forward``: one array, or a tuple of all of them, such as sequences and their mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.backend import array_namespace
from xpnet.backend.several import first_of, rows_of
from xpnet.errors import DtypeError


def run(forward: Any, x: Any) -> Any:
    """Return ``forward(x)``, or ``forward(*x)`` for a tuple of its arguments."""
    return forward(*x) if type(x) is tuple else forward(x)


def in_parts(forward: Callable[[Any], Any], x: Any, batch_size: int) -> Any:
    """Return ``forward`` of all rows, computed ``batch_size`` rows at a time."""
    first = first_of(x)
    if getattr(first, "ndim", 0) == 0 or first.shape[0] <= batch_size:
        return forward(x)
    rows = first.shape[0]
    slices = [slice(i, min(i + batch_size, rows)) for i in range(0, rows, batch_size)]
    parts = [forward(rows_of(x, own)) for own in slices]
    return array_namespace(*parts).concat(parts, axis=0)


def check_flag(who: str, predict: Any) -> None:
    """Raise DtypeError unless the flag is True or False: ``gradient`` takes the weights in its place."""
    if not isinstance(predict, bool | np.bool_):
        got = type(predict).__name__
        raise DtypeError(who, "predict must be True or False", got, "give weights by their name, weights=…")
