"""Tables of named columns on the host, from pandas, polars, dicts, lists and CSV files."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from numbers import Integral, Number
from typing import Any, TypeAlias

import numpy as np

from xpnet.backend import is_array, to_numpy
from xpnet.errors import ArgumentError, DataError, DtypeError, NameUnknownError, ShapeError

Host: TypeAlias = "np.ndarray[Any, Any]"

MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}
"""The texts, in lower case, that stand for a missing value."""

WHOLE = re.compile(r"[+-]?\d+")
DAY = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")

NOT_A_TIME = np.datetime64("NaT", "s")


class Table:
    """Columns of equal length with their names, on the host.

    Numbers and booleans are arrays of their kind, dates ``datetime64``, and all other columns arrays of objects, with
    None for missing values. A column of texts that are all numbers, true or false, or dates such as 2026-11-28, is
    converted to these, unless its name is in ``texts``. ``places`` are the indices of the rows in the table from which
    they were taken.

    Raises: ``ShapeError`` for columns of different lengths; ``ArgumentError`` for two columns of the same name;
    ``DataError`` for no rows; ``DtypeError`` for anything that is not a table.

    >>> table = Table({"rooms": ["1", "2"], "built": ["1999-12-31", "2026-11-28"]})
    >>> table["rooms"], table["built"]
    (array([1, 2]), array(['1999-12-31T00:00:00', '2026-11-28T00:00:00'],
          dtype='datetime64[s]'))
    """

    def __init__(self, columns: Mapping[str, Any], texts: Container[str] = ()) -> None:
        self.columns: dict[str, Host] = {
            str(name): parsed(column_of(name, given), str(name) in texts) for name, given in columns.items()
        }
        if len(self.columns) != len(columns):
            raise ArgumentError("Table", "each column must have a name of its own", list(columns), "rename them")
        lengths = {name: len(values) for name, values in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise ShapeError(
                "Table", "columns must have equal lengths", lengths, "fill the shorter ones, or cut the rest"
            )
        self.rows = next(iter(lengths.values()), 0)
        self.places = np.arange(self.rows)
        if not self.rows:
            raise DataError("Table", "a table must have rows", "none", "give some data")

    @classmethod
    def of(cls, data: Any, texts: Container[str] = ()) -> Table:
        """Return a table made from a DataFrame, a dict of columns, a list of dicts, or rows of values.

        Columns without names are called ``column 0``, ``column 1``, ….

        Raises: errors of the constructor.
        """
        if isinstance(data, Table):
            return data
        if hasattr(data, "iloc") and hasattr(data, "columns"):  # pandas
            names = [str(name) for name in data.columns]
            return cls(unlike(names, [data.iloc[:, i] for i in range(len(names))]), texts)
        if hasattr(data, "get_columns"):  # polars
            return cls(unlike(data.columns, data.get_columns()), texts)
        if hasattr(data, "collect_schema"):
            raise DtypeError("Table", "a table must hold its rows", "a LazyFrame", "collect it, x.collect()")
        if isinstance(data, Mapping):
            return cls(data, texts)
        if isinstance(data, np.ndarray) and data.dtype.names:
            return cls({name: data[name] for name in data.dtype.names}, texts)
        if isinstance(data, list | tuple) and data and all(isinstance(row, Mapping) for row in data):
            names = list(dict.fromkeys(name for row in data for name in row))
            return cls({name: [row.get(name) for row in data] for name in names}, texts)
        return cls(numbered(data), texts)

    def take(self, rows: Host) -> Table:
        """Return the table of some rows, by their indices."""
        part = object.__new__(Table)
        part.columns = {name: values[rows] for name, values in self.columns.items()}
        part.rows, part.places = len(rows), self.places[rows]
        return part

    def without(self, *names: str) -> Table:
        """Return the table without some columns."""
        part = object.__new__(Table)
        part.columns = {name: values for name, values in self.columns.items() if name not in names}
        part.rows, part.places = self.rows, self.places
        return part

    def __getitem__(self, name: str) -> Host:
        try:
            return self.columns[name]
        except KeyError:
            must = f"the column must be one of {', '.join(self.columns)}"
            raise NameUnknownError("Table", must, repr(name), "look at the first line of the file") from None

    def __len__(self) -> int:
        return self.rows

    def __repr__(self) -> str:
        return f"Table({self.rows:,} rows of {', '.join(self.columns)})"


def unlike(names: Iterable[str], columns: Iterable[Any]) -> dict[str, Any]:
    """Return columns by their names.

    Raises: ``ArgumentError`` for two columns of the same name.
    """
    found: dict[str, Any] = {}
    for name, column in zip(names, columns, strict=True):
        if name in found:
            must = "each column must have a name of its own"
            raise ArgumentError("Table", must, f"two of {name!r}", "rename one of them")
        found[name] = column
    return found


def numbered(data: Any) -> dict[str, Any]:
    """Return the columns of rows without names."""
    if isinstance(data, list | tuple):
        listed = [list(row) if isinstance(row, list | tuple | np.ndarray) else [row] for row in data]
        if len({len(row) for row in listed}) > 1:
            raise ShapeError(
                "Table", "rows must have equal lengths", "rows of different lengths", "fill the shorter ones"
            )
        rows: Host = np.empty((len(listed), len(listed[0]) if listed else 0), dtype=object)
        for i, row in enumerate(listed):
            rows[i, :] = row
    elif is_array(data):
        rows = to_numpy(data)
    else:
        got = type(data).__name__
        raise DtypeError("Table", "a table must have rows and columns", got, "give a DataFrame, a dict or rows")
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim != 2:
        raise ShapeError("Table", "a table must have rows and columns", rows.shape, "give each row as one list")
    return {f"column {i}": rows[:, i] for i in range(rows.shape[1])}


def column_of(name: Any, values: Any) -> Host:
    """Return the values of a column on the host."""
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if is_array(values) and not isinstance(values, np.ndarray):
        values = to_numpy(values)
    if isinstance(values, np.ma.MaskedArray):
        values = values.tolist()  # None where it is masked
    if not isinstance(values, np.ndarray):
        if isinstance(values, str | bytes) or not isinstance(values, Iterable):
            must = f"column {name} must hold a value for each row"
            raise DtypeError("Table", must, type(values).__name__, "give a list")
        items = [value[0] if isinstance(value, list | tuple) and len(value) == 1 else value for value in values]
        values = np.empty(len(items), dtype=object)
        values[:] = items
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        must = f"column {name} must hold one value for each row"
        raise ShapeError("Table", must, values.shape, "make a column of each")
    if values.dtype.kind == "c" or (values.dtype.kind == "O" and any(isinstance(value, complex) for value in values)):
        must, remedy = f"column {name} must hold no complex numbers", "make columns of the real and imaginary parts"
        raise DtypeError("Table", must, "such", remedy)
    found: Host = values
    return found


def parsed(values: Host, texts: bool = False) -> Host:
    """Return a column in the type of its values: numbers, booleans, dates, or objects with None for missing values.

    With ``texts`` a column of texts stays as it is, with None for missing values.
    """
    if values.dtype.kind in "US":
        values = values.astype(object)
    if values.dtype.kind != "O":
        return values if values.dtype.kind != "m" else values / np.timedelta64(1, "D")
    plain = np.empty(len(values), dtype=object)
    plain[:] = [None if is_missing(value) else value.strip() if isinstance(value, str) else value for value in values]
    present = [value for value in plain if value is not None]
    if not present:
        return plain
    if all(isinstance(value, bool | np.bool_) for value in present) and len(present) == len(plain):
        return plain.astype(bool)
    if all(isinstance(value, Number) and not isinstance(value, bool | np.bool_) for value in present):
        return as_numbers(plain)
    if all(isinstance(value, str) for value in present):
        if texts:
            return plain
        if all(DAY.fullmatch(value) for value in present):
            try:
                return as_days([None if value is None else datetime.fromisoformat(value) for value in plain])
            except ValueError:  # the 31st of February
                return plain
        if {value.lower() for value in present} <= {"true", "false"} and len(present) == len(plain):
            return np.asarray([value.lower() == "true" for value in plain])
        try:
            return as_numbers(plain)
        except ValueError:
            return plain
    if all(isinstance(value, date) for value in present):
        return as_days(plain)
    if all(isinstance(value, time) for value in present):
        return np.asarray([np.nan if value is None else seconds_of(value) for value in plain])
    return plain


def as_days(values: Iterable[Any]) -> Host:
    """Dates and times of Python as those of NumPy; of another zone as those of UTC."""
    found = []
    for value in values:
        if value is not None and getattr(value, "tzinfo", None) is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        found.append(NOT_A_TIME if value is None else np.datetime64(value, "s"))
    return np.asarray(found, dtype="datetime64[s]")


def seconds_of(value: time) -> float:
    """Return the seconds since midnight of a time of day."""
    return 3600.0 * value.hour + 60.0 * value.minute + value.second + 1e-6 * value.microsecond


def as_numbers(values: Host) -> Host:
    """Return objects as numbers, as integers if all are integers and none is missing."""
    if any(value is None for value in values):
        return np.asarray([np.nan if value is None else as_float(value) for value in values])
    if all(isinstance(value, Integral) or (isinstance(value, str) and WHOLE.fullmatch(value)) for value in values):
        with suppress(OverflowError):
            return np.asarray([int(value) for value in values], dtype=np.int64)
    return np.asarray([as_float(value) for value in values])


def as_float(value: Any) -> float:
    """Return a number as a float, infinite if it is beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def is_missing(value: Any) -> bool:
    """Return whether a value stands for a missing one."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, str):
        return value.strip().lower() in MISSING
    return isinstance(value, float | np.floating) and value != value


def missing_in(values: Host) -> Host:
    """Return a mask of the rows in which a column has no value."""
    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind == "M":
        return np.isnat(values)
    if values.dtype.kind == "O":
        return np.asarray([is_missing(value) for value in values], dtype=bool)
    return np.zeros(len(values), dtype=bool)
