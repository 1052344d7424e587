"""Rows of cells as lines of text for a terminal, and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Cells = Sequence[str]

CELL = "padding: 0.1em 1em 0.1em 0; vertical-align: top"


def aligned(rows: Sequence[Cells], right: int = 0) -> list[str]:
    """Return a line for each row, with columns of one width; the last ``right`` columns end at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = len(widths) - right
    sides = [*[str.ljust] * left, *[str.rjust] * right]
    return [
        "  ".join(side(cell, width) for side, cell, width in zip(sides, row, widths, strict=True)).rstrip()
        for row in rows
    ]


def as_html(title: str, rows: Sequence[Cells], notes: Sequence[str] = (), right: int = 0) -> str:
    """Return a table with a title above and notes below; the first row names the columns. Texts are never markup.

    The last ``right`` columns end at the right.
    """
    sides = ["left"] * (len(rows[0]) - right) + ["right"] * right
    wraps = ["pre"] + ["pre-wrap"] * (len(rows[0]) - 1)  # names stay whole, with their indents
    styles = [f"{CELL}; text-align: {side}; white-space: {wrap}" for side, wrap in zip(sides, wraps, strict=True)]
    table = "\n".join(_row("td" if number else "th", row, styles) for number, row in enumerate(rows))
    below = "".join(f'<p style="font-family: monospace">{escape(note)}</p>' for note in notes)
    caption = f'<caption style="text-align: left">{escape(title)}</caption>'
    return f'<table style="font-family: monospace">{caption}\n{table}\n</table>{below}'


def _row(tag: str, cells: Cells, styles: Cells) -> str:
    shown = [f'<{tag} style="{style}">{escape(cell)}</{tag}>' for cell, style in zip(cells, styles, strict=True)]
    return f"<tr>{''.join(shown)}</tr>"


def within_page(svg: str) -> str:
    """Return a picture that is no wider than the page that shows it."""
    return svg.replace("<svg ", '<svg style="max-width: 100%; height: auto" ', 1)
