"""``xpnet check``: a gradient check of every layer, on every backend here."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import click

from xpnet.backend import LIBRARIES, Library, available_backends, use_backend
from xpnet.cases import CASES, Case
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
    rows: dict[str, list[Text]] = {case.name: [] for case in CASES}
    failures: list[tuple[str, Report]] = []
    console = make_console(quiet)

    def shown(name: str, found: Iterable[Report]) -> list[Report]:
        return list(track(found, name, len(CASES), console=console, transient=True))

    with ExitStack() as started:
        compiling = [] if backend else [name for name, library in LIBRARIES.items() if compiles(library)]
        apart = {name: started.enter_context(Apart(name, dtype)) for name in compiling}
        names = [backend] if backend else list(available_backends())
        found = {name: shown(name, reports(name, device, dtype, CASES)) for name in names if name not in apart}
        for name, process in apart.items():
            if name in names:
                found[name] = shown(name, process.reports())
    table = Table("layer", *names, title=f"gradient check of every layer ({dtype})", title_justify="left")
    for name in names:
        for case, report in zip(CASES, found[name], strict=True):
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


def compiles(library: Library) -> bool:
    """Return whether a library is here that compiles, which takes most of the time of all checks."""
    return library.compiles_shapes and bool(library.installed())


def reports(name: str, device: str | None, dtype: str, cases: Iterable[Case]) -> Iterator[Report]:
    """Yield the report of each case on a backend."""
    with use_backend(name, device=device, dtype=dtype):
        for case in cases:
            layer, inputs = case.build()
            yield gradient_check(layer, *inputs, dtype=None)


class Apart:
    """The checks on one backend in a process of its own, beside those on the others; it ends with the block."""

    def __init__(self, name: str, dtype: str) -> None:
        self.name, self.dtype = name, dtype

    def __enter__(self) -> Self:
        self.folder = TemporaryDirectory()
        self.file = Path(self.folder.name) / "reports"
        told = self.name, self.dtype, str(self.file), [case.name for case in CASES]
        code = f"from xpnet.cli.check import write; write(*{told!r})"
        self.process = subprocess.Popen([sys.executable, "-c", code])  # noqa: S603 (our own)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def reports(self) -> Iterator[Report]:
        """Yield the reports, or those of this process if the other failed."""
        if self.process.wait():
            yield from reports(self.name, None, self.dtype, CASES)
        else:
            yield from pickle.loads(self.file.read_bytes())  # noqa: S301 (written by the process that we started)


def write(name: str, dtype: str, file: str, cases: list[str]) -> None:
    """Write the reports of some cases on a backend into a file."""
    chosen = [case for case in CASES if case.name in cases]
    Path(file).write_bytes(pickle.dumps(list(reports(name, None, dtype, chosen))))


def cell(report: Report) -> Text:
    """Return the largest relative difference, coloured by the worst status."""
    from rich.text import Text

    worst = max(row.max_rel for row in report.rows)
    if not report.ok:
        return Text(f"{worst:.0e} fail", "bold red")
    kinks = sum(row.kinks for row in report.rows)
    return Text(f"{worst:.0e}, {kinks} kinks", "yellow") if kinks else Text(f"{worst:.0e}", "green")
