"""The benchmark as pictures: a bar for each competitor on each workload, and curves of growth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from benchmarks.race.growth import AXES
from benchmarks.race.peers import COMPETITORS
from benchmarks.race.racing import Heat
from benchmarks.race.report import MEGABYTE, Report, duration
from xpnet.drawing.axes import GREY, Points, Words, axis_of_powers, curve, frame, picture, text
from xpnet.drawing.text import escape_xml

OWN, OTHER, FLOOR = "#1f6fb4", "#a9b4be", "#d9dee3"
LABELS, COLUMN, BAR, LONGEST = 180, 160, 118, 5.0  # pixels; the ratio that fills a bar
ROW, TOP, BESIDE = 26, 112, 5


def ratios_svg(report: Report) -> str:
    """Draw a row for each competitor, a column for each workload, five beside each other; bars are times of xpnet's."""
    names, heats = report.names, report.heats
    band = ROW * len(names) + 80
    width, height = LABELS + COLUMN * min(len(heats), BESIDE) + 24, TOP + band * -(-len(heats) // BESIDE) - 52
    title = "Time of a step, relative to xpnet: shorter is faster"
    parts: list[str] = []
    for top in range(TOP, height, band):
        for row, name in enumerate(names):
            weight = ' font-weight="600"' if COMPETITORS[name].library == "xpnet" else ""
            label = escape_xml(COMPETITORS[name].label)
            parts.append(f'<text x="{LABELS - 12}" y="{top + ROW * row + 15}" text-anchor="end"{weight}>{label}</text>')
    for index, heat in enumerate(heats):
        place, column = divmod(index, BESIDE)
        parts += _column(heat, names, LABELS + COLUMN * column, TOP + band * place)
    return picture(title, width, height, parts, _summary(report))


def _summary(report: Report) -> str:
    return "; ".join(
        f"{heat.workload.name}: "
        + ", ".join(f"{COMPETITORS[result.competitor].label} {duration(result.median)}" for result in heat.ran())
        for heat in report.heats
    )


def _column(heat: Heat, names: Sequence[str], left: float, top: float) -> Iterator[str]:
    base = heat.base
    if base is None:
        return
    yield f'<text x="{left}" y="{top - 44}" font-size="14" font-weight="600">{escape_xml(heat.workload.name)}</text>'
    hint = escape_xml(f"{heat.workload.summary}; 1 is {duration(base.median)}")
    for line, words in enumerate((heat.workload.summary.partition(", ")[0], f"1 = {duration(base.median)}")):
        y = top - 26 + 16 * line
        yield f'<text x="{left}" y="{y}" fill="{GREY}">{escape_xml(words)}<title>{hint}</title></text>'
    one = left + BAR / LONGEST
    yield f'<path d="M{one:.1f} {top - 2}v{ROW * len(names)}" stroke="{OWN}" stroke-dasharray="2 3"/>'
    for row, name in enumerate(names):
        result = heat.results.get(name)
        if result is None or not result.ran:
            continue
        competitor, ratio, y = COMPETITORS[name], result.median / base.median, top + ROW * row
        colour = OWN if competitor.library == "xpnet" else OTHER if competitor.computes else FLOOR
        length = max(1.0, min(ratio, LONGEST) / LONGEST * BAR)
        hint = escape_xml(f"{competitor.label}: {duration(result.median)}")
        yield f'<rect x="{left}" y="{y}" width="{length:.1f}" height="18" fill="{colour}"><title>{hint}</title></rect>'
        if ratio > LONGEST:  # a gap tells that the bar is cut
            yield f'<path d="M{left + BAR - 14} {y + 20}l6 -22" stroke="#ffffff" stroke-width="4"/>'
        beside = max(length, BAR / LONGEST) + 5  # not across the line at 1
        yield f'<text x="{left + beside:.1f}" y="{y + 14}">{ratio:.2f}</text>'


SIDE, DEEP, GAP = 190, 150, 70


def growth_svg(report: Report) -> str:
    """Draw time above and memory below, against batch, width, depth and parameters, on logarithmic axes."""
    parts: list[str] = []
    for column, axis in enumerate([*AXES, "parameters"]):
        chosen = [g for g in report.growth if g.axis == axis or (axis == "parameters" and g.axis != "batch")]
        sizes = [float(g.parameters if axis == "parameters" else g.value) for g in chosen]
        times = [(size, g.seconds) for size, g in zip(sizes, chosen, strict=True)]
        bytes_ = [(size, g.grown / MEGABYTE) for size, g in zip(sizes, chosen, strict=True) if g.grown]
        left = 76 + (SIDE + GAP) * column
        for row, (points, shown) in enumerate(((times, duration), (bytes_, _megabytes))):
            if points:
                parts += _plot(axis, sorted(points), left, 84 + (DEEP + GAP) * row, shown)
    width, height = 70 + (SIDE + GAP) * (len(AXES) + 1), 90 + (DEEP + GAP) * 2
    return picture("Growth of a training step; dotted lines grow in proportion", width, height, parts)


def _plot(axis: str, points: Points, left: float, top: float, words: Words) -> Iterator[str]:
    xs, ys = zip(*points, strict=True)
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)) + 1e-9)
    x = axis_of_powers(min(xs), max(xs), left, left + SIDE)
    y = axis_of_powers(10.0**low, 10.0**high, top + DEEP, top)
    yield text(left, top - 12, "time" if words is duration else "memory", 'font-weight="600"')
    yield from frame(x, y, _count, lambda tick: _short(words(tick)), axis)
    last, most = points[-1]
    first = max(xs[0], last * y.low / most)
    if first < last:  # in proportion, through the last point
        guide = curve([(first, most * first / last), (last, most)], x, y)
        yield f'<path d="{guide}" stroke="{GREY}" stroke-dasharray="2 3" fill="none"/>'
    if axis != "parameters":
        yield f'<path d="{curve(points, x, y)}" fill="none" stroke="{OWN}" stroke-width="2"/>'
    for value, size in points:
        hint = escape_xml(f"{axis} {value:,.0f}: {words(size)}")
        yield f'<circle cx="{x(value):.1f}" cy="{y(size):.1f}" r="3" fill="{OWN}"><title>{hint}</title></circle>'


def _short(text: str) -> str:
    return text.replace(".00 ", " ").replace("0.0 ", "0 ").replace("10. ", "10 ")


def _megabytes(value: float) -> str:
    return f"{value / 1e3:.3g} GB" if value >= 1e3 else f"{value:.3g} MB"


def _count(value: float) -> str:
    for letter, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
