"""Rows of cells as lines of text for a terminal, and as HTML for a notebook."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from unicodedata import east_asian_width

Cells = Sequence[str]

CELL = "padding: 0.1em 1em 0.1em 0; vertical-align: top"


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
