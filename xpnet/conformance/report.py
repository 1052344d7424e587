"""The report of ``conform``: the failures of each section, a line for each cause, and a summary."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from xpnet.conformance.rows import DEVIATES, MISSING, NEEDS, OK, RAISES, STATUSES, Row
from xpnet.typesetting import as_html

NOUNS = {
    "arrays": "attributes and operators",
    "deferring": "operators",
    "rules": "functions",
    "values": "value-only functions",
    "layers": "layer cases",
    "training": "epochs",
}
HOW = {"deferring": "defer to a Variable", "values": "present"}
WORDS = {
    DEVIATES: ("deviates", "deviate"),
    RAISES: ("raises", "raise"),
    MISSING: ("missing", "missing"),
    NEEDS: ("needs a missing one", "need a missing one"),
}
COLOURS = {OK: "green", DEVIATES: "yellow", RAISES: "red", MISSING: "magenta", NEEDS: "magenta"}
ROOTS_FIRST = (MISSING, RAISES, DEVIATES, NEEDS, OK)
NAMES_AT_MOST = 8


@dataclass(frozen=True)
class Report:
    """The result of ``conform``.

    ``print(report)`` shows the failures, rich shows them in colours, ``to_dict()`` consists of builtins.

    >>> rows = (Row("rules", "exp"), Row("rules", "log", status="raises", found="not implemented"))
    >>> report = Report("mylib", "mylib 1.0", "2024.12", "float64", 1e-9, False, 2.0, (), rows)
    >>> report.ok, report.summary("rules")
    (False, 'rules: 1 of 2 functions as NumPy (2 cases), 1 raises')
    """

    namespace: str
    subject: str
    standard: str
    dtype: str
    tolerance: float
    quick: bool
    seconds: float
    notes: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """True if everything works as on NumPy."""
        return all(row.ok for row in self.rows)

    @property
    def title(self) -> str:
        quick = ", one case of each function" if self.quick else ""
        return f"{self.subject}; standard {self.standard}; tolerance {self.tolerance:g}{quick}"

    @property
    def verdict(self) -> str:
        count = f"{len(self.failed())} of {len(self.rows)} checks fail"
        return f"{self.namespace}: {'everything works as on NumPy' if self.ok else count} ({self.seconds:.1f} s)"

    @property
    def sections(self) -> dict[str, list[Row]]:
        """The rows by section, in order."""
        return {section: [row for row in self.rows if row.section == section] for section in NOUNS}

    def failed(self, section: str | None = None) -> list[Row]:
        """Return the rows that are not ok, of all sections or of one."""
        return [row for row in self.rows if not row.ok and section in (None, row.section)]

    def summary(self, section: str) -> str:
        """Return a line such as ``rules: 116 of 120 functions as NumPy (383 cases), 2 deviate, 2 missing``."""
        rows = self.sections[section]
        worst: dict[str, str] = {}
        for row in rows:
            worst[row.name] = max(worst.get(row.name, OK), row.status, key=STATUSES.index)
        counts = {status: list(worst.values()).count(status) for status in STATUSES}
        parts = [f"{section}: {counts[OK]} of {len(worst)} {NOUNS[section]} {HOW.get(section, 'as NumPy')}"]
        if section == "rules":
            parts[0] += f" ({len(rows)} cases)"
        parts += [f"{counts[status]} {words[counts[status] > 1]}" for status, words in WORDS.items() if counts[status]]
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return a dict of builtins, with None for a deviation that is not finite."""
        rows = [
            asdict(row) | {"deviation": row.deviation if math.isfinite(row.deviation or 0.0) else None}
            for row in self.rows
        ]
        summaries = {section: self.summary(section) for section in self.sections}
        return {**asdict(self), "notes": list(self.notes), "ok": self.ok, "summaries": summaries, "rows": rows}

    def __str__(self) -> str:
        console = Console(width=150, color_system=None, highlight=False)
        with console.capture() as capture:
            console.print(self)
        return capture.get().rstrip()

    def _repr_html_(self) -> str:
        sections = [(section, self.summary(section).partition(": ")[2]) for section in self.sections]
        notes = [f"note: {note}" for note in self.notes]
        html = as_html(self.title, [("section", "result"), *sections], [*notes, self.verdict])
        groups = [group for rows in self.sections.values() for group in by_cause(rows)]
        if groups:
            causes = [(names(group).plain, group[0].status, tried(group).plain, group[0].found) for group in groups]
            html += as_html("Failures", [("name", "status", "tried", "found"), *causes])
        return html

    def __rich__(self) -> RenderableType:
        return self.rendered()

    def rendered(self, every_row: bool = False) -> RenderableType:
        """Return the whole report for a terminal, with ``every_row`` including the successes."""
        parts: list[RenderableType] = [Text(self.title, style="bold")]
        for section, rows in self.sections.items():
            fails = any(not row.ok for row in rows)
            parts.append(Text(self.summary(section), style="bold red" if fails else "green"))
            if every_row or fails:
                parts.append(Padding(table(rows, every_row), (0, 0, 0, 2)))
        parts += [Text(f"note: {note}", style="dim") for note in self.notes]
        parts.append(Text(self.verdict, style="bold green" if self.ok else "bold red"))
        return Group(*parts)


def table(rows: list[Row], every_row: bool) -> Table:
    """Return a line for each cause of failure, or for each row."""
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
    """Return the failures grouped by cause, in each group those that failed first-hand first.

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
    """Return whether the value of a function failed, rather than its gradient."""
    return row.tried.startswith("value")


def listed(found: list[str], most: int = NAMES_AT_MOST) -> str:
    """Return the first few names, and the number of others."""
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


def names(group: list[Row]) -> Text:
    """Return the names in a group: all missing ones, or the first few others."""
    found = list(dict.fromkeys(row.name for row in group))
    return Text(listed(found, len(found) if group[0].status == MISSING else NAMES_AT_MOST))


def tried(group: list[Row]) -> Text:
    """Return the first call of a group, and the number of others."""
    calls = dict.fromkeys((row.name, row.tried) for row in group)
    same = {call for _, call in calls}
    rest = f" and {len(calls) - 1} more" if len(same) > 1 else ""
    return Text(group[0].tried + rest)
