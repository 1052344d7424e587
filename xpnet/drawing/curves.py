"""Learning curves: the loss and the accuracy of every epoch as one self-contained SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from xpnet.drawing.axes import GREY, Axis, Points, Words, axis_around, curve, frame, picture, round_step, text
from xpnet.drawing.text import number

WIDTH, HEIGHT = 960, 400
LOSS, TRAIN, TEST = "#7b3fa0", "#1f6fb4", "#d9580d"  # distinct to colour-blind readers, and dark enough on white
TOP, BOTTOM = 92.0, 340.0
MARKERS_UP_TO = 40

Bounds = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """A named curve; a point that is missing or not finite is NaN."""

    label: str
    colour: str
    points: Points

    def finite(self) -> Points:
        return [point for point in self.points if not math.isnan(point[1])]


def learning_curve(
    history: Sequence[Mapping[str, Any]], title: str = "Learning curve", measure: str | None = "accuracy"
) -> str:
    """Return the SVG of a training: loss per epoch at left, train and test accuracy (0 to 1) per epoch at right.

    ``history`` has a dict per epoch with the keys ``epoch, loss, test_loss, train_accuracy, test_accuracy``. Values
    that are missing, None or not finite leave a gap. ``measure`` names the accuracies, as ``Trainer.measure`` does; a
    measure without that word in its name is drawn as a number, and without a measure the loss is alone.

    >>> epoch = {"epoch": 1, "loss": 0.7, "train_accuracy": 0.8, "test_accuracy": None}
    >>> learning_curve([epoch, epoch | {"epoch": 2, "loss": 0.4}])[:4]
    '<svg'
    """
    share = "accuracy" in (measure or "").lower()
    words, bounds = (_percent, _accuracy_bounds) if share else (number, _loss_bounds)
    epochs = [_value(row, "epoch", default=index) for index, row in enumerate(history, start=1)]

    def series(key: str, label: str, colour: str) -> Series:
        return Series(label, colour, [(x, _value(row, key)) for x, row in zip(epochs, history, strict=True)])

    test = series("test_loss", "test", TEST)
    loss = [series("loss", "train", LOSS), test] if test.finite() else [series("loss", "", LOSS)]
    if not measure:
        parts = list(_panel("Loss", loss, left=72, right=834, words=number, bounds=_loss_bounds))
        return picture(title, WIDTH, HEIGHT, parts, _summary(loss[0], [], "", words))
    accuracy = [series("train_accuracy", "train", TRAIN), series("test_accuracy", "test", TEST)]
    name = measure[:1].upper() + measure[1:]
    parts = [
        *_panel("Loss", loss, left=72, right=400 if len(loss) == 1 else 368, words=number, bounds=_loss_bounds),
        *_panel(name, accuracy, left=538, right=834, words=words, bounds=bounds),
    ]
    return picture(title, WIDTH, HEIGHT, parts, _summary(loss[0], accuracy, measure, words))


def _value(row: Mapping[str, Any], key: str, default: float = math.nan) -> float:
    value = row.get(key)
    result = default if value is None else float(value)
    return result if abs(result) < 1e300 else math.nan


def _percent(value: float) -> str:
    return f"{round(100 * value, 6):.4g} %"


def _summary(loss: Series, measured: Iterable[Series], measure: str, words: Words) -> str:
    named = [("loss", loss, number), *((f"{series.label} {measure}", series, words) for series in measured)]
    last = [f"{name} {say(series.finite()[-1][1])}" for name, series, say in named if series.finite()]
    return f"{len(loss.points)} epochs; last: {', '.join(last) or 'nothing finite'}"


def _loss_bounds(low: float, high: float) -> tuple[float, float]:
    """Return bounds from 0 if the curve falls far or not at all, else close around it, to make a slow fall visible."""
    least = 0.01 * max(abs(low), abs(high))
    if low >= 0 and (low < 0.75 * high or high - low < least or high == 0):
        return 0.0, high or 1.0
    room = max(0.0, least - (high - low)) / 2
    return low - room, high + room


def _accuracy_bounds(low: float, high: float) -> tuple[float, float]:
    low = min(low, high - 0.02)
    return (0.0, max(high, 0.02)) if low < 0 <= high else (low, high)


def _panel(
    name: str, curves: Sequence[Series], left: float, right: float, words: Words, bounds: Bounds
) -> Iterator[str]:
    yield text(left, TOP - 18, name, 'font-size="14" font-weight="600"')
    values = [value for series in curves for _, value in series.finite()]
    if not values:
        yield f'<rect x="{left}" y="{TOP}" width="{right - left}" height="{BOTTOM - TOP}" fill="#f6f8fa"/>'
        middle = f'text-anchor="middle" fill="{GREY}"'
        yield text((left + right) / 2, (TOP + BOTTOM) / 2, "nothing finite to draw", middle)
        return
    y = axis_around(*bounds(min(values), max(values)), BOTTOM, TOP)
    x = _epoch_axis([epoch for series in curves for epoch, _ in series.points], left, right)
    yield from frame(x, y, "{:.0f}".format, words, "epoch")
    for series in curves:
        yield from _curve(series, x, y, words)
    if gaps := sum(len(series.points) - len(series.finite()) for series in curves if series.finite()):
        yield text(right, TOP - 18, f"{gaps} without a number", f'text-anchor="end" fill="{GREY}"')
    yield from _end_labels(curves, x, y, words)


def _epoch_axis(epochs: Sequence[float], start: float, end: float) -> Axis:
    finite = [epoch for epoch in epochs if not math.isnan(epoch)]
    low, high = min(finite), max(finite)
    if low == high:
        return Axis(low - 1, high + 1, start, end, [low])
    step = max(1.0, round_step((high - low) / 6))
    inner = [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
    if inner[0] - low >= 0.6 * step:
        inner.insert(0, low)
    return Axis(low, high, start, end, inner)


def _curve(series: Series, x: Axis, y: Axis, words: Words) -> Iterator[str]:
    drawn = [point for point in series.points if not any(map(math.isnan, point))]
    if not drawn:
        return
    weight = 2.2 if len(series.points) <= 300 else 1.4
    style = f'stroke="{series.colour}" stroke-width="{weight}" stroke-linejoin="round" stroke-linecap="round"'
    yield f'<path d="{curve(series.points, x, y)}" fill="none" {style}/>'
    for epoch, value in drawn if len(series.points) <= MARKERS_UP_TO else _alone(series.points):
        hint = f"epoch {epoch:.0f}: {series.label or 'loss'} {words(value)}"
        yield (
            f'<circle cx="{x(epoch):.1f}" cy="{y(value):.1f}" r="3" fill="#ffffff" stroke="{series.colour}" '
            f'stroke-width="2"><title>{hint}</title></circle>'
        )


def _alone(points: Points) -> Points:
    """Return the points between two gaps, which a line would not show."""
    gaps = [True, *(any(map(math.isnan, point)) for point in points), True]
    beside = [before and after for before, after in zip(gaps, gaps[2:], strict=False)]
    return [point for point, gap, lone in zip(points, gaps[1:], beside, strict=False) if lone and not gap]


def _end_labels(curves: Sequence[Series], x: Axis, y: Axis, words: Words) -> Iterator[str]:
    """Write the name and last value of each curve beside its end, moved apart where they would touch."""
    last = sorted(((y(s.finite()[-1][1]), s) for s in curves if s.finite()), key=lambda end: end[0])
    heights = [height for height, _ in last]
    for before, after in pairwise(range(len(heights))):
        heights[after] = max(heights[after], heights[before] + 17)
    shift = (heights[-1] - last[-1][0]) / 2 if len(heights) > 1 else 0.0
    for height, (_, series) in zip(heights, last, strict=True):
        said = f"{series.label} {words(series.finite()[-1][1])}".strip()
        yield text(x.end + 12, height - shift + 4, said, f'font-weight="600" fill="{series.colour}"')
