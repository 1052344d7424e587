"""Learning curves: the loss and the accuracy of every epoch as one self-contained SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xpnet.drawing.text import FONT, escape_xml, number

WIDTH, HEIGHT = 960, 400
INK, GREY, GRID = "#1f2933", "#667480", "#e6eaee"
LOSS, TRAIN, TEST = "#7b3fa0", "#1f6fb4", "#d9580d"  # told apart by colour-blind readers, and dark enough on white
MARKERS_UP_TO = 40
SMALLEST = 1e-300  # step of an axis: a power of ten below it would round to 0

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """A named curve; a point that is missing or not finite is NaN."""

    label: str
    colour: str
    points: Points

    def finite(self) -> Points:
        return [point for point in self.points if not math.isnan(point[1])]


@dataclass(frozen=True)
class Axis:
    """A scale from values to pixels with round ticks, ``start + (value - low) / (high - low) (end - start)``."""

    low: float
    high: float
    start: float
    end: float
    ticks: list[float]

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def learning_curve(history: Sequence[Mapping[str, Any]], title: str = "Learning curve") -> str:
    """The SVG of a training: loss per epoch at left, train and test accuracy (0 to 1) per epoch at right.

    ``history`` holds a dict per epoch with the keys ``epoch, loss, train_accuracy, test_accuracy``. Whatever is
    missing, None or not finite leaves a gap.
    """
    epochs = [_value(row, "epoch", default=index) for index, row in enumerate(history, start=1)]

    def series(key: str, label: str, colour: str) -> Series:
        return Series(label, colour, [(x, _value(row, key)) for x, row in zip(epochs, history, strict=True)])

    loss = series("loss", "", LOSS)
    accuracy = [series("train_accuracy", "train", TRAIN), series("test_accuracy", "test", TEST)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" font-family="{FONT}" font-size="12" fill="{INK}">',
        f"<title>{escape_xml(title)}</title>",
        f"<desc>{escape_xml(_summary(loss, accuracy))}</desc>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10" fill="#ffffff" stroke="#d5dbe1"/>',
        f'<text x="28" y="38" font-size="18" font-weight="600">{escape_xml(title)}</text>',
        *_panel("Loss", [loss], left=72, right=400, text=number, bounds=_loss_bounds),
        *_panel("Accuracy", accuracy, left=538, right=834, text=_percent, bounds=_accuracy_bounds),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def round_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About ``count`` round numbers, multiples of 1, 2 or 5 times a power of ten, that enclose the range."""
    step = _round_step((high - low) / count)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [float(f"{index * step:.10g}") for index in range(first, last + 1)]


def _round_step(raw: float) -> float:
    raw = max(raw, SMALLEST)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9)) * power


def _value(row: Mapping[str, Any], key: str, default: float = math.nan) -> float:
    value = row.get(key)
    result = default if value is None else float(value)
    return result if abs(result) < 1e300 else math.nan


def _percent(value: float) -> str:
    return f"{round(100 * value, 6):.4g} %"


def _summary(loss: Series, accuracy: Iterable[Series]) -> str:
    named = [("loss", loss, number), *((f"{series.label} accuracy", series, _percent) for series in accuracy)]
    last = [f"{name} {text(series.finite()[-1][1])}" for name, series, text in named if series.finite()]
    return f"{len(loss.points)} epochs; last: {', '.join(last) or 'nothing finite'}"


def _loss_bounds(low: float, high: float) -> tuple[float, float]:
    """From 0 where the curve falls far or not at all, else close around it, so that a slow fall shows."""
    least = 0.01 * max(abs(low), abs(high))
    if low >= 0 and (low < 0.75 * high or high - low < least or high == 0):
        return 0.0, high or 1.0
    room = max(0.0, least - (high - low)) / 2
    return low - room, high + room


def _accuracy_bounds(low: float, high: float) -> tuple[float, float]:
    low = min(low, high - 0.02)
    return (0.0, max(high, 0.02)) if low < 0 <= high else (low, high)


def _panel(
    name: str,
    curves: Sequence[Series],
    left: float,
    right: float,
    text: Callable[[float], str],
    bounds: Callable[[float, float], tuple[float, float]],
) -> list[str]:
    top, bottom = 92.0, 340.0
    parts = [f'<text x="{left}" y="{top - 18}" font-size="14" font-weight="600">{name}</text>']
    points = [point for series in curves for point in series.finite()]
    if not points:
        parts += [
            f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" fill="#f6f8fa"/>',
            f'<text x="{(left + right) / 2}" y="{(top + bottom) / 2}" text-anchor="middle" fill="{GREY}">'
            "nothing finite to draw</text>",
        ]
        return parts
    y = _value_axis(bounds(min(v for _, v in points), max(v for _, v in points)), bottom, top)
    x = _epoch_axis([epoch for series in curves for epoch, _ in series.points], left, right)
    for tick in y.ticks:
        parts += [
            f'<path d="M{left} {y(tick):.1f}H{right}" stroke="{GRID}"/>',
            f'<text x="{left - 10}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="{GREY}">{text(tick)}</text>',
        ]
    parts.append(f'<path d="M{left} {bottom}H{right}" stroke="{GREY}"/>')
    for tick in x.ticks:
        parts += [
            f'<path d="M{x(tick):.1f} {bottom}v5" stroke="{GREY}"/>',
            f'<text x="{x(tick):.1f}" y="{bottom + 20}" text-anchor="middle" fill="{GREY}">{tick:.0f}</text>',
        ]
    parts.append(f'<text x="{(left + right) / 2}" y="{bottom + 42}" text-anchor="middle" fill="{GREY}">epoch</text>')
    for series in curves:
        parts += _curve(series, x, y, text)
    gaps = sum(math.isnan(v) for v in (v for s in curves if s.finite() for _, v in s.points))
    if gaps:
        parts.append(f'<text x="{right}" y="{top - 18}" text-anchor="end" fill="{GREY}">{gaps} without a number</text>')
    return parts + _end_labels(curves, x, y, text)


def _value_axis(bounds: tuple[float, float], start: float, end: float) -> Axis:
    ticks = round_ticks(*bounds)
    return Axis(ticks[0], ticks[-1], start, end, ticks)


def _epoch_axis(epochs: Sequence[float], start: float, end: float) -> Axis:
    finite = [epoch for epoch in epochs if not math.isnan(epoch)]
    low, high = min(finite), max(finite)
    if low == high:
        return Axis(low - 1, high + 1, start, end, [low])
    step = max(1.0, _round_step((high - low) / 6))
    inner = [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
    if inner[0] - low >= 0.6 * step:
        inner.insert(0, low)
    return Axis(low, high, start, end, inner)


def _curve(series: Series, x: Axis, y: Axis, text: Callable[[float], str]) -> list[str]:
    moves, pen_down, alone = [], False, []
    for index, (epoch, value) in enumerate(series.points):
        if math.isnan(value) or math.isnan(epoch):
            pen_down = False
            continue
        if not pen_down and (index + 1 == len(series.points) or math.isnan(series.points[index + 1][1])):
            alone.append((epoch, value))
        moves.append(f"{'L' if pen_down else 'M'}{x(epoch):.1f} {y(value):.1f}")
        pen_down = True
    weight = 2.2 if len(series.points) <= 300 else 1.4
    shape = (
        f'fill="none" stroke="{series.colour}" stroke-width="{weight}" stroke-linejoin="round" stroke-linecap="round"'
    )
    parts = [f'<path d="{"".join(moves)}" {shape}/>'] if moves else []
    dots = series.finite() if len(series.points) <= MARKERS_UP_TO else alone
    for epoch, value in dots:
        hint = f"epoch {epoch:.0f}: {series.label or 'loss'} {text(value)}"
        parts.append(
            f'<circle cx="{x(epoch):.1f}" cy="{y(value):.1f}" r="3" fill="#ffffff" stroke="{series.colour}" '
            f'stroke-width="2"><title>{hint}</title></circle>'
        )
    return parts


def _end_labels(curves: Sequence[Series], x: Axis, y: Axis, text: Callable[[float], str]) -> list[str]:
    """The name and last value of each curve beside its end, pushed apart where they would touch."""
    ends = ((y(series.finite()[-1][1]), series) for series in curves if series.finite())
    last = sorted(ends, key=lambda end: end[0])
    heights: list[float] = []
    for height, _ in last:
        heights.append(max(height, heights[-1] + 17) if heights else height)
    if len(heights) > 1:
        heights = [height - (heights[-1] - last[-1][0]) / 2 for height in heights]
    return [
        f'<text x="{x.end + 12}" y="{height + 4:.1f}" font-weight="600" fill="{series.colour}">'
        f"{f'{series.label} ' if series.label else ''}{text(series.finite()[-1][1])}</text>"
        for height, (_, series) in zip(heights, last, strict=True)
    ]
