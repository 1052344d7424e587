"""Rows of cells as lines of text for a terminal, and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Cells = Sequence[str]

CELL = "text-align: left; padding: 0.1em 1em 0.1em 0; white-space: pre"


def aligned(rows: Sequence[Cells], right: int = 0) -> list[str]:
    """Return a line for each row, with columns of one width; the last ``right`` columns end at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = len(widths) - right
    sides = [*[str.ljust] * left, *[str.rjust] * right]
    return [
        "  ".join(side(cell, width) for side, cell, width in zip(sides, row, widths, strict=True)).rstrip()
        for row in rows
    ]


def as_html(title: str, rows: Sequence[Cells], notes: Sequence[str] = ()) -> str:
    """Return a table with a title above and notes below; the first row names the columns. Texts are never markup."""
    head, *body = [[escape(cell) for cell in row] for row in rows]
    columns = "".join(f'<th style="{CELL}">{cell}</th>' for cell in head)
    lines = ["".join(f'<td style="{CELL}">{cell}</td>' for cell in row) for row in body]
    table = "\n".join([f"<tr>{columns}</tr>", *[f"<tr>{line}</tr>" for line in lines]])
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    caption = f'<caption style="text-align: left">{escape(title)}</caption>'
    return f'<table style="font-family: monospace">{caption}\n{table}\n</table>{below}'
