"""``xpnet evaluate``: the quality of a trained network on labelled data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from xpnet.backend import get_backend, use_backend
from xpnet.cli import options
from xpnet.cli.console import make_console
from xpnet.cli.labelled import labelled_rows, own_data
from xpnet.datasets.catalogue import CATALOGUE
from xpnet.errors import ArgumentError
from xpnet.training import Run
from xpnet.training.evaluation import evaluate as measure
from xpnet.training.shown import measured

SHOWN = 40
"""The number of classes that are listed."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path), required=False)
@click.option("--target", metavar="NAME", help="The column that was learnt, of a table DATA.  [default: of the run]")
@options.as_json
@options.backend()
@options.device
def evaluate(
    run: Path, data: Path | None, target: str | None, as_json: bool, backend: str | None, device: str | None
) -> None:
    """Measure the network in the folder RUN on DATA: loss, accuracy and rows of each class, or errors of numbers.

    DATA is a table with the column that was learnt, a folder of images by class, a text, or the name of a data set that
    `xpnet data` lists, for its test images. The default is the test set of such a run, or the data of the training, if
    it still exists.
    """
    with use_backend(backend or get_backend(), device=device), options.warnings_in_one_line():
        opened = Run(run)
        note = ""
        if data is None and opened.settings.get("dataset") in CATALOGUE:
            data = Path(opened.settings["dataset"])
        elif data is None and (data := own_data(opened)) is not None:
            note = ", which includes the training rows"
        if data is None:
            must, remedy = "DATA must be given, as that of the training is not here", "name a table or a folder"
            raise ArgumentError("evaluate", must, "none", remedy)
        rows, labels = labelled_rows("evaluate", opened, data, target or opened.settings.get("target"))
        found = measure(opened, rows, labels)
    if as_json:
        click.echo(json.dumps({"run": str(run), "data": str(data), **found}, ensure_ascii=False, allow_nan=False))
    else:
        tell(f"{run} on {data}{note}", found)


def tell(title: str, found: dict[str, Any]) -> None:
    """Print the measures as a table, and the rows of each class."""
    from rich import box
    from rich.table import Table

    console = make_console()
    console.print(f"{title}: {found['rows']:,} rows", soft_wrap=True)
    table = Table("", "", box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    for name, value in found.items():
        if name not in ("rows", "classes"):
            table.add_row(name, "not finite" if value is None else measured(name, value))
    console.print(table)
    classes = found.get("classes", {})
    if classes:
        table = Table("class", "rows", "right", "", box=box.SIMPLE_HEAD, pad_edge=False)
        for name, own in list(classes.items())[:SHOWN]:
            share = f"{own['right'] / own['rows']:.2%}" if own["rows"] else "-"
            table.add_row(name, f"{own['rows']:,}", f"{own['right']:,}", share)
        console.print(table)
        if len(classes) > SHOWN:
            console.print(f"and {len(classes) - SHOWN} more classes; --json shows all")
