"""The report of a gradient check: as text, table, dict and error."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest
from faulty_layers import WRONG, WrongAffine
from named_numbers import normal
from rich.console import Console

import xpnet as xn
from xpnet.errors import GradientError, XpnetError
from xpnet.gradcheck.report import COLUMNS
from xpnet.layers import Affine, BatchNormalization, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.random import Generator


@pytest.fixture
def failed():
    wrong, _, _ = WRONG["missing division"]
    return xn.gradient_check(WrongAffine(normal("W", 4, 4), normal("b", 4), **wrong), normal("x", 4, 4))


def test_the_report_as_text(failed) -> None:
    title, header, *rows, note = str(failed).splitlines()
    assert title == "gradient check of WrongAffine (every, float64, tolerance 1e-06)"
    assert re.split(r" {2,}", header) == list(COLUMNS)
    assert [row.split()[0] for row in rows] == ["x", "W", "b"]
    assert [row.split()[-1] for row in rows] == ["ok", "fail", "ok"]
    assert note.startswith("W: backward gave ")


def test_where_the_largest_difference_sits() -> None:
    layer = WrongAffine(normal("W", 4, 4), normal("b", 4), dx=WRONG["one element"][0]["dx"])
    row = xn.gradient_check(layer, normal("x", 4, 4)).rows[0]
    assert row.where == (2, 1)
    assert row.max_diff == pytest.approx(abs(row.analytic - row.numeric))
    assert row.mean_diff == pytest.approx(row.max_diff / 16, rel=1e-3)
    assert row.analytic == pytest.approx(1.001 * row.numeric)
    assert 0.0 < row.mean_rel < row.max_rel < 0.002


def test_the_report_as_a_dict_of_builtins(failed) -> None:
    found = json.loads(json.dumps(failed.to_dict()))
    assert found["ok"] is False
    assert (found["subject"], found["mode"], found["dtype"]) == ("WrongAffine", "every", "float64")
    assert [row["name"] for row in found["rows"]] == ["x", "W", "b"]
    row = found["rows"][1]
    assert {
        "shape",
        "checked",
        "mean_diff",
        "max_diff",
        "mean_rel",
        "max_rel",
        "where",
        "status",
        "causes",
    } <= row.keys()
    assert row["status"] == "fail"
    assert row["analytic"] == pytest.approx(4.0 * row["numeric"])


def test_what_rounding_alone_tells_apart_has_no_relative_difference_and_a_fault_has_one(failed) -> None:
    assert all(row.max_rel > failed.tolerance for row in failed.rows if row.status == "fail")
    affine = Affine.create(4, 3, rng=Generator(0))
    net = Sequential(affine, BatchNormalization.create(3), loss=SoftmaxWithLoss())  # which undoes any b
    report = xn.gradient_check(net, normal("x", 33, 4), np.arange(33) % 3)
    report.raise_if_failed()
    rows = {row.name: row for row in report.rows}
    assert 0.0 < abs(rows["Affine1.b"].max_diff) < 1e-15
    assert rows["Affine1.b"].max_rel == 0.0
    assert 0.0 < rows["Affine1.W"].max_rel < report.tolerance


def test_the_report_as_a_rich_table(failed) -> None:
    screen = io.StringIO()
    Console(file=screen, width=160).print(failed, xn.gradient_check(Relu(), np.asarray([0.0])))
    text = screen.getvalue()
    assert "gradient check of WrongAffine" in text
    assert "missing division by the batch size" in text
    assert re.search(r"W +4x4 +16 .* fail", text)
    assert "1 kink" in text


def test_raise_if_failed(failed) -> None:
    with pytest.raises(
        GradientError, match=r"(?s)^WrongAffine: backward must agree .*\(W\), got W: backward gave"
    ) as raised:
        failed.raise_if_failed()
    assert isinstance(raised.value, AssertionError)
    assert isinstance(raised.value, XpnetError)
    xn.gradient_check(Relu(), np.ones(2)).raise_if_failed()
