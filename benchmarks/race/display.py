"""A heat on a terminal: time, ratio to xpnet as a bar, memory, and what the losses say."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from benchmarks.race.footprint import Footprint
from benchmarks.race.growth import Growth
from benchmarks.race.peers import COMPETITORS
from benchmarks.race.racing import Heat, Result
from benchmarks.race.report import FOOTPRINT, GROWTH, MEGABYTE, duration, footprint_cells, growth_cells

BAR, SHORT_BAR, LONGEST = 15, 4, 6.0  # characters, and the ratio that fills them


def heat_table(heat: Heat, narrow: bool = False) -> Table:
    """Return a table of a heat, the fastest first, then those that did not run; ``narrow`` has fewer columns."""
    table = Table(
        title=f"{heat.workload.name}: {heat.workload.summary}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True)
    table.add_column("a step", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("±", justify="right", style="dim", no_wrap=True)
    table.add_column(f"÷ {COMPETITORS[heat.base.competitor].label}" if heat.base else "", no_wrap=True)
    if not narrow:
        table.add_column("memory", justify="right", no_wrap=True)
    table.add_column("loss", justify="right", no_wrap=True)
    for result in sorted(heat.ran(), key=lambda result: result.median):
        table.add_row(*row(heat, result, narrow))
    for result in heat.results.values():
        if not result.ran:
            label = COMPETITORS[result.competitor].label
            table.add_row(Text(label, "dim"), *[""] * (1 if narrow else 2), Text("did not run", "yellow"))
    return table


def footprint_table(footprints: Sequence[Footprint]) -> Table:
    """Return a table of what each library needs before the first step."""
    table = _plain("Before the first step", FOOTPRINT)
    for one in footprints:
        table.add_row(*footprint_cells(one), style="bold green" if one.package == "xpnet" else "")
    return table


def growth_table(growth: Sequence[Growth]) -> Table:
    """Return a table of the time and memory of a step at each point of each axis."""
    table = _plain("Growth", GROWTH)
    for index, point in enumerate(growth):
        last = index + 1 == len(growth) or growth[index + 1].axis != point.axis
        table.add_row(*growth_cells(point), end_section=last)
    return table


def _plain(title: str, heads: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for index, head in enumerate(heads):
        table.add_column(head, justify="right" if index else "left")
    return table


def row(heat: Heat, result: Result, narrow: bool = False) -> list[Text]:
    competitor = COMPETITORS[result.competitor]
    style = "dim" if not competitor.computes else "bold green" if competitor.library == "xpnet" else ""
    grown = result.memory.get("grown") if competitor.computes else None
    cells = [
        Text(competitor.label, style),
        Text(duration(result.median), style),
        Text(f"{result.spread:.0%}"),
        bar(result.median / heat.base.median, style, SHORT_BAR if narrow else BAR) if heat.base else Text(""),
        Text("" if grown is None else f"{grown / MEGABYTE:.0f} MB"),
        loss(heat, result),
    ]
    return [cells[0], cells[1], cells[3], cells[5]] if narrow else cells


def bar(ratio: float, style: str, longest: int) -> Text:
    """Return a bar in eighths of a character, and the ratio."""
    eighths = max(1, round(min(ratio, LONGEST) / LONGEST * longest * 8))
    blocks = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
    return Text(f"{blocks} {ratio:.2f}{'' if ratio <= LONGEST else ' …'}", style or "cyan")


def loss(heat: Heat, result: Result) -> Text:
    last = result.losses[-1] if result.losses else None
    if last is None:
        return Text("")
    return Text(f"{last:.5f}", "bold red" if result.disagrees(heat.workload) else "green" if result.difference else "")
