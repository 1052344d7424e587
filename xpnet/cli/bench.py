"""``xpnet bench``: small trainings by xpnet and by whatever else is installed, side by side."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xpnet.backend import make_backend
from xpnet.benchmark import COMPETITORS, WORKLOADS, Competitor, Report, Setting, grow, markdown, put_into, race
from xpnet.benchmark.footprint import footprint
from xpnet.benchmark.machine import machine, versions
from xpnet.benchmark.peers import GPU_BACKEND
from xpnet.benchmark.picture import growth_svg, ratios_svg
from xpnet.benchmark.process import Failed
from xpnet.benchmark.report import BUSY
from xpnet.benchmark.workloads import has_mnist
from xpnet.cli import options
from xpnet.cli.console import make_console, narrow
from xpnet.errors import BackendError
from xpnet.files import make_folder, written_in_place

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status


def some_of(known: Collection[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Read names with commas between, or ``all``."""

    def read(_: click.Context, parameter: click.Parameter, value: str) -> list[str]:
        names = list(known) if value == "all" else [name.strip() for name in value.split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise click.BadParameter(f"{name!r} is none of {', '.join(known)}", param=parameter)
        return names

    return read


file = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option(
    "--workloads",
    callback=some_of(WORKLOADS),
    default="W1,W2,W3",
    show_default=True,
    metavar="NAMES",
    help="Some of W1 to W5, or all.",
)
@click.option(
    "--competitors",
    callback=some_of(COMPETITORS),
    default="all",
    show_default=True,
    metavar="NAMES",
    help=f"Some of {', '.join(COMPETITORS)}.",
)
@click.option("--threads", type=options.Whole(1), default=2, show_default=True, help="Threads, and cores, for each.")
@click.option("--rounds", type=options.Whole(1), default=5, show_default=True, help="Turns of each competitor.")
@click.option("--gpu", is_flag=True, help="Run on the GPU: xpnet on CuPy, and what else can.")
@options.quiet
@click.option("--growth", is_flag=True, help="Measure xpnet over batches, widths and depths instead.")
@click.option("--footprint", "footprints", is_flag=True, help="Measure the time to import and the room on disk, too.")
@click.option("--json", "json_file", type=file, metavar="FILE", help="Write all that was measured there.")
@click.option("--markdown", "page", type=file, metavar="FILE", help="Write tables there, and a picture beside it.")
def bench(
    workloads: list[str],
    competitors: list[str],
    threads: int,
    rounds: int,
    gpu: bool,
    quiet: bool,
    growth: bool,
    footprints: bool,
    json_file: Path | None,
    page: Path | None,
) -> None:
    """Train small networks with xpnet and with each library that is installed, and compare.

    Everyone starts from the same weights and sees the same batches, and the losses must agree. Competitors run in
    turns, each in a process of its own, stopped while the others run. Exits with 1 where xpnet itself does not run, or
    computes another loss.
    """
    from rich.text import Text

    from xpnet.benchmark.display import footprint_table

    for path in filter(None, (json_file, page)):  # not after minutes of measuring
        make_folder("bench", path.parent)
    console = make_console(quiet)
    asked = [COMPETITORS[name] for name in competitors]
    absent = list(dict.fromkeys(one.package for one in asked if not one.installed))
    if absent and len(asked) < len(COMPETITORS):
        names = ", ".join(one.name for one in asked if not one.installed)
        remedy = f"pip install {' '.join(absent)}, or leave it out of --competitors"
        raise BackendError("bench", "what it is to compare must be installed", f"no {names}", remedy)
    if gpu:
        make_backend(GPU_BACKEND)  # or say what is missing
    here = [one for one in asked if one.installed and one.runs(gpu)]
    compiler = ["numba"] if any(one.fast for one in here) else []
    packages = list(dict.fromkeys(["xpnet", "numpy", *compiler, *(one.package for one in here)]))
    setting = Setting(min(threads, os.cpu_count() or 1), gpu)
    report = Report(machine(), versions(packages), setting, rounds, "MNIST" if has_mnist() else "synthetic")
    console.print(report.conditions(), style="dim")
    try:
        if growth:
            measure_growth(console, report, here)
        else:
            run_heats(console, report, here, workloads)
        if footprints:
            with console.status(Text("importing each library, and measuring its files")):
                report.footprints.extend(footprint(one.library, one.package) for one in once(here))
            console.print(footprint_table(report.footprints))
    except Failed as failure:
        raise click.ClickException(f"the benchmark could not run: {failure}") from failure
    elsewhere = [one.name for one in asked if not one.runs(gpu)]
    if elsewhere:
        console.print(f"not on a {'GPU' if gpu else 'CPU'}: {', '.join(elsewhere)}", style="dim")
    if absent:
        console.print(f"not installed, and so not here: {', '.join(absent)}", style="dim")
    for written in write(report, json_file, page):
        console.print(f"wrote {written}", soft_wrap=True)
    if not report.right:
        raise SystemExit(1)


def once(competitors: list[Competitor]) -> list[Competitor]:
    """One competitor of each package."""
    return list({one.package: one for one in competitors}.values())


def run_heats(console: Console, report: Report, competitors: list[Competitor], workloads: list[str]) -> None:
    """A table as soon as a workload is done."""
    from rich.text import Text

    from xpnet.benchmark.display import heat_table

    for name in workloads:
        workload = WORKLOADS[name]
        able = [one for one in competitors if workload.kind in one.workloads]
        with console.status(Text(name)) as status:

            def show(text: str, name: str = name, status: Status = status) -> None:
                status.update(Text(f"{name}, {text}"))

            heat = race(workload, able, report.setting, report.rounds, show)
        report.heats.append(heat)
        console.print(heat_table(heat, narrow(console)), *heat.troubles(), sep="\n")
    console.print(*report.verdicts(), sep="\n", style="bold")
    if report.busy():
        console.print(BUSY, style="yellow")


def measure_growth(console: Console, report: Report, competitors: list[Competitor]) -> None:
    """The first competitor, over each axis."""
    from rich.text import Text

    from xpnet.benchmark.display import growth_table

    with console.status(Text("growth")) as status:

        def show(text: str) -> None:
            status.update(Text(f"growth, {text}"))

        points = grow(competitors[0], report.setting, report.rounds, show)
        report.growth.extend(points)
    console.print(growth_table(report.growth))


def write(report: Report, json_file: Path | None, page: Path | None) -> Iterator[Path]:
    """The files that were asked for."""
    if json_file is not None:
        yield put(json_file, json.dumps(report.to_dict(), indent=1) + "\n")
    if page is None:
        return
    what, svg = ("growth", growth_svg) if report.growth else ("times", ratios_svg)
    picture = page.with_name(f"{page.stem}_{what}.svg")
    yield put(picture, svg(report))
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    yield put(page, put_into(before, what, markdown(report, picture.name)))


def put(path: Path, text: str) -> Path:
    with written_in_place(path) as part:
        part.write_text(text, encoding="utf-8")
    return path
