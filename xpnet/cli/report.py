"""``xpnet report``: a page about a training."""

from __future__ import annotations

from pathlib import Path

import click

from xpnet.backend import get_backend, use_backend
from xpnet.cli import options
from xpnet.cli.labelled import labelled_rows, own_data
from xpnet.files import written_in_place
from xpnet.languages import say
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

    It shows the curves, the network and its weights. With DATA, a table with its --target, a folder of images by class
    or a text, it also shows the confusion matrix and the worst mistakes, or predicted and right numbers, the outputs of
    the layers, and their gradients. For a run of xpnet train DATA, the default is the data of the training, if it still
    exists.
    """
    with use_backend(backend or get_backend(), device=device):
        opened = Run(run)
        own = data is None and own_data(opened) is not None
        if own:
            data = own_data(opened)
        target = target or opened.settings.get("target")
        rows, labels = (None, None) if data is None else labelled_rows("report", opened, data, target)
        of = f"The rest of the page is about {data}" + (", which includes the training rows." if own else ".")
        text = page_of(opened, rows, labels, of)
    place = out or run / "report.html"
    with written_in_place(place) as part:
        part.write_text(text, encoding="utf-8")
    click.echo(say(f"wrote {place}"))
