"""A heat on a terminal: time, ratio to xpnet as a bar, memory, and what the losses say."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from xpnet.benchmark.footprint import Footprint
from xpnet.benchmark.growth import Growth
from xpnet.benchmark.peers import COMPETITORS
from xpnet.benchmark.racing import Heat, Result
from xpnet.benchmark.report import MEGABYTE, duration

BAR, SHORT_BAR, LONGEST = 15, 4, 6.0  # characters, and the ratio that fills them


def heat_table(heat: Heat, narrow: bool = False) -> Table:
    """The competitors of a heat from the fastest on; below, those that did not run. A narrow one leaves columns out."""
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
    """What a library asks for before the first step."""
    table = Table(title="Before the first step", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("")
    for head in ("version", "import", "on disk, with dependencies"):
        table.add_column(head, justify="right")
    for one in footprints:
        style = "bold green" if one.package == "xpnet" else ""
        table.add_row(one.package, one.version, f"{one.seconds:.2f} s", f"{one.size / 1e6:,.0f} MB", style=style)
    return table


def growth_table(growth: Sequence[Growth]) -> Table:
    """Time and memory of a step at each place on each axis."""
    table = Table(title="Growth", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("")
    for head in ("", "parameters", "a step", "memory"):
        table.add_column(head, justify="right")
    for index, g in enumerate(growth):
        memory = "" if g.grown is None else f"{g.grown / MEGABYTE:.1f} MB"
        last = index + 1 == len(growth) or growth[index + 1].axis != g.axis
        table.add_row(g.axis, f"{g.value:,}", f"{g.parameters:,}", duration(g.seconds), memory, end_section=last)
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
    """A bar in eighths of a character, and the ratio."""
    eighths = max(1, round(min(ratio, LONGEST) / LONGEST * longest * 8))
    blocks = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
    return Text(f"{blocks} {ratio:.2f}{'' if ratio <= LONGEST else ' …'}", style or "cyan")


def loss(heat: Heat, result: Result) -> Text:
    last = result.losses[-1] if result.losses else None
    if last is None:
        return Text("")
    return Text(f"{last:.5f}", "bold red" if result.disagrees(heat.workload) else "green" if result.difference else "")
