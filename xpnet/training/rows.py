"""The rows that a Trainer trains and measures on, converted from the forms that it accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from xpnet.backend import Backend, array_namespace, backend_of, dtype_kind, is_array, to_numpy
from xpnet.backend.several import each, first_of, is_several, rows_of
from xpnet.datasets import Batches, Classes, Columns, Encoding, RowsOnDisk, Table
from xpnet.datasets.array_files import on_disk
from xpnet.datasets.check import count_rows
from xpnet.datasets.columns import Column
from xpnet.datasets.tables import column_of
from xpnet.datasets.targets import finite
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import Embedding, Layer, SigmoidWithLoss
from xpnet.layers.loss import takes_classes
from xpnet.networks import Network
from xpnet.random import Generator
from xpnet.training.class_weights import np_backend

TEXT = "OUSb"
"""The NumPy kinds of labels that are not numbers: objects, texts and booleans."""


@dataclass
class Rows:
    """Inputs, targets and, optionally, weights of rows: arrays on one device, or rows on disk; x may be several."""

    x: Any
    t: Any
    weights: Any = None

    @property
    def count(self) -> int:
        """The number of rows."""
        return int(first_of(self.x).shape[0])

    @property
    def arrays(self) -> tuple[Any, ...]:
        """The pair ``(x, t)`` or the triple ``(x, t, weights)``."""
        return (self.x, self.t) if self.weights is None else (self.x, self.t, self.weights)

    def batches(self, batch_size: int, rng: Generator | None, drop_last: bool) -> Batches:
        """Return the rows in batches."""
        return Batches(self.x, self.t, batch_size, rng, drop_last, self.weights)

    def take(self, rows: Any) -> Rows:
        """Return some of the rows, by indices on the host."""
        return Rows(*(each(partial(taken, rows=rows), part) for part in (self.x, self.t, self.weights)))


def taken(part: Any, rows: Any) -> Any:
    """Return some of the rows of an array, on its device or on disk."""
    if isinstance(part, RowsOnDisk):
        return part.take(rows)
    return array_namespace(part).take(part, backend_of(part).asarray(rows), axis=0)


def first_rows(part: Any, count: int) -> Any:
    """Return the first rows of an array; rows of a file stay on disk."""
    return part.take(np.arange(count)) if isinstance(part, RowsOnDisk) else part[:count, ...]


class Preparation:
    """The conversion of the data of a Trainer to rows, for a network and its loss.

    ``encoding`` is the part that a model must keep for predictions: columns and classes by their names.
    """

    def __init__(self, who: str, network: Network, encoding: Encoding | None = None) -> None:
        self.who = who
        self.network = network
        self.encoding = encoding

    @property
    def backend(self) -> Backend | None:
        """The backend on which the network computes, or None without parameters."""
        W = next(iter(self.network.params.values()), None)
        return None if W is None else backend_of(W)

    def rows(self, name: str, data: Any) -> Rows:
        """Return the rows of a pair ``(x, t)`` or a triple ``(x, t, weights)``.

        Raises: ``DtypeError`` for anything else; ``DataError`` and ``ArgumentError`` with column and row.
        """
        if not isinstance(data, tuple | list) or len(data) not in (2, 3):
            got = type(data).__name__
            raise DtypeError(self.who, f"{name} must be a pair (x, t)", got, f"write {name}=(x, t)")
        x, t, *weights = data
        x = self.several(x) if is_several(x) else self.x(x)
        t = self.t(x, t)
        return Rows(x, t, self.weights(name, x, weights[0]) if weights else None)

    def several(self, x: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return several inputs: the first as a single one, of the others whole numbers and booleans as they are."""
        if on_disk(x) or any(isinstance(part, np.memmap) for part in x):
            return each(beside_a_file, x)  # type: ignore[no-any-return]
        found: list[Any] = []
        for part in x:
            as_it_is = is_array(part) and (dtype_kind(part) == "bool" or (found and dtype_kind(part) == "integer"))
            if part is None or self.backend is None or (as_it_is and not self.is_to_move(part)):
                found.append(part)
            else:
                found.append(self.backend.asarray(part) if as_it_is else self.x(part))
        return tuple(found)

    def x(self, x: Any) -> Any:
        """Return the inputs: arrays unchanged, those of NumPy and lists on the network's device, tables by columns."""
        if isinstance(x, np.memmap):
            return RowsOnDisk(x.filename, x)  # type: ignore[arg-type]
        placed = is_array(x) and not is_text(x) and not self.is_to_move(x)
        if isinstance(x, RowsOnDisk) or placed or self.backend is None:
            return x
        if hasattr(x, "columns") or isinstance(x, Mapping | Table):
            if self.encoding is None or self.encoding.inputs is None:
                named = Table.of(x).columns.items()
                columns = Columns([Column(name, number_kind(self.who, name, values)) for name, values in named])
                self.encoding = Encoding(columns, None if self.encoding is None else self.encoding.targets)
            host = self.encoding.x(x)
        elif isinstance(x, list) and any(map(is_array, x)):
            host = np.stack([to_numpy(row) for row in x])
        else:
            host, _ = self.backend.on_host(x)
        whole = first_takes_indices(self.network)
        if whole and host.dtype.kind == "f" and np.array_equal(host, np.trunc(host)):
            return self.backend.asarray(host.astype(np.int64))
        return self.backend.asarray(host, None if whole and host.dtype.kind in "iu" else float)

    def t(self, x: Any, t: Any) -> Any:
        """Return targets for the loss: classes as indices, answers and numbers in the shape of the scores."""
        last = self.network.last_layer
        if isinstance(t, np.memmap):
            return RowsOnDisk(t.filename, t)  # type: ignore[arg-type]
        if isinstance(t, RowsOnDisk):
            return t
        if is_array(t) and not is_text(t):
            if self.backend is not None and self.is_to_move(t) and not on_disk((x,)):
                t = self.backend.asarray(t)
            return self.shaped(x, self.cast(t, last))
        if self.backend is None and not on_disk((x,)):
            return t
        backend = self.beside(x)
        if is_array(t) and not isinstance(t, np.ndarray):  # booleans of another library
            t = to_numpy(t)
        if (getattr(t, "ndim", 1) == 2 and t.shape[1] > 1) or is_rows(t):
            return self.shaped(x, self.cast(backend.asarray(t), last))
        return self.shaped(x, backend.asarray(self.labels(t, last)))

    def beside(self, x: Any) -> Backend:
        """Return the backend of targets and weights: that of the network, or NumPy's beside rows on disk."""
        return np_backend() if self.backend is None or on_disk((x,)) else self.backend

    def is_to_move(self, part: Any) -> bool:
        """Return whether this is a NumPy array and the network is on another library."""
        return isinstance(part, np.ndarray) and self.backend is not None and self.backend.library.name != "numpy"

    def labels(self, t: Any, last: Layer | None) -> Any:
        """Return labels or numbers on the host, ``(N,)``."""
        targets = None if self.encoding is None else self.encoding.targets
        if isinstance(last, SigmoidWithLoss) or takes_classes(last):
            if targets is None:
                values = np.asarray(Table({"t": t})["t"])
                shares = isinstance(last, SigmoidWithLoss) and values.dtype.kind == "f"
                if values.dtype.kind in "iu" or shares:
                    return finite(values) if shares else values
                targets = Classes.fit(t)
                self.encoding = Encoding(None if self.encoding is None else self.encoding.inputs, targets)
            if isinstance(last, SigmoidWithLoss) and targets.outputs != 2:
                names = getattr(targets, "names", [])
                must, got = "labels under SigmoidWithLoss must be of two classes", ", ".join(names[:5])
                raise ArgumentError(self.who, must, got, "end the network with SoftmaxWithLoss()")
            indices = targets.encode(t)
            return indices if takes_classes(last) else indices.astype(np.float64)
        return finite(t) if targets is None else targets.encode(t)

    def cast(self, t: Any, last: Layer | None) -> Any:
        """Return booleans as classes for a softmax and as numbers for other losses, and integers as floats."""
        kind = dtype_kind(t)
        shares = kind == "bool" and t.ndim > 1 and t.shape[-1] > 1  # one-hot
        classes = takes_classes(last) and not shares
        if classes or self.backend is None or kind not in ("bool", "integer"):
            return t
        own = backend_of(t)
        return t if own.library is not self.backend.library else array_namespace(t).astype(t, self.backend.dtype)

    def shaped(self, x: Any, t: Any) -> Any:
        """Return targets ``(N,)`` or ``(N, 1)`` in the shape of these two that the scores need."""
        if t.ndim not in (1, 2) or (t.ndim == 2 and t.shape[1] != 1) or not first_of(x).shape[0]:
            return t
        count_rows(self.who, x, t)
        y = self.network.predict(self.first(x))
        classes = takes_classes(self.network.last_layer) and dtype_kind(t) != "real"
        axes = y.ndim - 1 if classes else y.ndim
        xp = array_namespace(t)
        if t.ndim == 2 and axes == 1:
            return t[:, 0]
        if t.ndim == 1 and axes == 2 and y.shape[-1] == 1:
            return xp.reshape(t, (-1, 1))
        return t

    def first(self, x: Any) -> Any:
        """Return the first row, on the device of the network."""
        row = rows_of(x, slice(0, 1))
        return each(self.backend.asarray, row) if on_disk((x,)) and self.backend is not None else row

    def weights(self, name: str, x: Any, weights: Any) -> Any:
        """Return the weights of rows as floating numbers, with the library and device of x.

        Raises: ``ArgumentError`` for a weight that is negative or not finite, with its row.
        """
        if weights is None:
            return None
        host = to_numpy(weights) if is_array(weights) else column_of(f"weights of {name}", weights)
        try:
            host = host.astype(np.float64)
        except (TypeError, ValueError):
            must = f"weights of {name} must be numbers"
            raise DtypeError(self.who, must, repr(host[0]), "give one number for each row") from None
        wrong = ~(np.isfinite(host) & (host >= 0.0))
        if wrong.any():
            row = int(np.flatnonzero(wrong.reshape(len(host), -1).any(axis=1))[0])
            must, got = f"weights of {name} must be finite and not negative", f"{host[row]} in row {row}"
            raise ArgumentError(self.who, must, got, "give 0 to a row that does not count")
        rows = first_of(x).shape[0]
        if len(host) != rows:
            must = f"weights of {name} must be one for each of {rows} rows"
            raise ShapeError(self.who, must, len(host), "give a weight for each row")
        return self.beside(x).asarray(host, float)


def beside_a_file(part: Any) -> Any:
    """Return one of several inputs of which some are on disk: rows on disk, or an array on the host."""
    if isinstance(part, np.memmap):
        return RowsOnDisk(part.filename, part)  # type: ignore[arg-type]
    return part if isinstance(part, RowsOnDisk) else to_numpy(part) if is_array(part) else np.asarray(part)


def is_text(array: Any) -> bool:
    """Return whether an array holds labels that are not numbers."""
    return (isinstance(array, np.ndarray) and array.dtype.kind in TEXT) or dtype_kind(array) == "bool"


def is_rows(t: Any) -> bool:
    """Return whether these are lists of several numbers, one for each row."""
    return isinstance(t, list | tuple) and bool(t) and isinstance(t[0], list | tuple) and len(t[0]) > 1


def number_kind(who: str, name: str, values: Any) -> str:
    """Return the kind of a column of numbers.

    Raises: ``DtypeError`` for a column of anything else.
    """
    if values.dtype.kind in "iuf":
        return "number"
    if values.dtype.kind == "b":
        return "boolean"
    shown = next((value for value in values if value is not None), None)
    remedy = 'encode the table, Dataset.of(table, target="…"), or leave the column out'
    raise DtypeError(who, f"column {name} must be numbers", repr(shown), remedy)


def first_takes_indices(layer: Layer) -> bool:
    """Return whether the first layer takes integers."""
    while layer.is_container:
        layer = next(iter(layer.layers.values()))
    return isinstance(layer, Embedding)
