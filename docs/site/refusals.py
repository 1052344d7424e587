"""The page of backends and refusals: what each library lacks, the kinds of errors, each refusal with its remedy."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pages import ROOT

import xpnet as xn
from xpnet import errors
from xpnet.backend import LIBRARIES, Library
from xpnet.errors import XpnetError

REMEDIES = ROOT / "tests" / "remedies"
TABLES = ("arrays", "calls", "options", "data", "tables_and_losses")

HEAD = """# Backends and refusals

## Backends

`xpnet backends` says which of these are ready on a machine, and what the others lack. Any other library that follows
the standard is given by its namespace, `xn.set_backend(namespace)`.

| Backend | Its functions are those of | Completed here | No networks in | Where it is missing |
|---|---|---|---|---|
"""
KINDS = """
## Kinds of errors

Every error is an `XpnetError`, and also the builtin exception that one would catch. Its message says who, what must
hold, what came instead, and what to do.

| Kind | Builtin | |
|---|---|---|
"""
REFUSED = """
## Refusals

Every row was run when this page was made: the first line raises the message, and the last line, which does what the
message says, works.
"""


def refusals() -> str:
    """Return the page."""
    parts = [HEAD, *map(backend, LIBRARIES.values()), KINDS, *kinds(), REFUSED]
    sys.path.insert(0, str(REMEDIES))
    for name in TABLES:
        table = import_module(name)
        parts += [
            f"\n### {(table.__doc__ or '').strip().rstrip('.')}\n\n| Refused | Message | Works |\n|---|---|---|\n"
        ]
        parts += map(refused, getattr(table, name.upper()))
    return "".join(parts)


def backend(library: Library) -> str:
    unfit = "; ".join(f"{dtype}: {why}" for dtype, why in library.unfit.items())
    functions = library.compat or library.module
    return (
        f"| `{library.name}` | `{functions}` | {', '.join(map(code, library.repairs))} | {unfit} | {library.remedy} |\n"
    )


def kinds() -> Iterator[str]:
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, XpnetError) and kind is not XpnetError:
            builtin = next(base for base in kind.__mro__ if not issubclass(base, XpnetError))
            yield f"| `{kind.__name__}` | `{builtin.__name__}` | {(kind.__doc__ or '').partition(chr(10))[0]} |\n"


def refused(row: Any) -> str:
    """Return a row of the table, with the message that its line raises."""
    rows = import_module("rows")
    with TemporaryDirectory() as folder, xn.use_backend("numpy") as here:
        names = rows.names_on(here, Path(folder))
        exec(row.given, names)
        try:
            rows.fail(row, names)
        except XpnetError as error:
            message = re.sub(r"([\\`*_\[\]<>|])", r"\\\1", str(error).replace(folder, "FOLDER"))
        exec(row.mended, names)
    return f"| {code(row.fails)} | {message} | {code(row.mended)} |\n"


def code(text: str) -> str:
    """Return code for a cell of a table, on one line."""
    return f"`{'; '.join(text.split(chr(10)))}`".replace("|", "\\|")
