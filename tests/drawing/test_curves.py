"""Learning curves: every history draws, and what is drawn is what was measured."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from xpnet.drawing.axes import round_ticks
from xpnet.drawing.curves import learning_curve
from xpnet.drawing.plot import Panel, plot

SVG = "{http://www.w3.org/2000/svg}"


def history(epochs: int) -> list[dict[str, float]]:
    return [
        {"epoch": n, "loss": 2.3 / n, "train_accuracy": 1 - 0.5 / n, "test_accuracy": 0.97 - 0.5 / n}
        for n in range(1, epochs + 1)
    ]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def coordinates(svg: str) -> list[float]:
    circles = ET.fromstring(svg).iter(f"{SVG}circle")
    return [float(circle.get(key, "nan")) for circle in circles for key in ("cx", "cy")]


def test_curve_ends_are_labelled_with_the_last_values():
    assert {"0.23", "train 95 %", "test 92 %", "Loss", "Accuracy", "epoch"} <= set(texts(learning_curve(history(10))))


def test_every_epoch_has_a_point_that_says_its_value():
    hints = [title.text for title in ET.fromstring(learning_curve(history(3))).iter(f"{SVG}title")]
    assert hints[1:4] == ["epoch 1: loss 2.3", "epoch 2: loss 1.15", "epoch 3: loss 0.7667"]


@pytest.mark.parametrize("epochs", [0, 1, 2, 7, 1000])
def test_any_number_of_epochs_draws_inside_the_card(epochs):
    svg = learning_curve(history(epochs))
    assert all(0 < value < 960 for value in coordinates(svg))
    assert "nan" not in svg
    assert len(svg) < 100_000


def test_a_value_that_is_not_finite_or_missing_leaves_a_gap():
    rows = history(8)
    rows[2]["loss"], rows[3]["loss"], rows[5]["loss"] = math.nan, math.inf, None
    loss = next(p for p in ET.fromstring(learning_curve(rows)).iter(f"{SVG}path") if p.get("fill") == "none")
    assert loss.get("d", "").count("M") == 3
    assert "3 without a number" in texts(learning_curve(rows))


def test_nothing_finite_is_said_in_words():
    rows = [{"epoch": 1, "loss": math.nan}]
    assert texts(learning_curve(rows)).count("nothing finite to draw") == 2


def test_missing_test_accuracy_draws_the_training_alone():
    rows = [{key: value for key, value in row.items() if key != "test_accuracy"} for row in history(4)]
    found = texts(learning_curve(rows))
    assert "train 87.5 %" in found
    assert not any(text.startswith("test") for text in found)


@pytest.mark.parametrize("value", [0.0, 1.0, 2.302, 1e-30, 1e12, -5.0])
def test_a_constant_series_draws(value):
    rows = [{"epoch": n, "loss": value, "train_accuracy": 1.0, "test_accuracy": 1.0} for n in range(1, 6)]
    assert all(math.isfinite(c) and 0 < c < 960 for c in coordinates(learning_curve(rows)))


def test_labels_of_equal_curves_do_not_touch():
    rows = [{"epoch": n, "loss": 1.0, "train_accuracy": 1.0, "test_accuracy": 1.0} for n in range(1, 6)]
    ends = [t for t in ET.fromstring(learning_curve(rows)).iter(f"{SVG}text") if (t.text or "").endswith("100 %")]
    heights = sorted(float(t.get("y", "nan")) for t in ends if t.get("font-weight"))
    assert heights[1] - heights[0] >= 16


def test_numpy_scalars_are_numbers():
    rows = [{"epoch": np.int64(1), "loss": np.float32(0.5), "train_accuracy": np.float64(0.5), "test_accuracy": None}]
    assert "train 50 %" in texts(learning_curve(rows))


def test_a_title_is_escaped():
    svg = learning_curve(history(2), title='<script>"a & b"</script>\x00')
    assert '<script>"a & b"</script>\N{REPLACEMENT CHARACTER}' in texts(svg)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0.31, 0.99, [0.2, 0.4, 0.6, 0.8, 1]), (0, 2.3, [0, 0.5, 1, 1.5, 2, 2.5])],
)
def test_ticks_are_round_and_enclose_the_range(low, high, ticks):
    assert round_ticks(low, high) == ticks


@pytest.mark.parametrize("first", [5e-324, -5e-324, 0.0, 1e-310, 1e-299, 9.9e299, -9.9e299, 1.0])
@pytest.mark.parametrize("last", [5e-324, 0.0, 2e-308, 1e-299, 9.9e299, -1e299, 1.0 + 2.0**-52])
def test_losses_of_any_size_are_drawn(first: float, last: float) -> None:
    rows = [{"epoch": 1, "loss": first}, {"epoch": 2, "loss": last}]
    points = coordinates(learning_curve(rows))
    assert len(points) == 4
    assert all(map(math.isfinite, points))
    values = list(enumerate((first, last)))
    for bars in (False, True):
        ET.fromstring(plot([Panel("losses", {"a": values}, bars=bars), Panel("one", {"a": values[:1]})], "Plot"))
