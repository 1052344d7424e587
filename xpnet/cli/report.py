"""``xpnet report``: one page about a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from xpnet.backend import get_backend, use_backend
from xpnet.cli import options
from xpnet.datasets import Images, read_table
from xpnet.datasets.image_folders import files_by_class
from xpnet.errors import ArgumentError
from xpnet.files import written_in_place
from xpnet.training import Run
from xpnet.training.report import report as page_of


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

    It shows the curves, the network and its weights. With DATA, a table with its --target or a folder of images by
    class, also the confusion matrix and the worst mistakes, or the predicted numbers beside the right ones.
    """
    with use_backend(backend or get_backend(), device=device):
        opened = Run(run)
        rows, labels = (None, None) if data is None else rows_of(opened, data, target)
        text = page_of(opened, rows, labels)
    place = out or run / "report.html"
    with written_in_place(place) as part:
        part.write_text(text, encoding="utf-8")
    click.echo(f"wrote {place}")


def rows_of(run: Run, data: Path, target: str | None) -> tuple[Any, Any]:
    """Rows and labels of a table or a folder.

    Raises: ``ArgumentError`` for a table without the name of the column that was learnt.
    """
    if isinstance(run.encoding.inputs, Images):
        files = files_by_class(data)
        return [path for own in files.values() for path in own], [name for name, own in files.items() for _ in own]
    table = read_table(data)
    if target is None:
        must = f"--target must name what was learnt, one of {', '.join(table.columns)}"
        raise ArgumentError("report", must, "none", "leave out DATA for the curves alone")
    return table, table[target]
