"""Rows with their labels for a run: its test set, a table with the target, a folder of images by class, or a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xpnet.backend import to_numpy
from xpnet.datasets import Columns, Images, Symbols, read_table
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.datasets.catalogue import CATALOGUE
from xpnet.datasets.image_folders import files_by_class
from xpnet.datasets.texts import read_text
from xpnet.datasets.texts import rows_of as rows_of_text
from xpnet.errors import ArgumentError, DataError, NameUnknownError
from xpnet.training import Run

CONTEXT = 64
"""The number of symbols in a row, for a network that does not define it."""


def own_data(run: Run) -> Path | None:
    """Return the data that a run was trained on, if they still exist."""
    trained_on = Path(str(run.settings.get("data", "")))
    return trained_on if trained_on.is_absolute() and trained_on.exists() else None


def labelled_rows(who: str, run: Run, data: Path, target: str | None) -> tuple[Any, Any]:
    """Return rows and labels of a table, a folder, a text, or of the test set of a data set that is known by name.

    Raises: ``ArgumentError`` for a table without the name of the column that was learnt, and for a run of arrays;
    ``DataError`` for data that are not there.
    """
    inputs = run.encoding.inputs
    if isinstance(inputs, Symbols | BytePairs):
        context = getattr(run.network, "context", CONTEXT)
        return rows_of_text(inputs, read_text(data), context, str(data))
    if isinstance(inputs, Images):
        if not data.exists() and str(data) in CATALOGUE:
            return known_rows(who, run, str(data))
        files = files_by_class(data)
        return [path for own in files.values() for path in own], [name for name, own in files.items() for _ in own]
    if not isinstance(inputs, Columns):
        must, got = "DATA must be for a run that keeps how its rows are encoded", "one of arrays"
        raise ArgumentError(who, must, got, "measure it in Python, Run(folder).network.accuracy(x, t)")
    table = read_table(data, inputs.texts)
    if target is None:
        must = f"--target must name the column that was learnt, one of {', '.join(table.columns)}"
        raise ArgumentError(who, must, "none", "give its name")
    if target not in table.columns:
        must = f"{data} must have the column {target}, which was learnt"
        raise NameUnknownError(who, must, ", ".join(table.columns), "add it, or name another with --target")
    return table, table[target]


def known_rows(who: str, run: Run, name: str) -> tuple[Any, Any]:
    """Return the images of a test set as rows, and the names of their classes.

    Raises: ``DataError`` for images of another size.
    """
    known, inputs = CATALOGUE[name], run.encoding.inputs
    _, (x, t) = known.load()
    if not isinstance(inputs, Images) or not inputs.flat or known.shape != (inputs.channels, *inputs.size):
        must, got = f"the run must have been trained on images like those of {name}, {known.shape}", repr(inputs)
        raise DataError(who, must, got, "give a folder of images by class")
    return to_numpy(x), [known.names[k] for k in to_numpy(t).tolist()]
