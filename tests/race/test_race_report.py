"""What was found is printed, written and drawn as it was."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

from benchmarks.race import (
    WORKLOADS,
    Growth,
    Heat,
    Report,
    Setting,
    markdown,
    put_into,
)
from benchmarks.race import Result as Found
from benchmarks.race.footprint import closure, footprint
from benchmarks.race.picture import growth_svg, ratios_svg


def found(name: str, microseconds: float, **more: Any) -> Found:
    return Found(name, [microseconds * 1e-6] * 3, **more)


@pytest.fixture
def report() -> Report:
    results = {
        "xpnet": found("xpnet", 100, memory={"peak": 80 << 20, "grown": 3 << 20}, difference={1: 1e-8, 20: 2e-8}),
        "torch": found("torch", 250, memory={"peak": 300 << 20, "grown": 90 << 20}, difference={1: 1e-8, 20: 2e-8}),
        "jax": found("jax", 900, difference={1: 1e-8, 20: 2e-3}),
        "sklearn": Found("sklearn", error="ValueError: no"),
        "products": found("products", 50),
    }
    machine = {"processor": "P", "cores": "2", "memory": "8 GB", "system": "Linux", "Python": "3.12", "date": "today"}
    return Report(machine, {"xpnet": "1.0"}, Setting(), 5, "synthetic", [Heat(WORKLOADS["W1"], results)])


def test_ratios_are_to_xpnet(report: Report) -> None:
    text = markdown(report, "times.svg")
    assert "P, 2 cores, 8 GB, Linux; Python 3.12, xpnet 1.0; 2 threads, 5 rounds, images: synthetic; today." in text
    assert "| torch eager | 250 µs (2.50) |" in text
    assert "| products alone | 50 µs (0.50) |" in text
    assert "| torch eager | 90 MB (300) |" in text
    assert "(times.svg)" in text
    assert report.verdicts()[0] == "xpnet takes 0.40 of the time of torch eager on W1"


def test_a_loss_that_disagrees_is_told(report: Report) -> None:
    text = markdown(report)
    assert "- W1: JAX jit is not the same training: its loss after 20 steps is off by 2e-03" in text
    assert "- W1: scikit-learn did not run: ValueError: no" in text
    assert "| JAX jit | **1e-08, 2e-03** |" in text
    assert report.right
    report.heats[0].results["xpnet"].difference[20] = float("nan")
    assert not report.right


def test_unsteady_times_are_told(report: Report) -> None:
    assert not report.busy()
    for result in report.heats[0].results.values():
        result.seconds[:] = [1.0, 2.0, 3.0] if result.ran else []
    assert report.busy()
    assert "something else was running" in markdown(report)


def test_pictures_are_well_formed_and_cut_long_bars(report: Report) -> None:
    picture = ET.fromstring(ratios_svg(report))
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"W1", "784-50-10", "1 = 100 µs", "torch eager", "2.50", "9.00", "0.50"} <= set(texts)
    bars = [float(bar.get("width")) for bar in picture.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars[1] == pytest.approx(2.5 * bars[0])
    assert bars[2] < 9 * bars[0]


def test_growth_is_drawn_on_logarithmic_axes(report: Report) -> None:
    report.growth[:] = [Growth("batch", 10**k, 50, 1e-4 * 10**k, 1 << 20) for k in range(4)]
    report.growth.append(Growth("depth", 3, 70, 2e-3, None))
    picture = ET.fromstring(growth_svg(report))
    svg = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in picture.iter(f"{svg}text")]
    assert {"time", "memory", "batch", "depth", "1", "10", "100", "1k", "100 µs", "1 ms", "1 MB"} <= set(texts)
    points = [(float(c.get("cx")), float(c.get("cy"))) for c in picture.iter(f"{svg}circle")][:4]
    across, up = np.diff(points, axis=0).T
    np.testing.assert_allclose(across, across[0], atol=0.11)
    np.testing.assert_allclose(up, up[0], atol=0.11)
    assert up[0] < 0 < across[0]
    assert "batch 100: 10.0 ms" in [element.text for element in picture.iter(f"{svg}title")]


def test_put_into_replaces_what_is_between_the_marks() -> None:
    page = put_into("# Title\n", "times", "old\n")
    assert page == "# Title\n\n<!-- times -->\n\nold\n\n<!-- end of times -->\n"
    page = put_into(page + "after\n", "times", "new\n")
    assert page == "# Title\n\n<!-- times -->\n\nnew\n\n<!-- end of times -->\nafter\n"


def test_a_footprint_counts_the_dependencies() -> None:
    names = {one.metadata["Name"].lower() for one in closure("xpnet")}
    assert {"xpnet", "numpy", "rich", "click"} <= names
    assert "torch" not in names
    one = footprint("xpnet", "xpnet")
    assert one.size > footprint("click", "click").size > 0
    assert one.seconds > 0.0
