"""The parts of pages about a training: sections, tables, cards of curves and pictures, in one HTML file."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from xpnet.drawing.plot import Panel, plot
from xpnet.drawing.text import FONT, escape_xml

NUMBER = re.compile(r"-?[\d,.]*(e[+-]\d+)?|nan|-?inf")
"""The values of table columns that are aligned to the right."""

NUMERIC = ' class="number"'


def page(title: str, sections: Iterable[str]) -> str:
    """Return a whole page, which needs no network and runs no script."""
    body = "\n".join(part for part in sections if part)
    return _PAGE.replace("%FONT%", FONT).replace("%TITLE%", escape_xml(title)).replace("%BODY%", body)


def section(title: str, inside: str) -> str:
    """Return a section of a page with its title."""
    return f"<section><h2>{escape_xml(title)}</h2>\n{inside}\n</section>"


def table(head: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """Return a table, which scrolls by itself if it is too wide; numbers are aligned to the right."""
    named = list(head)
    values = [list(row) for row in rows]
    right = [any(named) and all(NUMBER.fullmatch(str(row[k])) for row in values) for k in range(len(named))]
    lines = ["".join(cell(value, own) for value, own in zip(row, right, strict=True)) for row in values]
    first = "".join(f"<th{NUMERIC * own}>{escape_xml(str(name))}</th>" for name, own in zip(named, right, strict=True))
    top = f"<tr>{first}</tr>" if any(named) else ""
    return f'<div class="wide"><table>{top}' + "".join(f"<tr>{line}</tr>" for line in lines) + "</table></div>"


def cell(value: Any, numeric: bool = False) -> str:
    """Return a cell; a share from 0 to 1 in a tuple is drawn as a bar."""
    if isinstance(value, tuple):
        return f'<td class="bar"><span style="--share:{value[0]:.3f}"></span></td>'
    return f"<td{NUMERIC * numeric}>{escape_xml(str(value))}</td>"


def cards(panels: Sequence[Panel], wide: float) -> str:
    """Return a card for each panel, side by side as the width allows."""
    return row(plot([panel], panel.title, width=wide) for panel in panels)


def row(parts: Iterable[str]) -> str:
    """Return parts side by side, as the width allows."""
    return f'<div class="row">{"".join(parts)}</div>'


def shaded(values: Any) -> Any:
    """Return an image ``(C, H, W)`` of any numbers with values scaled to 0 … 1."""
    values = np.nan_to_num(np.asarray(values, dtype=np.float64))
    low, high = float(values.min()), float(values.max())
    return (values - low) / ((high - low) or 1.0)


def figure(pixels: Any, text: str, side: int = 4) -> str:
    """Return an image ``(C, H, W)`` from 0 to 1 over its text, a square of pixels per value; grey unless C is 3."""
    if pixels.shape[0] != 3:
        pixels = np.repeat(pixels.mean(axis=0, keepdims=True), 3, axis=0)
    _, height, width = pixels.shape
    levels = np.clip(np.round(255 * pixels), 0, 255).astype(np.uint8)
    data = base64.b64encode(png(np.moveaxis(levels, 0, -1))).decode()
    caption = f"<figcaption>{escape_xml(text)}</figcaption>" if text else ""
    size = f'width="{side * width}" height="{side * height}"'
    return f'<figure><img alt="{escape_xml(text)}" {size} src="data:image/png;base64,{data}">{caption}</figure>'


def png(levels: Any) -> bytes:
    """Return the PNG of an image ``(H, W, 3)`` of uint8.

    Source: PNG specification, second edition, sections 5 and 7.
    """
    height, width, _ = levels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), levels.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = {b"IHDR": head, b"IDAT": zlib.compress(rows.tobytes(), 9), b"IEND": b""}
    chunks = [struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
              for name, data in parts.items()]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>%TITLE%</title>
<style>
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2730; --line: #d5dbe1; --right: #1f6fb4; --wrong: #d9580d }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14191e; --ink: #e4e9ee; --line: #39434d; --right: #3f8fd6; --wrong: #e8743b }
}
* { box-sizing: border-box }
body { font: 15px/1.5 %FONT%; margin: 0 auto; padding: 1.5rem; max-width: 66rem; color: var(--ink);
  background: var(--paper); overflow-wrap: anywhere }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2rem 0 .7rem; border-bottom: 1px solid var(--line) }
table { border-collapse: collapse; overflow-wrap: break-word }
th, td { padding: .2rem .7rem; text-align: left; vertical-align: top } td { font-variant-numeric: tabular-nums }
.wide { overflow-x: auto; margin-bottom: 1rem }
td:first-child, .confusion th { white-space: nowrap }
.number { text-align: right }
.confusion td { text-align: right }
.confusion td.wrong { background: color-mix(in srgb, var(--paper), var(--wrong) calc(10% + var(--share) * 50%)) }
.confusion td.right { background: color-mix(in srgb, var(--paper), var(--right) calc(var(--share) * 55%)) }
.confusion td:not([class="right"], [class="wrong"]) { opacity: .35 }
.bar { width: 12rem; min-width: 3rem }
.bar span { display: block; height: .8em; margin-top: .35em; width: calc(var(--share) * 100%); min-width: 1px;
  background: var(--right) }
.row { display: flex; flex-wrap: wrap; gap: .8rem; align-items: flex-start }
.row > svg { max-width: 100%; height: auto }
@media (prefers-color-scheme: dark) { .row > svg { filter: invert(.91) hue-rotate(180deg) } }
figure { margin: 0; max-width: 100%; width: min-content; min-width: 7.5rem; font-size: 13px; line-height: 1.3 }
.filters figure { min-width: 0; width: auto }
img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; margin-bottom: .25rem }
</style>
</head>
<body>
<h1>%TITLE%</h1>
%BODY%
</body>
</html>
"""
