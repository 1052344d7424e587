"""``xpnet check``: a gradient check of every layer, on every backend here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xpnet.backend import available_backends, use_backend
from xpnet.cases import CASES
from xpnet.cli import options
from xpnet.cli.console import make_console
from xpnet.gradcheck import Report, gradient_check

if TYPE_CHECKING:
    from rich.text import Text


@click.command()
@options.backend("each that is ready")
@options.device
@options.dtype("float64")
@options.quiet
def check(backend: str | None, device: str | None, dtype: str, quiet: bool) -> None:
    """Check the gradients of every layer, on every backend present or on one.

    A cell shows the largest relative difference between backward and numerical differentiation, over all parameters and
    inputs. Exits with 1 where a gradient is wrong.
    """
    from rich.progress import track
    from rich.table import Table

    if device and not backend:
        raise click.UsageError("--device names a device of one library: add --backend")
    names = [backend] if backend else list(available_backends())
    table = Table("layer", *names, title=f"gradient check of every layer ({dtype})", title_justify="left")
    rows: dict[str, list[Text]] = {case.name: [] for case in CASES}
    failures: list[tuple[str, Report]] = []
    console = make_console(quiet)
    for name in names:
        with use_backend(name, device=device, dtype=dtype):
            for case in track(CASES, description=name, console=console, transient=True):
                layer, inputs = case.build()
                report = gradient_check(layer, *inputs, dtype=None)
                rows[case.name].append(cell(report))
                if not report.ok:
                    failures.append((name, report))
    for layer_name, cells in rows.items():
        table.add_row(layer_name, *cells)
    console.print(table)
    for name, report in failures:
        console.print(f"on {name}:", report)
        if quiet:
            click.echo(f"on {name}: {report}", err=True)
    if failures:
        raise SystemExit(1)
    backends = "1 backend" if len(names) == 1 else f"{len(names)} backends"
    console.print(f"{len(CASES) * len(names)} checks on {backends}: every gradient is right.", style="green")


def cell(report: Report) -> Text:
    """Return the largest relative difference, coloured by the worst status."""
    from rich.text import Text

    worst = max(row.max_rel for row in report.rows)
    if not report.ok:
        return Text(f"{worst:.0e} fail", "bold red")
    kinks = sum(row.kinks for row in report.rows)
    return Text(f"{worst:.0e}, {kinks} kinks", "yellow") if kinks else Text(f"{worst:.0e}", "green")
