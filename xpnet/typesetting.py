"""Rows of cells as lines of text for a terminal, and as HTML for a notebook."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from unicodedata import east_asian_width

Cells = Sequence[str]

CELL = "text-align: left; padding: 0.1em 1em 0.1em 0; white-space: pre"


def aligned(rows: Sequence[Cells], right: int = 0) -> list[str]:
    """Return a line for each row, with columns of one width; the last ``right`` columns end at the right."""
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
    left = len(widths) - right
    sides = [*[str.ljust] * left, *[str.rjust] * right]
    return [
        "  ".join(
            side(cell, width - width_of(cell) + len(cell)) for side, cell, width in zip(sides, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def width_of(text: str) -> int:
    """Return the number of columns of a text in a terminal, where a Chinese character takes two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


UNBROKEN = re.compile(r"\s+|[^\s\u3001-\u9fff\uff01-\uff60]+[，。；：、）]*|.[，。；：、）]*")
"""What stays on one line: a word, or a Chinese character, with the punctuation after it."""


def folded(text: str, columns: int) -> list[str]:
    """Return a text as lines of at most so many columns, which may break between any two Chinese characters."""
    lines = [""]
    for piece in UNBROKEN.findall(text):
        if width_of(lines[-1] + piece.rstrip()) > columns and lines[-1]:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return lines


def as_html(title: str, rows: Sequence[Cells], notes: Sequence[str] = ()) -> str:
    """Return a table with a title above and notes below; the first row names the columns. Texts are never markup."""
    head, *body = [[escape(cell) for cell in row] for row in rows]
    columns = "".join(f'<th style="{CELL}">{cell}</th>' for cell in head)
    lines = ["".join(f'<td style="{CELL}">{cell}</td>' for cell in row) for row in body]
    table = "\n".join([f"<tr>{columns}</tr>", *[f"<tr>{line}</tr>" for line in lines]])
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    caption = f'<caption style="text-align: left">{escape(title)}</caption>'
    return f'<table style="font-family: monospace">{caption}\n{table}\n</table>{below}'
