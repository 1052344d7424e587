"""Rows of cells as text for a terminal and as HTML for a notebook."""

from html.parser import HTMLParser

import numpy as np
import pytest

import xpnet as xn
from xpnet.conformance import Report, Row
from xpnet.layers import Affine, MeanSquaredError, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.training import Epoch, History, RateTest, Trainer
from xpnet.typesetting import aligned, as_html, within_page


class Cells(HTMLParser):
    """Collects the cells of a table as a browser would show them, and the elements that are no part of one."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.others: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
        elif tag not in ("table", "caption", "p"):
            self.others.add(tag)

    def handle_data(self, data):
        if self.rows and data.strip() and self.rows[-1]:
            self.rows[-1][-1] += data


def test_columns_have_one_width_and_numbers_end_at_the_right():
    assert aligned([("a", "b"), ("long", "1")], right=1) == ["a     b", "long  1"]


def test_texts_are_never_markup():
    cells = Cells(as_html("<b>", [("<i>",), ("a & b",)], ["<u>"]))
    assert cells.rows[:1] == [["<i>"]]
    assert cells.rows[1][0].startswith("a & b")
    assert cells.others == set()


@pytest.fixture
def net():
    return Sequential(Affine.create(3, 4), Relu(), Affine.create(4, 2), loss=SoftmaxWithLoss())


def test_a_notebook_shows_what_print_does(net):
    x, t = np.ones((2, 3), "float32"), np.asarray([0, 1])
    for shown, text in ((net, net.summary()), (net.plan(), str(net.plan()))):
        for row in Cells(shown._repr_html_()).rows[1:]:
            assert all(cell.strip() in text for cell in row)
    report = xn.gradient_check(net, x, t)
    rows = Cells(report._repr_html_()).rows
    assert [row[0] for row in rows] == ["name", *(row.name for row in report.rows)]


def test_numbers_end_at_the_right_and_names_are_not_broken():
    html = as_html("", [("name", "shapes", "count"), ("  inner", "W (2, 3)", "6")], right=1)
    cells = html.split("<tr>")[2].split("</td>")[:3]
    assert ["right" in cell for cell in cells] == [False, False, True]
    assert ["pre-wrap" in cell for cell in cells] == [False, True, True]


def test_a_picture_is_no_wider_than_its_page():
    assert "max-width: 100%" in xn.draw(Sequential(Relu()))._repr_svg_()
    assert within_page('<svg width="9">').endswith(' width="9">')


def epochs(count, accuracy=None):
    return History(Epoch(i + 1, 1.0 / (i + 1), accuracy, None, 0.5, 10.0) for i in range(count))


def test_a_history_is_a_table_and_a_curve():
    history = epochs(2, accuracy=0.25)
    assert repr(history).splitlines()[0].split() == ["epoch", "loss", "train", "accuracy", "seconds"]
    curve, _, table = history._repr_html_().partition("</svg>")
    assert "Accuracy" in curve
    found = [[cell.strip() for cell in row] for row in Cells(table).rows[1:]]
    assert found == [["1", "1.0000", "25.00%", "0.50"], ["2", "0.5000", "25.00%", "0.50"]]
    assert (repr(History()), History()._repr_html_()) == ("History()", "")


def test_of_many_epochs_the_first_and_the_last_are_shown():
    shown = [line.split()[0] for line in repr(epochs(30)).splitlines()]
    assert shown[:3] == ["epoch", "1", "…"]
    assert shown[3:] == [str(number) for number in range(20, 31)]


def test_a_history_names_what_was_measured():
    x = np.asarray([[1.0], [2.0]], "float32")

    def trained(**options):
        net = Sequential(Affine.create(1, 1), loss=MeanSquaredError())
        return Trainer(net, SGD(0.01), (x, x), validation=(x, x), **options).fit(1)

    assert "Accuracy" not in trained()._repr_html_()
    assert repr(trained()).splitlines()[0].split() == ["epoch", "loss", "test", "loss", "seconds"]
    measured = trained(metric="mae")
    assert "train mae" in repr(measured)
    assert "Mae" in measured._repr_html_()


def test_a_rate_test_is_a_curve():
    found = RateTest([1e-3, 1e-2, 1e-1], [3.0, 2.0, 1.0], 0.01)
    assert "<svg" in found._repr_html_()
    assert str(found) in found._repr_html_()


def test_a_report_of_a_library_shows_what_fails():
    rows = (Row("rules", "exp"), Row("rules", "log", "log(x)", status="raises", found="<none>", cause="log"))
    report = Report("mine", "mine 1", "2024.12", "float64", 1e-9, False, 2.0, ("slow",), rows)
    cells = Cells(report._repr_html_())
    found = [[cell.strip() for cell in row] for row in cells.rows]
    assert ["rules", report.summary("rules").partition(": ")[2]] in found
    assert ["log", "raises", "log(x)", "<none>"] in found
    assert cells.others == set()
