"""Rows in the content of a file, by what a network takes: a table, an image, a text, or numbers."""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.datasets.array_files import header_of, read_member
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.datasets.columns import Columns, is_number
from xpnet.datasets.encoding import Encoding
from xpnet.datasets.images import Images
from xpnet.datasets.symbols import Symbols
from xpnet.datasets.table_files import read_parquet, table_in
from xpnet.datasets.tables import Host, Table
from xpnet.errors import DataError, ShapeError
from xpnet.files import reason

JSON = (".json", ".jsonl", ".ndjson")


class Named(io.BytesIO):
    """The content of a file, with the name of the file."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def rows_in(encoding: Encoding, content: bytes, name: str, ending: str | None = None) -> Any:
    """Return the rows in the content of a file, as the encoding takes them; ``name`` is that of the file.

    The form is told by the ``ending``, by default that of the name.

    A table is CSV, Parquet, or JSON: a list of objects, or an object in each line. Images are a file of one, or pixels
    in a .npy file. Numbers, for a network of arrays, are a .npy or .npz file, CSV or JSON lists.

    Raises: ``DataError`` for anything else, and errors of the readers.
    """
    suffix, inputs = Path(name).suffix.lower() if ending is None else ending, encoding.inputs
    if suffix in (".npy", ".npz") and not isinstance(inputs, Columns | Symbols | BytePairs):
        return array_in(content, name, suffix == ".npz")
    if isinstance(inputs, Images):
        return [Named(content, name)]
    if isinstance(inputs, Symbols | BytePairs):
        return [text_in(content, name)]
    if isinstance(inputs, Columns):
        if suffix in (".parquet", ".pq"):
            return read_parquet(io.BytesIO(content), inputs.texts, name)
        text = text_in(content, name)
        found = objects_in(text, name) if is_json(text, suffix) else None
        return table_in(text, name, None, inputs.texts) if found is None else Table.of(found, inputs.texts)
    text = text_in(content, name)
    rows = lists_in(text, name) if is_json(text, suffix) else numbers_in(text, name)
    return as_rows(rows, encoding.row, name)


def is_json(text: str, suffix: str) -> bool:
    """Return whether a text is JSON, by the ending of its name or by its first character."""
    return suffix in JSON or (suffix not in (".csv", ".tsv") and text.lstrip()[:1] in ("{", "["))


def text_in(content: bytes, name: str) -> str:
    """Return the text of a file.

    Raises: ``DataError`` for one that is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"byte {content[error.start]:#x} at {error.start}"
        raise DataError("rows", f"{name} must be text in UTF-8", got, "save it as UTF-8") from error


def values_in(text: str, name: str) -> list[Any]:
    """Return the values of a JSON list, of one JSON value, or of lines of JSON.

    Raises: ``DataError``.
    """
    remedy = "write a list, or a value in each line"
    try:
        whole = json.loads(text)
        return whole if isinstance(whole, list) else [whole]
    except (ValueError, RecursionError):
        pass
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                got = f"{type(error).__name__} in line {number}: {error}".partition("\n")[0]
                raise DataError("rows", f"{name} must be JSON", got, remedy) from error
    return found


def objects_in(text: str, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table in JSON.

    Raises: ``DataError`` unless each is an object of single values.
    """
    rows = values_in(text, name)
    check_objects(rows, name)
    return rows


def check_objects(rows: list[Any], name: str) -> None:
    """Raise DataError unless each row is an object of single values."""
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            got = f"{short(row)} in row {number}"
            raise DataError("rows", f"each row of {name} must be an object, column: value", got, "name the columns")
        for column, value in row.items():
            if isinstance(value, list | dict):
                must, got = f"column {column} of {name} must hold single values", f"{short(value)} in row {number}"
                raise DataError("rows", must, got, "give one value for each column")


def lists_in(text: str, name: str) -> list[Any]:
    """Return rows of numbers in JSON; one flat list is one row."""
    rows = values_in(text, name)
    return [rows] if rows and not any(isinstance(row, list) for row in rows) else rows


def numbers_in(text: str, name: str) -> list[list[float]]:
    """Return rows of numbers in CSV, without its first line if that names the columns.

    Raises: ``DataError`` for a value that is not a number.
    """
    delimiter = max(",;\t|", key=text.partition("\n")[0].count)
    try:
        lines = [line for line in csv.reader(io.StringIO(text), delimiter=delimiter) if any(map(str.strip, line))]
    except csv.Error as error:
        must = f"{name} must be lines of values"
        raise DataError("rows", must, error, "look for an unclosed quote") from error
    if lines and not any(map(is_number, lines[0])):
        del lines[0]
    for number, line in enumerate(lines):
        if wrong := [value for value in line if not is_number(value)]:
            got = f"{short(wrong[0])} in row {number}"
            raise DataError("rows", f"{name} must hold numbers", got, "leave out other columns")
    return [list(map(float, line)) for line in lines]


def as_rows(rows: list[Any], row: tuple[Any, ...] | None, name: str) -> Host:
    """Return rows of numbers as an array, in the shape of training if the number of values fits.

    Raises: ``DataError`` for rows that are empty, of different lengths or not finite, and for a network of several
    inputs; ``ShapeError`` for another size.
    """
    if row and isinstance(row[0], tuple):
        must, remedy = f"{name} must be for a network of one input", "load the run in Python, and give it a tuple"
        raise DataError("rows", must, f"one of {len(row)}", remedy)
    try:
        found = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        got = reason(error).partition(".")[0]
        raise DataError("rows", f"{name} must hold rows of equally many numbers", got, "correct them") from error
    if not found.size:
        raise DataError("rows", f"{name} must hold rows", "none", "give some data")
    check_finite(found, name)
    if row is None or found.shape[1:] == row:
        return found
    if found.shape == row:
        return found[None]
    if found[0].size != math.prod(row):
        must = f"rows of {name} must hold {math.prod(row)} numbers, as in training {row}"
        raise ShapeError("rows", must, found[0].size, "give as many")
    return found.reshape(-1, *row)


def check_finite(rows: Host, name: str) -> None:
    """Raise DataError for numbers that are not finite."""
    if not np.isfinite(rows).all():
        place = int(np.flatnonzero(~np.isfinite(rows.reshape(len(rows), -1)).all(axis=1))[0])
        raise DataError("rows", f"{name} must hold finite numbers", f"another in row {place}", "leave it out")


def array_in(content: bytes, name: str, archive: bool) -> Host:
    """Return the array of numbers in a .npy file, or x or the first one in the archive of a .npz file.

    Raises: ``DataError`` for a file that is damaged, or holds Python objects, which are never unpickled.
    """
    must, remedy = f"{name} must be a whole file of numbers, .npy or .npz", "write it with np.save"
    file = io.BytesIO(content)
    try:
        if archive:
            with zipfile.ZipFile(file) as opened:
                names = [entry for entry in opened.namelist() if entry.endswith(".npy")]
                loaded = read_member(opened, opened.getinfo("x.npy" if "x.npy" in names else names[0]))
        else:
            header_of(file, len(content))
            file.seek(0)
            loaded = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # what NumPy raises for a damaged file is of many kinds
        got = reason(error).partition("\n")[0] or type(error).__name__
        raise DataError("rows", must, got, remedy) from error
    if loaded.dtype.kind not in "biuf" or not loaded.ndim or not loaded.size:
        raise DataError("rows", must, f"{loaded.dtype} of shape {loaded.shape}", remedy)
    check_finite(loaded, name)
    array: Host = loaded
    return array


def short(value: Any) -> str:
    """Return the start of a value, for an error."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
