"""Axes: scales from values to pixels, round ticks, and the frame around curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from xpnet.drawing.text import FONT, escape_xml

INK, GREY, GRID = "#1f2933", "#667480", "#e6eaee"
SMALLEST = 1e-300  # step of an axis: a power of ten below it would round to 0

Points = list[tuple[float, float]]
Words = Callable[[float], str]


@dataclass(frozen=True)
class Axis:
    """A scale from values to pixels with ticks, ``start + (value - low) / (high - low) (end - start)``.

    With ``powers`` the scale is that of the logarithms.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: list[float]
    powers: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.powers:
            low, high, value = map(math.log10, (low, high, value))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def within(self, value: float) -> float:
        """Return the value, limited to the ends of the axis."""
        return min(max(value, self.low), self.high)


def axis_within(low: float, high: float, start: float, end: float, count: int) -> Axis:
    """Return an axis from the low to the high value, with about ``count`` round ticks between them."""
    if high <= low:
        room = max(0.5, 1e-6 * max(abs(low), abs(high)))
        low, high = high - room, low + room
    slack = 1e-9 * (high - low)
    ticks = [tick for tick in round_ticks(low, high, count) if low - slack <= tick <= high + slack]
    return Axis(low, high, start, end, ticks)


def axis_around(low: float, high: float, start: float, end: float) -> Axis:
    """Return an axis from tick to tick around the low and the high value."""
    ticks = round_ticks(low, high)
    return Axis(ticks[0], ticks[-1], start, end, ticks)


def axis_of_powers(low: float, high: float, start: float, end: float) -> Axis:
    """Return a logarithmic axis from the low to the high value, both above 0, with a tick at each power of ten."""
    high = high if high > low else 10.0 * low
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return Axis(low, high, start, end, [10.0**power for power in range(first, last + 1)], powers=True)


def round_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about ``count`` round numbers, multiples of 1, 2 or 5 times a power of ten, that enclose the range."""
    step = round_step((high - low) / count)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [float(f"{index * step:.10g}") for index in range(first, last + 1)]


def round_step(raw: float) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is not below ``raw``."""
    raw = max(raw, SMALLEST)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9)) * power


def frame(x: Axis, y: Axis, x_words: Words, y_words: Words, name: str = "") -> Iterator[str]:
    """Draw the grid of the y axis, the line of the x axis, their ticks in words, and the name of x below."""
    for tick in y.ticks:
        yield f'<path d="M{x.start:.1f} {y(tick):.1f}H{x.end:.1f}" stroke="{GRID}"/>'
        yield text(x.start - 8, y(tick) + 4, y_words(tick), f'text-anchor="end" fill="{GREY}"')
    yield f'<path d="M{x.start:.1f} {y.start:.1f}H{x.end:.1f}" stroke="{GREY}"/>'
    middle = f'text-anchor="middle" fill="{GREY}"'
    for tick in x.ticks:
        yield f'<path d="M{x(tick):.1f} {y.start:.1f}v5" stroke="{GREY}"/>'
        yield text(x(tick), y.start + 19, x_words(tick), middle)
    if name:
        yield text((x.start + x.end) / 2, y.start + 37, name, middle)


def curve(points: Points, x: Axis, y: Axis) -> str:
    """Return the path of a line from point to point inside the frame, broken at points that are not finite."""
    moves, pen = [], "M"
    for at, value in points:
        if not (math.isfinite(at) and math.isfinite(value)):
            pen = "M"
            continue
        moves.append(f"{pen}{x(at):.1f} {y(y.within(value)):.1f}")
        pen = "L"
    return "".join(moves)


def text(x: float, y: float, words: str, style: str = "") -> str:
    """Return a line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape_xml(words)}</text>'


def picture(title: str, width: float, height: float, parts: Iterable[str], summary: str = "", size: int = 12) -> str:
    """Return a whole SVG: a white card with a title and the parts on it."""
    words = escape_xml(title)
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" font-family="{FONT}" font-size="{size}" fill="{INK}">',
        f"<title>{words}</title>",
        *([f"<desc>{escape_xml(summary)}</desc>"] if summary else []),
        f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="10" fill="#ffffff" '
        'stroke="#d5dbe1"/>',
        f'<text x="28" y="38" font-size="18" font-weight="600">{words}</text>',
    ]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"
