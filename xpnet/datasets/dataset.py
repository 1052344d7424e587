"""A user's own data, ready for a Trainer, with the encoding that a model must keep."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from xpnet.backend import get_backend
from xpnet.datasets.arrange import Pair
from xpnet.datasets.columns import Columns
from xpnet.datasets.encoding import Encoding
from xpnet.datasets.split import split
from xpnet.datasets.table_files import read_table
from xpnet.datasets.tables import Table, missing_in
from xpnet.datasets.targets import Classes, targets_for
from xpnet.errors import ArgumentError, DataError, DtypeError
from xpnet.random import Generator


class Dataset:
    """Rows for training and validation as arrays of the current backend, and the encoding that made them.

    ``Dataset.of(table, target="price")`` makes one from a DataFrame, a dict of columns, a list of dicts or the name of
    a CSV or Parquet file. ``inputs`` and ``outputs`` are the sizes that a network must have.

    >>> table = {"rooms": [1, 2, 3, 4] * 5, "town": ["Kyoto", "Nara"] * 10, "price": [10.0, 20.0, 30.0, 40.0] * 5}
    >>> data = Dataset.of(table, target="price")
    >>> data.inputs, data.outputs, len(data.train[0]), len(data.validation[0])
    (3, 1, 16, 4)
    """

    def __init__(self, train: Pair, validation: Pair | None = None, encoding: Encoding | None = None) -> None:
        self.train = train
        self.validation = validation
        self.encoding = Encoding() if encoding is None else encoding

    @classmethod
    def of(
        cls,
        table: Any,
        target: Any,
        validation: float | Any | None = 0.2,
        kinds: Mapping[str, str] | None = None,
        task: str | None = None,
        missing: str = "refuse",
        rng: Generator | None = None,
    ) -> Self:
        """Return a data set made from a table.

        ``validation`` is the share of rows that are held out, taken from every class, or a table of them, or None. The
        kinds, means and categories of the columns (see ``Columns``), and the classes, are found from the training rows
        only. ``task`` is ``"classes"`` or ``"numbers"``; by default texts, booleans and integers with few different
        values are classes. With ``missing="fill"`` rows without a target are left out.

        Raises: ``DataError``, ``ArgumentError``, ``NameUnknownError`` naming column and row.
        """
        if task not in (None, "classes", "numbers"):
            raise ArgumentError("Dataset", 'task must be "classes" or "numbers"', repr(task), "choose one")
        if not isinstance(target, str):
            must, got = "target must be the name of a column", type(target).__name__
            raise DtypeError("Dataset", must, got, 'write target="price"')
        rows = with_target(table, target, missing)
        apart: Table | None = None
        if isinstance(validation, float | int):
            targets = targets_for(rows[target], task)
            labels = targets.encode(rows[target]) if isinstance(targets, Classes) else None
            if isinstance(targets, Classes) and 2 * targets.outputs > len(rows):
                must = f"most classes of {target} must occur more than once"
                got = f"{targets.outputs:,} in {len(rows):,} rows"
                raise DataError("Dataset", must, got, 'learn another column, or numbers, task="numbers"')
            chosen = split(len(rows), float(validation), Generator(0) if rng is None else rng, labels)
            rows, apart = (rows.take(part) for part in chosen)
        elif validation is not None:
            apart = with_target(validation, target, missing)
        targets = targets_for(rows[target], task)
        columns = Columns.fit(rows.without(target), kinds, missing)
        encoding = Encoding(columns, targets)
        pairs = [None if part is None else pair(encoding, part, target) for part in (rows, apart)]
        return cls(pairs[0], pairs[1], encoding)  # type: ignore[arg-type]

    @property
    def inputs(self) -> int:
        """The number of values D in a row of x."""
        return int(np.prod(self.train[0].shape[1:]))

    @property
    def outputs(self) -> int:
        """The number of scores that a network must give for a row."""
        targets = self.encoding.targets
        return 1 if targets is None else targets.outputs

    @property
    def classes(self) -> list[str] | None:
        """The names of the classes, or None for numbers."""
        targets = self.encoding.targets
        return targets.names if isinstance(targets, Classes) else None

    def __repr__(self) -> str:
        apart = 0 if self.validation is None else self.validation[0].shape[0]
        return f"Dataset({self.train[0].shape[0]:,} rows of training, {apart:,} of validation; {self.encoding!r})"


def with_target(table: Any, target: str, missing: str) -> Table:
    """Return the table, read from a file if given as a path, without rows that lack a target if ``missing="fill"``."""
    rows = read_table(table) if isinstance(table, str | Path) else Table.of(table)
    absent = missing_in(rows[target])
    return rows.take(np.flatnonzero(~absent)) if missing == "fill" and absent.any() else rows


def pair(encoding: Encoding, rows: Table, target: str) -> Pair:
    """Return the rows as arrays of the current backend."""
    backend = get_backend()
    return backend.asarray(encoding.x(rows)), backend.asarray(encoding.t(rows[target]))
