"""Plots: panels of curves and bars that show what they were given."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from xpnet.drawing import Panel, histogram, plot
from xpnet.errors import ArgumentError

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def paths(svg: str) -> dict[str, str]:
    """The shapes of the series by name."""
    found = {}
    for path in ET.fromstring(svg).iter(f"{SVG}path"):
        title = path.find(f"{SVG}title")
        if title is not None:
            found[str(title.text)] = path.get("d", "")
    return found


def numbers(shape: str) -> list[float]:
    return [float(word) for word in re.findall(r"-?\d+\.?\d*", shape)]


def line(slope: float, count: int = 11) -> list[tuple[float, float]]:
    return [(float(i), slope * i) for i in range(count)]


def test_a_plot_tells_its_series_axes_and_panels():
    svg = plot([Panel("one panel", {"slow": line(1.0), "fast": line(2.0)}, x="step", y="loss")], "Two lines")
    assert {"Two lines", "one panel", "slow", "fast", "step", "loss", "0", "10", "20"} <= set(texts(svg))
    assert list(paths(svg)) == ["slow", "fast"]


def test_curves_go_from_corner_to_corner():
    svg = plot([Panel("", {"a": line(1.0), "b": line(0.5)})], "")
    a, b = (numbers(shape) for shape in paths(svg).values())
    assert a[::2] == b[::2]
    assert a[0] < a[-2]
    assert a[1] == b[1] > b[-1] > a[-1]
    assert b[-1] == pytest.approx((a[1] + a[-1]) / 2, abs=0.1)


def test_what_is_not_finite_breaks_the_curve():
    points = [(0.0, 1.0), (1.0, math.nan), (2.0, 2.0), (3.0, math.inf), (4.0, 3.0), (5.0, 1.0)]
    svg = plot([Panel("", {"a": points})], "")
    assert paths(svg)["a"].count("M") == 3
    assert "nan" not in svg
    assert "inf" not in svg


def test_nothing_finite_is_said_in_words():
    assert "nothing finite to draw" in texts(plot([Panel("", {"a": [(0.0, math.nan)]}), Panel("", {})], ""))


def test_bounds_hold_the_curve_inside_the_frame():
    svg = plot([Panel("", {"a": line(1.0)}, bounds=(0.0, 5.0))], "")
    heights = numbers(paths(svg)["a"])[1::2]
    assert heights[5:] == [heights[5]] * 6
    assert "5" in texts(svg)


def test_a_histogram_has_a_bar_for_each_bin_that_is_not_empty():
    values = np.asarray([0.05, 0.05, 0.15, 0.95, 7.0])
    panel = histogram("bins", values, 0.0, 1.0, bins=10)
    assert [share for _, share in panel.points["share"]] == pytest.approx([0.4, 0.2, *[0.0] * 7, 0.2])
    svg = plot([panel], "")
    assert paths(svg)["share"].count("Z") == 3
    assert {"0", "1"} <= set(texts(svg))
    assert "share" not in texts(svg)
    capped = plot([histogram("", values, 0.0, 1.0, bins=10, top=0.2)], "")
    assert len(set(re.findall(r"V([\d.]+)h", paths(capped)["share"]))) == 1


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (1, 5), (4, 4), (16, 4), (7, 3)])
def test_panels_stand_in_rows_inside_the_picture(count: int, columns: int):
    svg = plot([Panel(f"panel {i}", {"a": line(1.0)}) for i in range(count)], "", columns)
    root = ET.fromstring(svg)
    width, height = float(root.get("width", "nan")), float(root.get("height", "nan"))
    places = [(float(t.get("x", "nan")), float(t.get("y", "nan"))) for t in root.iter(f"{SVG}text")]
    assert all(0 < x < width and 0 < y < height for x, y in places)
    assert len({t for t in texts(svg) if t.startswith("panel")}) == count


def test_a_series_has_one_colour_in_all_panels():
    svg = plot([Panel("", {"a": line(1.0)}), Panel("", {"b": line(1.0), "a": line(2.0)})], "", 2)
    strokes = [
        (path.find(f"{SVG}title").text, path.get("stroke"))
        for path in ET.fromstring(svg).iter(f"{SVG}path")
        if path.find(f"{SVG}title") is not None
    ]
    assert len(strokes) == 3
    assert len(set(strokes)) == 2


@pytest.mark.parametrize("points", [[(1.0, 2.0)], [(1.0, 0.0), (2.0, 0.0)], [(0.0, 1e-9), (1.0, 1e9)]])
def test_any_range_draws(points: list[tuple[float, float]]):
    for bars in (False, True):
        svg = plot([Panel("", {"a": points}, bars=bars)], "")
        assert all(math.isfinite(value) for value in numbers(paths(svg)["a"]))


def test_text_is_escaped():
    svg = plot([Panel("<&>", {"<a>": line(1.0), "b": line(1.0)})], '"&"')
    assert {"<&>", "<a>", '"&"'} <= set(texts(svg))


def test_no_panels_and_too_many_series_are_refused():
    with pytest.raises(
        ArgumentError, match="plot: there must be panels, of at most 6 series, got 0 panels of 0 series"
    ):
        plot([], "")
    with pytest.raises(ArgumentError, match="got 1 panels of 7 series; make several plots"):
        plot([Panel("", {str(i): line(1.0) for i in range(7)})], "")
