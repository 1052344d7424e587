"""``xpnet report``: a page about a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from xpnet.backend import get_backend, use_backend
from xpnet.cli import options
from xpnet.datasets import Images, Symbols, read_table
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.datasets.image_folders import files_by_class
from xpnet.datasets.texts import read_text
from xpnet.datasets.texts import rows_of as rows_of_text
from xpnet.errors import ArgumentError
from xpnet.files import written_in_place
from xpnet.training import Run
from xpnet.training.report import report as page_of

CONTEXT = 64
"""The number of symbols in a row, for a network that does not define it."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path), required=False)
@click.option("--target", metavar="NAME", help="The column that was learnt, of a table DATA.")
@options.backend()
@options.device
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: in RUN]")
def report(
    run: Path, data: Path | None, target: str | None, backend: str | None, device: str | None, out: Path | None
) -> None:
    """Write a page about the training in the folder RUN, that opens in any browser and needs no network.

    It shows the curves, the network and its weights. With DATA, a table with its --target, a folder of images by class
    or a text, it also shows the confusion matrix and the worst mistakes, or predicted and right numbers, the outputs of
    the layers, and their gradients. For a run of xpnet train DATA, the default is the data of the training, if it still
    exists.
    """
    with use_backend(backend or get_backend(), device=device):
        opened = Run(run)
        trained_on = Path(opened.settings.get("data", ""))
        own = data is None and trained_on.is_absolute() and trained_on.exists()
        if own:
            data = trained_on
        target = target or opened.settings.get("target")
        rows, labels = (None, None) if data is None else rows_of(opened, data, target)
        of = f"The rest of the page is about {data}" + (", which includes the training rows." if own else ".")
        text = page_of(opened, rows, labels, of)
    place = out or run / "report.html"
    with written_in_place(place) as part:
        part.write_text(text, encoding="utf-8")
    click.echo(f"wrote {place}")


def rows_of(run: Run, data: Path, target: str | None) -> tuple[Any, Any]:
    """Return rows and labels of a table, a folder or a text.

    Raises: ``ArgumentError`` for a table without the name of the column that was learnt, and for a run of arrays.
    """
    inputs = run.encoding.inputs
    if inputs is None:
        must, got = "DATA must be for a run that keeps how its rows are encoded", "one of arrays"
        raise ArgumentError("report", must, got, "leave DATA out, or call xpnet.training.report.report(run, x, t)")
    if isinstance(inputs, Symbols | BytePairs):
        context = getattr(run.network, "context", CONTEXT)
        return rows_of_text(inputs, read_text(data), context, str(data))
    if isinstance(inputs, Images):
        files = files_by_class(data)
        return [path for own in files.values() for path in own], [name for name, own in files.items() for _ in own]
    table = read_table(data)
    if target is None:
        must = f"--target must name the column that was learnt, one of {', '.join(table.columns)}"
        raise ArgumentError("report", must, "none", "leave out DATA for the curves alone")
    return table, table[target]
