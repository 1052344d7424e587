"""The split of rows into training and validation."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from xpnet.datasets.tables import Host
from xpnet.errors import ArgumentError, DataError
from xpnet.random import Generator


def split(rows: int, share: Any, rng: Generator, labels: Any = None) -> tuple[Host, Host]:
    """Return the indices for training and for validation, ``⌊share · N⌉`` rows drawn by the stream ``split``.

    With ``labels`` the share is taken from every class (stratified), with at least one row on each side if it has two.

    Raises: ``ArgumentError`` for a share outside 0 … 1; ``DataError`` if a side would have no rows.

    >>> train, validation = split(5, 0.4, Generator(0))
    >>> train, validation
    (array([2, 3, 4]), array([0, 1]))
    """
    if isinstance(share, bool) or not isinstance(share, Real) or not 0.0 < float(share) < 1.0:
        raise ArgumentError("split", "validation must be a share between 0 and 1", repr(share), "try 0.2")
    order = rng.permutation(rows, "split")
    chosen = np.zeros(rows, dtype=bool)
    if labels is None:
        chosen[order[: round(float(share) * rows)]] = True
    else:
        values = np.asarray(labels)[order]
        for label in np.unique(values):
            own = order[values == label]
            count = round(float(share) * len(own))
            chosen[own[: min(max(count, 1), len(own) - 1)]] = True
    if not chosen.any() or chosen.all():
        got = f"{int(chosen.sum())} of {rows} rows for validation"
        raise DataError("split", "training and validation must both have rows", got, "give more rows")
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
