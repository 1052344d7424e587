"""Rows of cells as text for a terminal and as HTML for a notebook."""

from html.parser import HTMLParser

import numpy as np
import pytest

import xpnet as xn
from xpnet.layers import Affine, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.typesetting import aligned, as_html


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
