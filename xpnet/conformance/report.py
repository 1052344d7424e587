"""What ``conform`` found: rows, a summary of each section, text and builtins."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from xpnet.conformance.rows import DEVIATES, MISSING, NEEDS, OK, RAISES, STATUSES, Row

if TYPE_CHECKING:
    from rich.console import RenderableType

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


@dataclass(frozen=True)
class Report:
    """The result of ``conform``.

    ``print(report)`` shows what does not work, rich shows it in colours, ``to_dict()`` is made of builtins.
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
        """Whether everything works as on NumPy."""
        return all(row.ok for row in self.rows)

    @property
    def sections(self) -> dict[str, list[Row]]:
        """The rows by section, in order."""
        return {section: [row for row in self.rows if row.section == section] for section in NOUNS}

    def failed(self, section: str | None = None) -> list[Row]:
        """The rows that are not ok, of all sections or of one."""
        return [row for row in self.rows if not row.ok and section in (None, row.section)]

    def summary(self, section: str) -> str:
        """``rules: 116 of 120 functions as NumPy (383 cases), 2 deviate, 2 missing``."""
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
        """Builtins all the way down; a deviation that is no finite number is None."""
        rows = [
            asdict(row) | {"deviation": row.deviation if math.isfinite(row.deviation or 0.0) else None}
            for row in self.rows
        ]
        summaries = {section: self.summary(section) for section in self.sections}
        return {**asdict(self), "notes": list(self.notes), "ok": self.ok, "summaries": summaries, "rows": rows}

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=150, color_system=None, highlight=False)
        with console.capture() as capture:
            console.print(self)
        return capture.get().rstrip()

    def __rich__(self) -> RenderableType:
        from xpnet.conformance.display import rendered

        return rendered(self)
