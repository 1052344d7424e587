"""Tables in files: CSV without other packages, Parquet by polars or pandas."""

from __future__ import annotations

import csv
import importlib
import io
import re
from collections.abc import Callable, Container, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from xpnet.datasets.tables import Table, is_missing, unlike
from xpnet.errors import BackendError, DataError
from xpnet.files import path_of, reason

DELIMITERS = ",;\t|"
SEPARATOR = re.compile(r"sep=(.)\r?\n")
DECIMAL = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
COMMA = re.compile(r"[+-]?\d+(,\d+)?")


def read_table(path: str | Path, texts: Container[str] = ()) -> Table:
    """Return the table in a CSV or Parquet file, chosen by the suffix of its name; ``texts`` as in ``Table``.

    Raises: ``DataError`` for a file that cannot be read or is not a table; ``BackendError`` if Parquet needs a library.

    >>> with open("houses.csv", "w") as file:
    ...     print("rooms,price", file=file)
    ...     print("2,15", file=file)
    >>> read_table("houses.csv")["price"]
    array([15])
    """
    path = path_of("read_table", path)
    if path.suffix.lower() in (".parquet", ".pq"):
        return read_parquet(path, texts)
    if path.suffix.lower() in (".csv", ".tsv", ".txt", ".data"):
        return read_csv(path, texts=texts)
    must, remedy = f"{path} must be a table by the ending of its name", "name it .csv, .tsv or .parquet"
    raise DataError("read_table", must, path.suffix or "no ending", remedy)


def read_csv(path: str | Path, delimiter: str | None = None, texts: Container[str] = ()) -> Table:
    """Return the table in a file of delimited values, whose first line names the columns.

    The delimiter is found in the first line: a comma, semicolon, tab or bar. Where it is no comma, numbers may have
    decimal commas, ``0,5``. Empty fields, ``NA``, ``NaN``, ``null``,
    ``None`` and ``?`` stand for no value.

    Raises: ``DataError`` for a file that cannot be read, is not UTF-8 text, or has a line of another length.

    >>> with open("houses.csv", "w") as file:
    ...     print("rooms;price", file=file)
    ...     print("2;1,5", file=file)
    ...     print("3;NA", file=file)
    >>> read_csv("houses.csv")["price"]
    array([1.5, nan])
    """
    try:
        text = path_of("read_csv", path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        must, remedy = f"{path} must be text in UTF-8", "save it as UTF-8, in a spreadsheet as CSV UTF-8"
        raise DataError("read_csv", must, f"byte {error.object[error.start]:#x} at {error.start}", remedy) from error
    except (OSError, ValueError) as error:
        raise DataError("read_csv", f"{path} must be readable", reason(error), "give a CSV file") from error
    return table_in(text, str(path), delimiter, texts)


def table_in(text: str, name: str, delimiter: str | None = None, texts: Container[str] = ()) -> Table:
    """Return the table in delimited text; ``name`` is that of its source, for errors.

    Raises: ``DataError``.
    """
    if "\0" in text:
        raise DataError("read_csv", f"{name} must be text", "a zero byte", "give a CSV file")
    if told := SEPARATOR.match(text):  # as spreadsheets write it
        text, delimiter = text[told.end() :], delimiter or told[1]
    first = text.partition("\n")[0]
    delimiter = delimiter or max(DELIMITERS, key=first.count)
    try:
        lines = [(line, row) for line, row in numbered_lines(text, delimiter) if any(map(str.strip, row))]
    except csv.Error as error:
        raise DataError("read_csv", f"{name} must be lines of values", error, "look for an unclosed quote") from error
    if len(lines) < 2:
        must, got = f"{name} must name its columns in the first line, and hold rows", f"{len(lines)} lines"
        raise DataError("read_csv", must, got, "give a table with a header")
    (_, head), *rows = lines
    for line, row in rows:
        if len(row) != len(head):
            must, got = f"each line of {name} must have {len(head)} values", f"{len(row)} in line {line}"
            raise DataError("read_csv", must, got, "correct it, or put quotes around a value with a comma")
    if value := next((name for name in head if DECIMAL.fullmatch(name.strip())), None):
        must, remedy = f"the first line of {name} must name the columns", "write a line of names above it"
        raise DataError("read_csv", must, repr(value), remedy)
    names = [name.strip() or f"column {i}" for i, name in enumerate(head)]
    columns = zip_longest(*(row for _, row in rows))
    return Table(unlike(names, columns if delimiter == "," else map(with_points, columns)), texts)


def with_points(column: Sequence[str]) -> Sequence[str]:
    """Return a column of numbers with decimal commas, ``0,5``, with decimal points; any other column unchanged."""
    present = [value for value in column if not is_missing(value)]
    if not any("," in value for value in present) or not all(COMMA.fullmatch(value.strip()) for value in present):
        return column
    return [value.replace(",", ".") for value in column]


def numbered_lines(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the values of each line, with its number in the file."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    return [(reader.line_num, row) for row in reader]


def read_parquet(file: str | Path | IO[bytes], texts: Container[str] = (), name: str = "") -> Table:
    """Return the table in a Parquet file, read by polars if it is installed, or else by pandas.

    An open file has a ``name`` for errors.

    Raises: ``BackendError`` if neither is installed; ``DataError`` for a file that cannot be read.
    """
    for library in ("polars", "pandas"):
        try:
            read: Callable[[Any], Any] = importlib.import_module(library).read_parquet
        except ImportError:
            continue
        try:
            return Table.of(read(file), texts)
        except ImportError:  # pandas needs another package
            continue
        except Exception as error:
            must = f"{name or file} must be a readable Parquet file"
            first = reason(error).strip().partition("\n")[0]
            raise DataError("read_parquet", must, first, "give another, or a CSV file") from error
    raise BackendError("read_parquet", "polars must be installed", "none", "pip install xpnet[data]")
