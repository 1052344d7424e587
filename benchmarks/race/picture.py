"""The benchmark as pictures: a bar for each competitor on each workload, and curves of growth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.race.growth import AXES, Growth
from benchmarks.race.peers import COMPETITORS
from benchmarks.race.racing import Heat
from benchmarks.race.report import MEGABYTE, Report, duration
from xpnet.drawing.curves import GREY, GRID, INK
from xpnet.drawing.text import FONT, escape_xml

OWN, OTHER, FLOOR = "#1f6fb4", "#a9b4be", "#d9dee3"
LABELS, COLUMN, BAR, LONGEST = 180, 160, 118, 5.0  # pixels; the ratio that fills a bar
ROW, TOP = 26, 112


def ratios_svg(report: Report) -> str:
    """A row for each competitor, a column for each workload; bars are times relative to xpnet's, lower is better."""
    names = report.names
    width, height = LABELS + COLUMN * len(report.heats) + 24, TOP + ROW * len(names) + 28
    title = "Time of a training step, relative to xpnet: shorter is faster"
    parts = [*_frame(width, height, title, _summary(report))]
    for row, name in enumerate(names):
        weight = ' font-weight="600"' if COMPETITORS[name].library == "xpnet" else ""
        label = escape_xml(COMPETITORS[name].label)
        parts.append(f'<text x="{LABELS - 12}" y="{TOP + ROW * row + 15}" text-anchor="end"{weight}>{label}</text>')
    for column, heat in enumerate(report.heats):
        parts += _column(heat, names, LABELS + COLUMN * column)
    return _closed(parts)


def _summary(report: Report) -> str:
    return "; ".join(
        f"{heat.workload.name}: "
        + ", ".join(f"{COMPETITORS[result.competitor].label} {duration(result.median)}" for result in heat.ran())
        for heat in report.heats
    )


def _column(heat: Heat, names: Sequence[str], left: float) -> Iterator[str]:
    base = heat.base
    if base is None:
        return
    yield f'<text x="{left}" y="{TOP - 44}" font-size="14" font-weight="600">{escape_xml(heat.workload.name)}</text>'
    hint = escape_xml(f"{heat.workload.summary}; 1 is {duration(base.median)}")
    for line, text in enumerate((heat.workload.summary.partition(", ")[0], f"1 = {duration(base.median)}")):
        y = TOP - 26 + 16 * line
        yield f'<text x="{left}" y="{y}" fill="{GREY}">{escape_xml(text)}<title>{hint}</title></text>'
    one = left + BAR / LONGEST
    yield f'<path d="M{one:.1f} {TOP - 2}v{ROW * len(names)}" stroke="{OWN}" stroke-dasharray="2 3"/>'
    for row, name in enumerate(names):
        result = heat.results.get(name)
        if result is None or not result.ran:
            continue
        competitor, ratio, y = COMPETITORS[name], result.median / base.median, TOP + ROW * row
        colour = OWN if competitor.library == "xpnet" else OTHER if competitor.computes else FLOOR
        length = max(1.0, min(ratio, LONGEST) / LONGEST * BAR)
        hint = escape_xml(f"{competitor.label}: {duration(result.median)}")
        yield f'<rect x="{left}" y="{y}" width="{length:.1f}" height="18" fill="{colour}"><title>{hint}</title></rect>'
        if ratio > LONGEST:  # a gap tells that the bar is cut
            yield f'<path d="M{left + BAR - 14} {y + 20}l6 -22" stroke="#ffffff" stroke-width="4"/>'
        beside = max(length, BAR / LONGEST) + 5  # not across the line at 1
        yield f'<text x="{left + beside:.1f}" y="{y + 14}">{ratio:.2f}</text>'


@dataclass(frozen=True)
class Panel:
    """A plot of points on two logarithmic axes, in its place."""

    title: str
    points: list[tuple[float, float]]
    left: float
    top: float
    time: bool
    joined: bool


SIDE, DEEP, GAP = 190, 150, 70


def growth_svg(report: Report) -> str:
    """Time above and memory below, against batch, width, depth and parameters, on logarithmic axes."""
    panels = list(_panels(report.growth))
    width, height = 70 + (SIDE + GAP) * (len(AXES) + 1), 90 + (DEEP + GAP) * 2
    parts = [*_frame(width, height, "Growth of a training step; dotted lines grow in proportion", "")]
    for panel in panels:
        parts += _plot(panel)
    return _closed(parts)


def _panels(growth: Sequence[Growth]) -> Iterator[Panel]:
    for column, axis in enumerate([*AXES, "parameters"]):
        chosen = [g for g in growth if g.axis == axis or (axis == "parameters" and g.axis != "batch")]
        for row, time in enumerate((True, False)):
            sizes = [(g.parameters if axis == "parameters" else g.value, g.seconds, g.grown) for g in chosen]
            points = [(float(x), s if time else (grown or 0) / MEGABYTE) for x, s, grown in sizes if time or grown]
            left, top = 76 + (SIDE + GAP) * column, 84 + (DEEP + GAP) * row
            yield Panel(axis, sorted(points), left, top, time, axis != "parameters")


def _plot(panel: Panel) -> Iterator[str]:
    if not panel.points:
        return
    xs, ys = ([point[i] for point in panel.points] for i in (0, 1))
    x_low, x_high = math.log10(min(xs)), math.log10(max(xs))
    y_low, y_high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)) + 1e-9)
    bottom = panel.top + DEEP

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - x_low) / max(x_high - x_low, 1e-9)
        return panel.left + SIDE * across, bottom - DEEP * (math.log10(y) - y_low) / (y_high - y_low)

    yield f'<text x="{panel.left}" y="{panel.top - 12}" font-weight="600">{"time" if panel.time else "memory"}</text>'
    for power in range(y_low, y_high + 1):
        _, y = place(xs[0], 10.0**power)
        text = duration(10.0**power) if panel.time else _megabytes(10.0**power)
        yield f'<path d="M{panel.left} {y:.1f}h{SIDE}" stroke="{GRID}"/>'
        yield f'<text x="{panel.left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="{GREY}">{_short(text)}</text>'
    for power in range(math.ceil(x_low - 1e-9), math.floor(x_high + 1e-9) + 1):
        x, _ = place(10.0**power, ys[0])
        yield f'<path d="M{x:.1f} {bottom}v5" stroke="{GREY}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 19}" text-anchor="middle" fill="{GREY}">{_count(10.0**power)}</text>'
    middle = panel.left + SIDE / 2
    yield f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle" fill="{GREY}">{panel.title}</text>'
    yield from _guide(panel, place, y_low)
    at = [place(x, y) for x, y in panel.points]
    if panel.joined:
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        yield f'<path d="M{path}" fill="none" stroke="{OWN}" stroke-width="2"/>'
    for (x, y), (value, size) in zip(at, panel.points, strict=True):
        shown = duration(size) if panel.time else f"{size:.1f} MB"
        hint = escape_xml(f"{panel.title} {value:,.0f}: {shown}")
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{OWN}"><title>{hint}</title></circle>'


def _guide(panel: Panel, place: object, y_low: int) -> Iterator[str]:
    """A line in proportion through the last point."""
    x, y = panel.points[-1]
    first = max(panel.points[0][0], x * 10.0**y_low / y)
    if callable(place) and first < x:
        (x1, y1), (x2, y2) = place(first, y * first / x), place(x, y)
        line = f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
        yield f'<path d="{line}" stroke="{GREY}" stroke-dasharray="2 3" fill="none"/>'


def _short(text: str) -> str:
    return text.replace(".00 ", " ").replace("0.0 ", "0 ").replace("10. ", "10 ")


def _megabytes(value: float) -> str:
    return f"{value / 1e3:g} GB" if value >= 1e3 else f"{value:g} MB"


def _count(value: float) -> str:
    for letter, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _frame(width: float, height: float, title: str, summary: str) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="{FONT}" font-size="12" fill="{INK}">'
    )
    yield f"<title>{escape_xml(title)}</title>"
    if summary:
        yield f"<desc>{escape_xml(summary)}</desc>"
    yield f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10" fill="#ffffff" stroke="#d5dbe1"/>'
    yield f'<text x="28" y="38" font-size="18" font-weight="600">{escape_xml(title)}</text>'


def _closed(parts: list[str]) -> str:
    return "\n".join([*parts, "</svg>"]) + "\n"
