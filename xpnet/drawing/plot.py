"""Plots: panels of named curves or bars, as one self-contained SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from xpnet.drawing.axes import GREY, Axis, Points, axis_within, curve, frame, picture, text
from xpnet.drawing.text import escape_xml, number, text_width
from xpnet.errors import ArgumentError

WIDTH, MARGIN, HEAD = 960.0, 24.0, 64.0
COLOURS = ("#1f6fb4", "#d9580d", "#7b3fa0", "#18805b", "#a32035", "#5c5346")  # dark enough on white


@dataclass(frozen=True)
class Panel:
    """One frame of a plot: named series of points ``(x, y)``, drawn as curves, or as ``bars`` from 0.

    The series that ``dots`` names are drawn as dots. Values that are not finite leave a gap. ``bounds`` are those of
    y; by default they enclose the points.

    >>> panel = Panel("loss", {"train": [(1, 0.7), (2, 0.4)]}, x="epoch")
    >>> plot([panel], "A training")[:4]
    '<svg'
    """

    title: str
    series: Mapping[str, Iterable[tuple[float, float]]]
    x: str = ""
    y: str = ""
    bounds: tuple[float, float] | None = None
    bars: bool = False
    dots: Sequence[str] = ()
    points: dict[str, Points] = field(init=False)

    def __post_init__(self) -> None:
        given = {name: [(float(x), float(y)) for x, y in points] for name, points in self.series.items()}
        object.__setattr__(self, "points", given)


def histogram(title: str, values: Any, low: float, high: float, bins: int = 30, top: float | None = None) -> Panel:
    """Return a Panel of bars: the share of the values (an array on the host) in each bin from ``low`` to ``high``.

    >>> histogram("weights", np.array([-0.5, 0.1, 0.2, 0.3]), low=-1.0, high=1.0, bins=2).series
    {'share': [(np.float64(-0.5), np.float64(0.25)), (np.float64(0.5), np.float64(0.75))]}
    """
    counts, edges = np.histogram(np.asarray(values), bins=bins, range=(low, high))
    shares = counts / max(np.asarray(values).size, 1)
    points = zip((edges[:-1] + edges[1:]) / 2, shares, strict=True)
    return Panel(title, {"share": list(points)}, bounds=None if top is None else (0.0, top), bars=True)


def plot(panels: Sequence[Panel], title: str, columns: int = 1, width: float = WIDTH) -> str:
    """Return the SVG of panels in rows of ``columns``; a series has the same colour in all of them.

    A narrow one of a single panel has its title alone.

    Raises: ``ArgumentError`` for no panels or more series than colours.

    >>> loss = Panel("loss", {"train": [(1, 0.7), (2, 0.4)]}, x="epoch")
    >>> weights = histogram("weights", np.array([-0.5, 0.1, 0.2]), low=-1.0, high=1.0)
    >>> plot([loss, weights], "A training", columns=2).count("<svg")
    1
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.points))
    if not panels or len(names) > len(COLOURS):
        must = f"there must be panels, of at most {len(COLOURS)} series"
        raise ArgumentError("plot", must, f"{len(panels)} panels of {len(names)} series", "make several plots")
    colours = dict(zip(names, COLOURS, strict=False))
    wide = (width - MARGIN) / columns
    high = min(400.0, 0.78 * wide + 30.0)
    height = HEAD + math.ceil(len(panels) / columns) * high + 8.0
    parts, room = _legend(colours, width) if len(names) > 1 else ([], width)
    if width < WIDTH:
        title = cut(title, 18.0, room - 44.0)
        panels = [replace(panel, title="") for panel in panels]
    for index, panel in enumerate(panels):
        row, column = divmod(index, columns)
        parts += _panel(panel, MARGIN / 2 + column * wide, HEAD + row * high, wide, high, colours)
    return picture(title, width, height, parts, size=11)


def cut(title: str, size: float, room: float) -> str:
    """Return as much of a title as fits, with its end, in which the paths of layers differ."""
    whole, kept = title, len(title)
    while kept > 1 and text_width(title, size, bold=True) > room:
        kept -= 1
        title = f"{whole[: kept - kept // 3]}…{whole[len(whole) - kept // 3 :]}"
    return title


def _legend(colours: Mapping[str, str], width: float) -> tuple[list[str], float]:
    """Return the names of the series in their colours, and the position at which they begin."""
    parts, x = [], width - 28.0
    for name, colour in reversed(list(colours.items())):
        x -= text_width(name, 12) + 32
        parts += [
            f'<path d="M{x:.1f} 34h16" stroke="{colour}" stroke-width="3"/>',
            text(x + 21, 38, name, f'font-size="12" fill="{colour}" font-weight="600"'),
        ]
    return parts, x


def _panel(panel: Panel, x0: float, y0: float, wide: float, high: float, colours: Mapping[str, str]) -> Iterator[str]:
    left, right, top, bottom = x0 + 46, x0 + wide - 14, y0 + 30, y0 + high - (42 if panel.x else 28)
    yield text(left, top - 11, panel.title, 'font-size="12" font-weight="600"')
    finite = [point for points in panel.points.values() for point in points if all(map(math.isfinite, point))]
    if not finite:
        yield text(left, (top + bottom) / 2, "nothing finite to draw", f'fill="{GREY}"')
        return
    xs, ys = zip(*finite, strict=True)
    half = (max(xs) - min(xs)) / max(2 * (len(xs) - 1), 1) if panel.bars else 0.0  # of a bar's width
    x = axis_within(min(xs) - half, max(xs) + half, left, right, 5 if wide < 320 else 6)
    if not panel.bars and all(value == int(value) for value in xs):  # epochs
        x = replace(x, ticks=[tick for tick in x.ticks if tick == int(tick)])
    low, most = panel.bounds or (0.0 if panel.bars else min(ys), max(ys))
    y = axis_within(low, most, bottom, top, 3 if high < 240 else 5)
    yield from frame(x, y, number, number, panel.x)
    if panel.y:
        yield text(right, top - 11, panel.y, f'text-anchor="end" fill="{GREY}"')
    for name, points in panel.points.items():
        dotted = name in panel.dots
        shape = _bars(points, x, y) if panel.bars else _dots(points, x, y) if dotted else curve(points, x, y)
        paint = f'fill="none" stroke="{colours[name]}" stroke-width="1.8"'
        if panel.bars:
            paint = f'fill="{colours[name]}"'
        elif dotted:
            paint = f'stroke="{colours[name]}" stroke-width="4" stroke-linecap="round" stroke-opacity="0.5"'
        yield f'<path d="{shape}" {paint} stroke-linejoin="round"><title>{escape_xml(name)}</title></path>'


def _dots(points: Points, x: Axis, y: Axis) -> str:
    """Return a line of no length at each point."""
    return "".join(f"M{x(at):.1f} {y(value):.1f}h0" for at, value in points if math.isfinite(value))


def _bars(points: Points, x: Axis, y: Axis) -> str:
    """Return bars from 0 at each point, cut off at the frame."""
    half = (x.end - x.start) / (2 * len(points)) - 0.4
    zero = y(max(0.0, y.low))
    tops = [(x(at), y(min(value, y.high))) for at, value in points if math.isfinite(value) and value > 0.0]
    return "".join(f"M{at - half:.1f} {zero:.1f}V{top:.1f}h{2 * half:.1f}V{zero:.1f}Z" for at, top in tops)
