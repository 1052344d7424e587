"""``python -m benchmarks`` trains small networks with xpnet and with whatever else is installed, side by side."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from benchmarks.race import COMPETITORS, WORKLOADS, Competitor, Report, Setting, grow, markdown, put_into, race
from benchmarks.race.data import has_mnist
from benchmarks.race.display import footprint_table, growth_table, heat_table
from benchmarks.race.footprint import footprint
from benchmarks.race.machine import machine, versions
from benchmarks.race.peers import GPU_BACKEND
from benchmarks.race.picture import growth_svg, ratios_svg
from benchmarks.race.process import Failed
from benchmarks.race.report import BUSY
from xpnet.backend import make_backend
from xpnet.cli import Answering, options
from xpnet.cli.console import make_console, narrow
from xpnet.errors import BackendError
from xpnet.files import make_folder, written_in_place


def some_of(known: Collection[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Read names with commas between, or ``all``."""

    def read(_: click.Context, parameter: click.Parameter, value: str) -> list[str]:
        names = list(known) if value == "all" else [name.strip() for name in value.split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise click.BadParameter(f"{name!r} is none of {', '.join(known)}", param=parameter)
        return names

    return read


def named(option: str, known: Collection[str], default: str, text: str) -> Callable[..., Callable[..., object]]:
    """Return an option that takes some of the known names."""
    return click.option(option, callback=some_of(known), default=default, show_default=True, metavar="NAMES", help=text)


file = click.Path(path_type=Path, dir_okay=False)


@click.command(cls=Answering, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@named("--workloads", WORKLOADS, "W1,W2,W3", f"Some of {', '.join(WORKLOADS)}, or all.")
@named("--competitors", COMPETITORS, "all", f"Some of {', '.join(COMPETITORS)}.")
@click.option("--threads", type=options.Whole(1), default=2, show_default=True, help="Threads, and cores, for each.")
@click.option("--rounds", type=options.Whole(1), default=5, show_default=True, help="Turns of each competitor.")
@click.option("--gpu", is_flag=True, help="Run on the GPU: xpnet on CuPy, and what else can.")
@options.quiet
@click.option("--growth", is_flag=True, help="Measure xpnet over batches, widths and depths instead.")
@click.option("--footprint", "footprints", is_flag=True, help="Measure the time to import and the room on disk, too.")
@click.option("--json", "json_file", type=file, metavar="FILE", help="Write all that was measured there.")
@click.option("--markdown", "page", type=file, metavar="FILE", help="Write tables there, and a picture beside it.")
def main(
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
    for path in filter(None, (json_file, page)):  # not after minutes of measuring
        make_folder("benchmarks", path.parent)
    console = make_console(quiet)
    asked = [COMPETITORS[name] for name in competitors]
    absent = list(dict.fromkeys(one.package for one in asked if not one.installed))
    if absent and len(asked) < len(COMPETITORS):
        names = ", ".join(one.name for one in asked if not one.installed)
        remedy = f"pip install {' '.join(absent)}, or leave it out of --competitors"
        raise BackendError("benchmarks", "what it is to compare must be installed", f"no {names}", remedy)
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
                report.footprints.extend(
                    footprint(one.library, one.package) for one in {one.package: one for one in here}.values()
                )
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


def run_heats(console: Console, report: Report, competitors: list[Competitor], workloads: list[str]) -> None:
    """Race on each workload, and print a table as soon as it is done."""
    for name in workloads:
        workload = WORKLOADS[name]
        able = [one for one in competitors if workload.kind in one.workloads]
        with shown(console, name) as show:
            heat = race(workload, able, report.setting, report.rounds, show)
        report.heats.append(heat)
        console.print(heat_table(heat, narrow(console)), *heat.troubles(), sep="\n")
    console.print(*report.verdicts(), sep="\n", style="bold")
    if report.busy():
        console.print(BUSY, style="yellow")


def measure_growth(console: Console, report: Report, competitors: list[Competitor]) -> None:
    """Measure the first competitor over each axis."""
    with shown(console, "growth") as show:
        report.growth.extend(grow(competitors[0], report.setting, report.rounds, show))
    console.print(growth_table(report.growth))


@contextmanager
def shown(console: Console, name: str) -> Iterator[Callable[[str], None]]:
    """Return a status line, and the function that says behind its name what is being done."""
    with console.status(Text(name)) as status:
        yield lambda text: status.update(Text(f"{name}, {text}"))


def write(report: Report, json_file: Path | None, page: Path | None) -> Iterator[Path]:
    """Write the files that were asked for."""
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


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
