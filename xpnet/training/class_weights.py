"""Weights of rows by their classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backend import Backend, backend_of, to_numpy
from xpnet.datasets import Classes, Encoding, RowsOnDisk
from xpnet.errors import ArgumentError, DtypeError


def weighted(who: str, backend: Backend, t: Any, given: Any, class_weight: Any, encoding: Encoding | None) -> Any:
    """Return the weights of rows times those of their classes, given by label or as ``"balanced"``, ``N / (K Nₖ)``.

    They are on ``backend``.

    Raises: ``ArgumentError`` for targets that are not classes, and for invalid weights; ``DtypeError`` if it is no map.
    """
    t = t[...] if isinstance(t, RowsOnDisk) else to_numpy(t)
    if t.dtype.kind == "f" and np.array_equal(t, np.trunc(t)):
        t = t.astype(np.int64)
    if t.dtype.kind not in "iu":
        must, got = "class_weight must be for targets that are class indices", t.dtype
        raise ArgumentError(who, must, got, "give weights of rows, train=(x, t, weights)")
    names = encoding.targets.names if encoding is not None and isinstance(encoding.targets, Classes) else None
    counts = np.bincount(t.reshape(-1), minlength=len(names or ()))
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            must = 'class_weight must be "balanced" or map classes to weights'
            raise ArgumentError(who, must, repr(class_weight), "choose one")
        present = counts > 0
        table = np.where(present, t.size / (present.sum() * np.maximum(counts, 1)), 0.0)
    elif not isinstance(class_weight, Mapping):
        must, remedy = 'class_weight must be "balanced" or map classes to weights', "write {0: 1.0, 1: 2.0}"
        raise DtypeError(who, must, type(class_weight).__name__, remedy)
    else:
        table = np.ones(len(counts))
        for label, weight in class_weight.items():
            known: list[Any] = list(range(len(counts))) if names is None else list(names)
            key = label if names is None else str(label)
            if key not in known or not isinstance(weight, float | int) or not 0.0 <= weight < float("inf"):
                must = f"class_weight must map classes, {', '.join(map(str, known[:10]))}, to weights from 0"
                raise ArgumentError(who, must, f"{label!r}: {weight!r}", "write each class as it is in the data")
            table[known.index(key)] = weight
    own: Any = table[t]
    if given is not None:
        weights = to_numpy(given)
        own = own * weights.reshape(weights.shape + (1,) * (own.ndim - weights.ndim))
    if own.ndim == 2 and own.shape[1] == 1:
        own = own[:, 0]
    made: Any = backend.asarray(own, float)
    return made


def np_backend() -> Backend:
    """Return the backend of NumPy, on which rows on disk are read."""
    return backend_of(np.zeros(1))
