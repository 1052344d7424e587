"""The report on a terminal: for each section what fails, one line for each cause, and a summary."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from xpnet.conformance.rows import DEVIATES, MISSING, NEEDS, OK, RAISES, Row

if TYPE_CHECKING:
    from xpnet.conformance.report import Report

COLOURS = {OK: "green", DEVIATES: "yellow", RAISES: "red", MISSING: "magenta", NEEDS: "magenta"}
ROOTS_FIRST = (MISSING, RAISES, DEVIATES, NEEDS, OK)
NAMES_AT_MOST = 8


def rendered(report: Report, every_row: bool = False) -> RenderableType:
    """The whole report; with ``every_row`` also what works."""
    quick = ", one case of each function" if report.quick else ""
    title = f"{report.subject}; standard {report.standard}; tolerance {report.tolerance:g}{quick}"
    parts: list[RenderableType] = [Text(title, style="bold")]
    for section, rows in report.sections.items():
        fails = any(not row.ok for row in rows)
        parts.append(Text(report.summary(section), style="bold red" if fails else "green"))
        if every_row or fails:
            parts.append(Padding(table(rows, every_row), (0, 0, 0, 2)))
    parts += [Text(f"note: {note}", style="dim") for note in report.notes]
    count = f"{len(report.failed())} of {len(report.rows)} checks fail"
    verdict = f"{report.namespace}: {'everything works as on NumPy' if report.ok else count} ({report.seconds:.1f} s)"
    parts.append(Text(verdict, style="bold green" if report.ok else "bold red"))
    return Group(*parts)


def table(rows: list[Row], every_row: bool) -> Table:
    """A line for each cause of failure, or for each row."""
    lines = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    lines.add_column(max_width=44)
    lines.add_column()
    lines.add_column(max_width=40)
    lines.add_column(overflow="fold")
    groups = [[row] for row in rows] if every_row else by_cause(rows)
    for group in groups:
        first = group[0]
        found = first.found or ("" if first.deviation is None else f"{first.deviation:.1g}")
        lines.add_row(names(group), Text(first.status, style=COLOURS[first.status]), tried(group), Text(found))
    return lines


def by_cause(rows: list[Row]) -> list[list[Row]]:
    """The failures, those of one cause together, and in each what failed by itself first.

    A gradient that deviates where the value is right has its cause, most likely, in a function whose value deviates.
    """
    fails = sorted(
        (row for row in rows if not row.ok), key=lambda row: (ROOTS_FIRST.index(row.status), not by_itself(row))
    )
    culprits = dict.fromkeys(row.name for row in fails if row.status == DEVIATES and by_itself(row))
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in fails:
        if row.section == "rules" and row.status == DEVIATES and culprits and row.name not in culprits:
            found = f"the values are right: look at {listed(list(culprits))} first"
            row = replace(row, cause="gradients", found=found)
        groups.setdefault((row.status, row.cause or row.name), []).append(row)
    return list(groups.values())


def by_itself(row: Row) -> bool:
    """Whether the value of a function failed, and not what is made of it."""
    return row.tried.startswith("value")


def listed(found: list[str], most: int = NAMES_AT_MOST) -> str:
    """The first few names, and how many more."""
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


def names(group: list[Row]) -> Text:
    """The names in a group, all of those that are missing, the first few of the others."""
    found = list(dict.fromkeys(row.name for row in group))
    return Text(listed(found, len(found) if group[0].status == MISSING else NAMES_AT_MOST))


def tried(group: list[Row]) -> Text:
    """What was tried first in a group, and how often more."""
    calls = dict.fromkeys((row.name, row.tried) for row in group)
    same = {call for _, call in calls}
    rest = f" and {len(calls) - 1} more" if len(same) > 1 else ""
    return Text(group[0].tried + rest)
