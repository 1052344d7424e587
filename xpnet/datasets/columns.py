"""The columns of a table as numbers, fitted on the training rows and kept with the model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from xpnet.datasets.described import items, number, text
from xpnet.datasets.tables import Host, Table, missing_in, parsed
from xpnet.errors import ArgumentError, DataError, DtypeError, NameUnknownError

KINDS = ("number", "category", "date", "boolean", "none")
"""The kinds of columns; ``none`` leaves a column out."""

MISSING = ("refuse", "fill")
"""What happens to rows with missing values."""

MOST = 50
"""With more categories than this, each must occur twice on average, and with more still, five times."""

FEW = 10
"""The number of categories that is always accepted."""

STRAYS = 5
"""If at most one value in this many is not a number, it is a mistake in a column of numbers."""


@dataclass(frozen=True)
class Column:
    """A column with its conversion: ``(x - mean) / std`` of numbers, dates in days and booleans, one-hot of categories.

    ``reason`` explains why a column of kind ``none`` was left out.
    """

    name: str
    kind: str
    mean: float = 0.0
    std: float = 1.0
    categories: list[str] = field(default_factory=list)
    reason: str = ""

    @property
    def width(self) -> int:
        """The number of values that the column contributes to a row."""
        return {"none": 0, "category": len(self.categories)}.get(self.kind, 1)

    def __str__(self) -> str:
        if self.kind == "category":
            return f"{self.name}: category of {len(self.categories)}"
        if self.kind == "none":
            return f"{self.name}: left out, {self.reason}"
        return f"{self.name}: {self.kind}, mean {self.mean:.4g}, std {self.std:.4g}"


class Columns:
    """The columns of a table as numbers, ``x[n] = (numbers of column 1, numbers of column 2, …)``.

    ``Columns.fit(table)`` finds the kind of each column, and its mean and standard deviation or its categories, from
    the given rows, which should be the training rows only; ``columns(table)`` converts any rows. ``kinds`` sets the
    kind of a column if the detected one is wrong, ``{"zip": "category", "id": "none"}``.

    Missing values raise with column and row; with ``missing="fill"`` a missing number becomes the mean of training, and
    a missing category is none of the known ones. A category that training has not seen counts as none, with a warning.

    Raises: ``DataError`` for missing values and numbers that are not finite; ``ArgumentError`` for an unknown kind,
    or if no column is left.

    >>> table = {"rooms": [1, 3], "town": ["Kyoto", "Nara"]}
    >>> columns = Columns.fit(table)
    >>> columns.names
    ['rooms', 'town=Kyoto', 'town=Nara']
    >>> columns({"rooms": [2], "town": ["Nara"]})  # 2 is the mean of the rooms
    array([[0., 0., 1.]])
    """

    def __init__(self, columns: Sequence[Column], missing: str = "refuse") -> None:
        if missing not in MISSING:
            raise ArgumentError("Columns", 'missing must be "refuse" or "fill"', repr(missing), "choose one")
        self.columns = list(columns)
        self.missing = missing

    @classmethod
    def fit(cls, table: Any, kinds: Mapping[str, str] | None = None, missing: str = "refuse") -> Self:
        """Return the columns that these rows show."""
        if kinds is not None and not hasattr(kinds, "items"):
            must, got = "kinds must name the kind of a column", type(kinds).__name__
            raise DtypeError("Columns", must, got, 'write kinds={"zip": "category"}')
        table, kinds = Table.of(table), dict(kinds or {})
        for name, kind in kinds.items():
            table[name]
            if kind not in KINDS:
                must = f"the kind of column {name} must be one of {', '.join(KINDS)}"
                raise ArgumentError("Columns", must, repr(kind), "choose one")
        found = [fitted(name, values, table.places, kinds.get(name)) for name, values in table.columns.items()]
        made = cls(found, missing)
        if not made.width:
            got = "; ".join(map(str, found)) or "none"
            raise ArgumentError(
                "Columns", "at least one column must be left to learn from", got, "name a kind for one of them"
            )
        return made

    @property
    def width(self) -> int:
        """The number of values D of a row."""
        return sum(column.width for column in self.columns)

    @property
    def names(self) -> list[str]:
        """The names of the values of a row, ``age``, ``city=Paris``."""
        return [
            name
            for column in self.columns
            for name in (
                [f"{column.name}={category}" for category in column.categories]
                if column.kind == "category"
                else [column.name] * column.width
            )
        ]

    @property
    def texts(self) -> set[str]:
        """The names of the columns of categories, in which texts stay as they are written."""
        return {column.name for column in self.columns if column.kind == "category"}

    def many(self, data: Any) -> tuple[Any, bool]:
        """Return the data as a table, and whether they were one row: a dict of values, or a row of a DataFrame."""
        if hasattr(data, "to_dict") and not hasattr(data, "columns"):
            data = data.to_dict()
        one = isinstance(data, Mapping) and bool(data) and not any(map(is_column, data.values()))
        return ({name: [value] for name, value in data.items()} if one else data), one

    def __call__(self, data: Any) -> Host:
        """Return the numbers of the rows of a table, ``x (N, D)`` in float64 on the host.

        Raises: ``NameUnknownError`` if a column of training is not there.
        """
        table = Table.of(self.many(data)[0], self.texts)
        used = [column for column in self.columns if column.width]
        if lacking := [column.name for column in used if column.name not in table.columns]:
            must = f"rows must have the columns of training, {', '.join(column.name for column in used)}"
            remedy = f"add {', '.join(lacking)}"
            raise NameUnknownError("Columns", must, ", ".join(table.columns), remedy)
        parts = [self._numbers(column, table[column.name], table.places) for column in used]
        return np.concatenate(parts, axis=1)

    def _numbers(self, column: Column, values: Host, places: Host) -> Host:
        absent = missing_in(values)
        if absent.any() and self.missing == "refuse":
            rows = np.flatnonzero(absent)
            got = f"none in row {places[rows[0]]}" + (f" and {len(rows) - 1:,} more" if len(rows) > 1 else "")
            remedy = 'fill it, leave the rows out, or write missing="fill"'
            raise DataError("Columns", f"column {column.name} must have a value in each row", got, remedy)
        if column.kind == "category":
            return one_hot(column, values, absent, places)
        numbers = as_floats(column, values, absent, places)
        wrong = ~np.isfinite(numbers) & ~absent
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            got = f"{numbers[row]} in row {places[row]}"
            raise DataError("Columns", f"column {column.name} must be finite", got, "correct it, or leave the row out")
        numbers = np.where(absent, column.mean, numbers)
        return ((numbers - column.mean) / column.std)[:, None]

    def describe(self) -> dict[str, Any]:
        """Return a description that JSON can hold."""
        return {"columns": [asdict(column) for column in self.columns], "missing": self.missing}

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """Return the columns of a description."""
        found = [Column(**column) for column in items(description["columns"])]
        for column in found:
            text(column.name), text(column.kind, *KINDS), text(column.reason)
            number(column.mean), number(column.std, above=0.0)
            list(map(text, items(column.categories)))
        return cls(found, text(description["missing"], *MISSING))

    def __str__(self) -> str:
        return "\n".join(map(str, self.columns))

    def __repr__(self) -> str:
        return f"Columns({', '.join(column.name for column in self.columns if column.width)}; {self.width} numbers)"


def is_column(value: Any) -> bool:
    """Return whether a value holds those of many rows."""
    return not isinstance(value, str | bytes) and (isinstance(value, Iterable) or hasattr(value, "__array__"))


def fitted(name: str, values: Host, places: Host, wanted: str | None) -> Column:
    """Return a column, of the given kind or of the kind that its values show."""
    absent = missing_in(values)
    present = values[~absent]
    if not wanted:
        refuse_strays(name, values, places)
    kind, reason = (wanted, "as requested") if wanted else kind_of(present)
    if kind == "none" or not len(present):
        return Column(name, "none", reason=reason or "it has no value")
    if kind == "category":
        return Column(name, kind, categories=sorted({label_of(value) for value in present}))
    column = Column(name, kind)
    numbers = as_floats(column, values[~absent], absent[~absent], places[~absent])
    numbers = numbers[np.isfinite(numbers)]
    mean, std = (float(numbers.mean()), float(numbers.std())) if len(numbers) else (0.0, 1.0)
    return Column(name, kind, mean, std if std > 0.0 else 1.0)


def refuse_strays(name: str, values: Host, places: Host) -> None:
    """Raise for a text in a column of numbers: a mark of a value that is missing, or a mistake.

    Raises: ``DataError`` naming column and row.
    """
    texts = [row for row, value in enumerate(values) if isinstance(value, str)] if values.dtype.kind == "O" else []
    strays = [row for row in texts if not is_number(values[row])]
    if strays and STRAYS * len(strays) <= len(values) - int(missing_in(values).sum()):
        got = f"{values[strays[0]]!r} in row {places[strays[0]]}"
        got += f" and {len(strays) - 1:,} more texts" if len(strays) > 1 else ""
        remedy = 'correct it, leave it empty, or say that the column is of kind "category"'
        raise DataError("Columns", f"column {name} must be numbers, as most of it is", got, remedy)


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def kind_of(present: Host) -> tuple[str, str]:
    """Return the kind of a column by its values, and the reason if it is ``none``."""
    if not len(present):
        return "none", "it has no value"
    if present.dtype.kind == "M":
        return "date", ""
    distinct = {label_of(value) for value in present}
    if len(distinct) == 1 and len(present) > 1:
        return "none", f"it is always {label_of(present[0])}"
    if present.dtype.kind == "b":
        return "boolean", ""
    if present.dtype.kind in "iuf":
        return "number", ""
    if len(distinct) > len(present) / (5 if len(distinct) > MOST else 2) and len(distinct) > FEW:
        return "none", f"it has {len(distinct):,} different texts in {len(present):,} rows"
    return "category", ""


def as_floats(column: Column, values: Host, absent: Host, places: Host) -> Host:
    """Return the values of a column of numbers, dates or booleans as floating numbers, with NaN where absent.

    Raises: ``DataError`` for a value that is none of them.
    """
    if (values.dtype.kind == "M") != (column.kind == "date") and values.dtype.kind in "Mbiuf":
        must, remedy = f"column {column.name} must be a {column.kind} in each row", "give it as training had it"
        raise DataError("Columns", must, f"{values[0]} in row {places[0]}", remedy)
    if values.dtype.kind == "M":
        return np.where(absent, np.nan, values.astype("datetime64[s]").astype(np.int64) / 86400.0)
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    numbers = np.full(len(values), np.nan)
    for row in np.flatnonzero(~absent).tolist():
        try:
            numbers[row] = float(values[row])
        except (TypeError, ValueError, OverflowError):
            must = f"column {column.name} must be a {column.kind} in each row"
            remedy = 'correct it, or make it of kind "category"'
            raise DataError("Columns", must, f"{values[row]!r} in row {places[row]}", remedy) from None
    return numbers


def one_hot(column: Column, values: Host, absent: Host, places: Host) -> Host:
    """Return a 1 at the category of each row, and only 0 if it is absent or unknown; warn of unknown categories."""
    found = {category: place for place, category in enumerate(column.categories)}
    numbers = np.zeros((len(values), len(found)))
    unknown: dict[str, int] = {}
    for row in np.flatnonzero(~absent).tolist():
        label = label_of(values[row])
        if label not in found and isinstance(values[row], str):  # alone, a text of training may have been a number
            label = label_of(parsed(values[row : row + 1])[0])
        if label in found:
            numbers[row, found[label]] = 1.0
        else:
            unknown.setdefault(label, int(places[row]))
    if unknown:
        label, row = next(iter(unknown.items()))
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        text = f"Columns: column {column.name} has {label!r} in row {row}{more}, which training has not seen"
        warnings.warn(f"{text}; it counts as none of the categories", stacklevel=4)
    return numbers


def label_of(value: Any) -> str:
    """Return the text of a category; integers have no decimal point, whatever their type."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
