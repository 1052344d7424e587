"""Plots: panels of named curves or bars, as one self-contained SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xpnet.drawing.curves import GREY, GRID, INK, Axis, Points, round_ticks
from xpnet.drawing.text import FONT, escape_xml, number, text_width
from xpnet.errors import ArgumentError

WIDTH, MARGIN, HEAD = 960.0, 24.0, 64.0
COLOURS = ("#1f6fb4", "#d9580d", "#7b3fa0", "#18805b", "#a32035", "#5c5346")  # dark enough on white


@dataclass(frozen=True)
class Panel:
    """One frame of a plot: named series of points ``(x, y)``, drawn as curves, or as ``bars`` from 0.

    What is not finite leaves a gap. ``bounds`` are those of y; by default they enclose the points.
    """

    title: str
    series: Mapping[str, Iterable[tuple[float, float]]]
    x: str = ""
    y: str = ""
    bounds: tuple[float, float] | None = None
    bars: bool = False
    points: dict[str, Points] = field(init=False)

    def __post_init__(self) -> None:
        given = {name: [(float(x), float(y)) for x, y in points] for name, points in self.series.items()}
        object.__setattr__(self, "points", given)


def histogram(title: str, values: Any, low: float, high: float, bins: int = 30, top: float | None = None) -> Panel:
    """A Panel with the share of the values (an array on the host) in each bin from ``low`` to ``high``, as bars."""
    counts, edges = np.histogram(np.asarray(values), bins=bins, range=(low, high))
    shares = counts / max(np.asarray(values).size, 1)
    points = zip((edges[:-1] + edges[1:]) / 2, shares, strict=True)
    return Panel(title, {"share": list(points)}, bounds=None if top is None else (0.0, top), bars=True)


def plot(panels: Sequence[Panel], title: str, columns: int = 1) -> str:
    """The SVG of panels in rows of ``columns``; a series has one colour in all of them.

    Raises: ``ArgumentError`` for no panels or more series than colours.
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.points))
    if not panels or len(names) > len(COLOURS):
        must = f"there must be panels, of at most {len(COLOURS)} series"
        raise ArgumentError("plot", must, f"{len(panels)} panels of {len(names)} series", "make several plots")
    colours = dict(zip(names, COLOURS, strict=False))
    wide = (WIDTH - MARGIN) / columns
    high = min(400.0, 0.78 * wide + 30.0)
    height = HEAD + math.ceil(len(panels) / columns) * high + 8.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" '
        f'height="{height:.0f}" role="img" font-family="{FONT}" font-size="11" fill="{INK}">',
        f"<title>{escape_xml(title)}</title>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1:.0f}" height="{height - 1:.0f}" rx="10" fill="#ffffff" '
        'stroke="#d5dbe1"/>',
        f'<text x="28" y="38" font-size="18" font-weight="600">{escape_xml(title)}</text>',
        *(_legend(colours) if len(names) > 1 else []),
    ]
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        parts += _panel(panel, MARGIN / 2 + column * wide, HEAD + row * high, wide, high, colours)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(colours: Mapping[str, str]) -> list[str]:
    parts, x = [], WIDTH - 28.0
    for name, colour in reversed(list(colours.items())):
        x -= text_width(name, 12) + 32
        parts += [
            f'<path d="M{x:.1f} 34h16" stroke="{colour}" stroke-width="3"/>',
            f'<text x="{x + 21:.1f}" y="38" font-size="12" fill="{colour}" font-weight="600">{escape_xml(name)}</text>',
        ]
    return parts


def _panel(panel: Panel, x0: float, y0: float, wide: float, high: float, colours: Mapping[str, str]) -> list[str]:
    left, right, top, bottom = x0 + 46, x0 + wide - 14, y0 + 30, y0 + high - (42 if panel.x else 28)
    parts = [f'<text x="{left}" y="{top - 11}" font-size="12" font-weight="600">{escape_xml(panel.title)}</text>']
    finite = [point for points in panel.points.values() for point in points if all(map(math.isfinite, point))]
    if not finite:
        return [*parts, f'<text x="{left}" y="{(top + bottom) / 2:.1f}" fill="{GREY}">nothing finite to draw</text>']
    xs, ys = zip(*finite, strict=True)
    half = (max(xs) - min(xs)) / max(2 * (len(xs) - 1), 1) if panel.bars else 0.0  # of a bar's width
    x = _axis(min(xs) - half, max(xs) + half, left, right, 3 if wide < 320 else 6)
    low, high_y = panel.bounds or (0.0 if panel.bars else min(ys), max(ys))
    y = _axis(low, high_y, bottom, top, 3 if high < 240 else 5)
    for tick in y.ticks:
        parts += [
            f'<path d="M{left:.1f} {y(tick):.1f}H{right:.1f}" stroke="{GRID}"/>',
            f'<text x="{left - 7:.1f}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="{GREY}">{number(tick)}</text>',
        ]
    parts.append(f'<path d="M{left:.1f} {bottom:.1f}H{right:.1f}" stroke="{GREY}"/>')
    parts += [
        f'<text x="{x(tick):.1f}" y="{bottom + 16:.1f}" text-anchor="middle" fill="{GREY}">{number(tick)}</text>'
        for tick in x.ticks
    ]
    middle = f'x="{(left + right) / 2:.1f}" text-anchor="middle" fill="{GREY}"'
    if panel.x:
        parts.append(f'<text {middle} y="{bottom + 34:.1f}">{escape_xml(panel.x)}</text>')
    if panel.y:
        parts.append(
            f'<text x="{right:.1f}" y="{top - 11:.1f}" text-anchor="end" fill="{GREY}">{escape_xml(panel.y)}</text>'
        )
    for name, points in panel.points.items():
        shape = _bars(points, x, y) if panel.bars else _curve(points, x, y)
        paint = f'fill="{colours[name]}"' if panel.bars else f'fill="none" stroke="{colours[name]}" stroke-width="1.8"'
        parts.append(f'<path d="{shape}" {paint} stroke-linejoin="round"><title>{escape_xml(name)}</title></path>')
    return parts


def _axis(low: float, high: float, start: float, end: float, count: int) -> Axis:
    if high <= low:
        room = max(0.5, 1e-6 * max(abs(low), abs(high)))
        low, high = high - room, low + room
    slack = 1e-9 * (high - low)
    ticks = [tick for tick in round_ticks(low, high, count) if low - slack <= tick <= high + slack]
    return Axis(low, high, start, end, ticks)


def _curve(points: Points, x: Axis, y: Axis) -> str:
    """A line from point to point, kept inside the frame; it breaks at what is not finite."""
    moves, pen = [], "M"
    for at, value in points:
        if not (math.isfinite(at) and math.isfinite(value)):
            pen = "M"
            continue
        moves.append(f"{pen}{x(at):.1f} {y(min(max(value, y.low), y.high)):.1f}")
        pen = "L"
    return "".join(moves)


def _bars(points: Points, x: Axis, y: Axis) -> str:
    """A bar from 0 at each point, cut off at the frame."""
    half = (x.end - x.start) / (2 * len(points)) - 0.4
    zero = y(max(0.0, y.low))
    tops = [(x(at), y(min(value, y.high))) for at, value in points if math.isfinite(value) and value > 0.0]
    return "".join(f"M{at - half:.1f} {zero:.1f}V{top:.1f}h{2 * half:.1f}V{zero:.1f}Z" for at, top in tops)
