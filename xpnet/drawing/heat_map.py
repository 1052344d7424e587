"""Heat maps: a matrix of numbers as cells that are the darker the larger their number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from xpnet.drawing.axes import GREY, INK, picture, text
from xpnet.drawing.text import escape_xml, number, text_width
from xpnet.errors import ArgumentError, ShapeError

INK_OF_CELLS = (31, 111, 180)
CELL, HEAD, MARGIN = 22.0, 64.0, 28.0
FADED = "#f4c7c3"  # a cell that is not finite


def heat_map(
    values: Any, rows: Sequence[str], columns: Sequence[str], title: str, bounds: tuple[float, float] | None = None
) -> str:
    """Return the SVG of a matrix, a cell for each number: white at the lower bound, and dark at the upper one.

    ``rows`` and ``columns`` are the names at the left and above; ``bounds`` are the smallest and the largest number
    unless given. A cell shows its number when the pointer is over it. Numbers that are not finite are red.

    Shapes: ``values (R, C)`` on the host.
    Raises: ``ShapeError`` for names that do not fit the matrix; ``ArgumentError`` for bounds that are not finite.

    >>> svg = heat_map(np.array([[9.0, 1.0], [0.0, 10.0]]), ["cat", "dog"], ["cat", "dog"], "Confusion matrix")
    >>> svg.count("<title>")  # the title of the picture, and the numbers
    5
    """
    cells = np.asarray(values, dtype=np.float64)
    if cells.shape != (len(rows), len(columns)) or not cells.size:
        must = f"values must be ({len(rows)}, {len(columns)}), a number for each row and column, and not empty"
        raise ShapeError("heat_map", must, cells.shape, "give a name for each row and each column")
    finite = cells[np.isfinite(cells)]
    low, high = bounds or ((float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ArgumentError("heat_map", "bounds must be finite", f"{low:g} and {high:g}", "leave them out")
    left = MARGIN + max(text_width(name, 12) for name in rows) + 10.0
    tall = max(text_width(name, 12) for name in columns)
    sideways = tall > CELL  # names that are wider than a cell stand upright
    top = HEAD + (tall if sideways else 12.0) + 8.0
    width = max(left + CELL * len(columns) + MARGIN, text_width(title, 18, bold=True) + 2 * MARGIN)
    parts = [*_names(rows, columns, left, top, sideways), *_cells(cells, left, top, low, high)]
    return picture(title, width, top + CELL * len(rows) + MARGIN, parts)


def _names(rows: Sequence[str], columns: Sequence[str], left: float, top: float, sideways: bool) -> Iterator[str]:
    for i, name in enumerate(rows):
        yield text(left - 8, top + CELL * (i + 0.5) + 4, name, f'text-anchor="end" fill="{INK}"')
    for j, name in enumerate(columns):
        x, y = left + CELL * (j + 0.5), top - 8
        turned = f'transform="rotate(-90 {x + 4:.1f} {y:.1f})"' if sideways else 'text-anchor="middle"'
        yield text(x + 4 if sideways else x, y, name, f'{turned} fill="{INK}"')


def _cells(cells: Any, left: float, top: float, low: float, high: float) -> Iterator[str]:
    rows, columns = cells.shape
    for (i, j), value in np.ndenumerate(cells):
        share = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5
        colour = shade(share) if math.isfinite(value) else FADED
        yield (
            f'<rect x="{left + CELL * j:.1f}" y="{top + CELL * i:.1f}" width="{CELL:.1f}" height="{CELL:.1f}" '
            f'fill="{colour}"><title>{escape_xml(number(float(value)))}</title></rect>'
        )
    edge = f"M{left:.1f} {top:.1f}h{CELL * columns:.1f}v{CELL * rows:.1f}h{-CELL * columns:.1f}Z"
    yield f'<path d="{edge}" fill="none" stroke="{GREY}"/>'


def shade(share: float) -> str:
    """Return the colour of a share from 0, white, to 1."""
    parts = (round(255 + (ink - 255) * share) for ink in INK_OF_CELLS)
    return "#" + "".join(f"{part:02x}" for part in parts)
