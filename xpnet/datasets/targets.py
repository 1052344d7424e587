"""Targets of a loss, and their conversion: classes by name, and numbers that are scaled to be near 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from xpnet.datasets.columns import label_of
from xpnet.datasets.described import items, number, text
from xpnet.datasets.tables import Host, column_of, missing_in, parsed
from xpnet.errors import DataError, DtypeError

FEW = 20
"""Integers with at most this many different values may be classes; with more they are numbers."""


class Classes:
    """Labels as class indices, ``t = index of the label in names``; scores as labels, ``names[argmax y]``.

    Names are sorted: numbers by size, others alphabetically. A label that is not among them raises with its row.

    Raises: ``DataError`` for labels that are missing or unknown, and for fewer than two classes.

    >>> classes = Classes.fit(["dog", "cat", "dog"])
    >>> classes.encode(["dog", "cat"])
    array([1, 0])
    >>> classes.decode(np.array([[0.1, 0.9]]))
    array(['dog'], dtype='<U3')
    """

    def __init__(self, names: list[str], kind: str = "text") -> None:
        self.names = names
        self.kind = kind

    @classmethod
    def fit(cls, labels: Any) -> Self:
        """Return the classes of these labels."""
        values = present("classes", labels)
        names = sorted({label_of(value) for value in values}, key=by_size)
        if len(names) < 2:
            got = f"{names[0]} in all {len(values)} rows" if names else "no rows"
            raise DataError("classes", "there must be two or more", got, "choose another target, or add rows")
        return cls(names, {"b": "boolean", "i": "integer", "u": "integer"}.get(values.dtype.kind, "text"))

    @property
    def outputs(self) -> int:
        """The number of scores K that a network must give."""
        return len(self.names)

    def encode(self, labels: Any) -> Host:
        """Return the indices of labels, ``(N,)`` int64 on the host."""
        values, places = present("classes", labels), {name: place for place, name in enumerate(self.names)}
        found = np.asarray([places.get(label_of(value), -1) for value in values], dtype=np.int64)
        if (found < 0).any():
            row = int(np.flatnonzero(found < 0)[0])
            known = ", ".join(self.names[:10]) + (", …" if len(self.names) > 10 else "")
            must, got = f"labels must be among those of training, {known}", f"{label_of(values[row])!r} in row {row}"
            raise DataError("classes", must, got, "correct it, or train with rows of that class too")
        return found

    def decode(self, scores: Host) -> Host:
        """Return the labels with the highest scores; with one score for each row, decide by its sign."""
        if scores.ndim == 1 or scores.shape[-1] == 1:
            places = (np.reshape(scores, (len(scores), -1))[:, 0] > 0.0).astype(np.int64)
        else:
            places = np.argmax(scores, axis=-1)
        names: Host = np.asarray(self.names)
        if self.kind == "boolean":
            names = names == "True"
        elif self.kind == "integer":
            names = names.astype(np.int64)
        return names[places]

    def describe(self) -> dict[str, Any]:
        """Return a description that JSON can hold."""
        return {"classes": self.names, "kind": self.kind}

    def __repr__(self) -> str:
        return f"Classes({', '.join(self.names)})"


class Numbers:
    """Numbers near 1, ``t = (y - mean) / std``, and back, ``y = mean + std t``.

    Shapes: ``y (N,)`` or ``(N, M)``, ``t (N, M)``.
    Raises: ``DataError`` for numbers that are missing or not finite.

    >>> prices = Numbers.fit([100.0, 300.0])
    >>> prices.encode([100.0, 200.0])
    array([[-1.],
           [ 0.]])
    >>> prices.decode(np.array([[0.5]]))
    array([250.])
    """

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        self.mean, self.std = mean, std

    @classmethod
    def fit(cls, numbers: Any) -> Self:
        """Return the conversion with the mean and standard deviation of these numbers."""
        values = finite(numbers)
        std = float(values.std())
        return cls(float(values.mean()), std if std > 0.0 else 1.0)

    outputs = 1

    def encode(self, numbers: Any) -> Host:
        """Return the targets for numbers, ``(N, 1)`` float64 on the host."""
        return ((finite(numbers) - self.mean) / self.std)[:, None]

    def decode(self, scores: Host) -> Host:
        """Return the numbers that scores stand for, ``(N,)`` or ``(N, M)``."""
        found: Host = self.mean + self.std * np.reshape(scores, (len(scores), -1)).astype(np.float64)
        return found[:, 0] if found.shape[1] == 1 else found

    def describe(self) -> dict[str, Any]:
        """Return a description that JSON can hold."""
        return {"mean": self.mean, "std": self.std}

    def __repr__(self) -> str:
        return f"Numbers(mean {self.mean:.4g}, std {self.std:.4g})"


Targets = Classes | Numbers


def targets_for(values: Any, task: str | None = None) -> Targets:
    """Return classes or numbers, as the task says; by default, texts, booleans and few different integers are classes.

    Raises: ``DataError`` of these.
    """
    if task is None:
        found = parsed(column_of("target", values))
        distinct = len(set(found.tolist())) if found.dtype.kind in "iu" else 0
        task = "numbers" if found.dtype.kind == "f" or distinct > FEW else "classes"
    return Numbers.fit(values) if task == "numbers" else Classes.fit(values)


def targets_of(description: Mapping[str, Any]) -> Targets:
    """Return the classes or numbers of a description."""
    if "classes" in description:
        made = Classes(
            list(map(text, items(description["classes"]))), text(description["kind"], "text", "integer", "boolean")
        )
        made.decode(np.zeros((1, len(made.names))))  # integers must be some
        return made
    return Numbers(number(description["mean"]), number(description["std"], above=0.0))


def present(what: str, values: Any) -> Host:
    """Return a column without missing values, or raise ``DataError`` with the row of one."""
    found = parsed(column_of("target", values))
    absent = missing_in(found)
    if absent.any():
        row, count = int(np.flatnonzero(absent)[0]), int(absent.sum())
        got = f"none in row {row}" + (f" and {count - 1:,} more" if count > 1 else "")
        raise DataError(what, "the target must have a value in each row", got, "leave these rows out")
    return found


def finite(numbers: Any) -> Host:
    """Return a column of finite numbers, or raise an error with the row of another value."""
    values = present("numbers", numbers)
    if values.dtype.kind not in "biuf":
        got = f"{values[0]!r} in row 0"
        raise DtypeError("numbers", "the target must be numbers", got, 'learn classes, task="classes"')
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError("numbers", "the target must be finite", f"{values[row]} in row {row}", "leave the row out")
    return values


def by_size(name: str) -> tuple[int, float, str]:
    """Return the sort key of a class: numbers by their size, then texts alphabetically."""
    try:
        return 0, float(name), ""
    except ValueError:
        return 1, 0.0, name
