"""``xpnet conform``: a test whether an array library is good enough for backpropagation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from xpnet.cli import options
from xpnet.cli.console import make_console
from xpnet.conformance import Report, Row
from xpnet.conformance import conform as run
from xpnet.files import written_in_place


@click.command()
@click.argument("namespace")
@options.device
@click.option("--dtype", type=click.Choice(["float32", "float64"]), help="Floating dtype.  [default: the largest]")
@click.option("--quick", is_flag=True, help="One case of each function, for a library that compiles each shape.")
@click.option("--all", "every_row", is_flag=True, help="Print the successes, too.")
@options.quiet
@click.option("--json", "file", type=click.Path(path_type=Path), metavar="FILE", help="Write the whole report there.")
def conform(namespace: str, every_row: bool, file: Path | None, quiet: bool, **chosen: Any) -> None:
    """Try an array library on its arrays, layers, the rules of autodiff and a small training, against NumPy.

    NAMESPACE is a backend name such as torch, or a module path such as dask.array or my_library; the current
    folder is searched, too. Prints what is missing, raises or deviates; exits with 1 where anything does.
    """
    from rich.text import Text

    sys.path.insert(0, str(Path.cwd()))  # as python -m does, for a library that is not installed yet
    console = make_console(quiet)
    with console.status(Text(f"trying {namespace}")) as status:

        def show(row: Row) -> None:
            status.update(Text(f"trying {namespace}, {row.section}: {row.name}"))

        report = run(namespace, on_row=show, **chosen)
    console.print(report.rendered(every_row))
    if file is not None:
        write(report, file)
        console.print(f"wrote {file}", soft_wrap=True)
    if not report.ok:
        raise SystemExit(1)


def write(report: Report, file: Path) -> None:
    """Write the whole report as JSON."""
    with written_in_place(file) as part:
        part.write_text(json.dumps(report.to_dict(), indent=1, allow_nan=False), encoding="utf-8")
