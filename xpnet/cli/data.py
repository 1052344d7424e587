"""``xpnet data``: the data sets that are known by name, which of them are here, and what the others need."""

from __future__ import annotations

import os
from contextlib import suppress

import click

from xpnet.cli.console import make_console, narrow
from xpnet.datasets import load_digits
from xpnet.datasets.catalogue import CATALOGUE, TEXT, Known
from xpnet.datasets.texts import python_text
from xpnet.errors import DataError


@click.command()
def data() -> None:
    """List the data sets that `xpnet train --dataset NAME` knows: where each is, and what is needed of the others.

    Files are read from the folder that the variable XPNET_DATA names; MNIST also from the cache, into which it is
    fetched when it is trained on. Every file is read whole and checked.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = make_console()
    table = Table("data set", "rows", box=box.SIMPLE_HEAD, pad_edge=False)
    if not narrow(console):
        table.add_column("where", overflow="fold")
    lacking: dict[str, DataError] = {}
    for name, known in CATALOGUE.items():
        shown: tuple[str | Text, str]
        try:
            shown = found(known)
        except DataError as error:
            lacking[name] = error
            shown = Text("not here", "yellow"), "-"
        table.add_row(name, *shown[: 1 if narrow(console) else 2])
    with suppress(ImportError):  # a Python without its help
        table.add_row(TEXT, f"{len(python_text()):,} characters", *([] if narrow(console) else ["ships with Python"]))
    console.print(table)
    folder = os.environ.get("XPNET_DATA")
    console.print(f"XPNET_DATA is {folder}" if folder else "XPNET_DATA names no folder", soft_wrap=True)
    for name, refused in lacking.items():
        known = CATALOGUE[name]
        console.print(f"{name} needs {known.needs}; it is at {known.page}", soft_wrap=True)
        if not refused.who.startswith("load_"):  # a file is there
            console.print(f"  {refused}", soft_wrap=True)


def found(known: Known) -> tuple[str, str]:
    """Return the numbers of rows of a data set, and its place.

    Raises: ``DataError`` if it is missing, or is refused.
    """
    if known.read is None:
        (train, _), (test, _) = load_digits()
        return f"{train.shape[0]:,} + {test.shape[0]:,}", "ships with xpnet"
    raw = known.read()
    remark = {True: ", as published", False: ", not the files that were published", None: ""}[raw.published]
    return f"{len(raw.train[1]):,} + {len(raw.test[1]):,}", f"{raw.place}{remark}"
