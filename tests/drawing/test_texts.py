"""Mermaid, DOT, numbers and the layout's parts."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
from figures import APPLES, FIGURES

from xpnet.drawing.dot import dot
from xpnet.drawing.explanations import explain_layer
from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.drawing.layering import arrange_in_columns, longest_paths
from xpnet.drawing.mermaid import escape_mermaid, mermaid
from xpnet.drawing.text import number, one_line
from xpnet.errors import ArgumentError
from xpnet.layers import Affine, Relu, Sigmoid

NASTY = '<script>"a & b"</script>\n`x` #35; | ] ) } 日本 \x00'


def nasty_graph() -> Graph:
    return Graph([Node("input", NASTY), Node("layer", NASTY, (NASTY,))], [Edge(0, 1, NASTY, NASTY)], title=NASTY)


def test_mermaid_of_the_apples():
    assert mermaid(APPLES).splitlines()[:8] == [
        "flowchart LR",
        '    n0(["apple"])',
        '    n1(["count"])',
        '    n2(["tax"])',
        '    n3(("×")):::operation',
        '    n4(("×")):::operation',
        '    n5(["price"])',
        '    n0 -->|"100<br/>∂ 2.2"| n3',
    ]


def test_mermaid_labels_hold_no_character_with_a_meaning():
    assert escape_mermaid('<b>"a & b"</b>\nc') == "#60;b#62;#34;a #38; b#34;#60;/b#62;<br/>c"
    labels = re.findall(r'"([^"]*)"', mermaid(nasty_graph()))
    assert len(labels) == 3
    assert all(not re.search(r'[<>"&`|{}\[\]]|#(?!\d+;)', label.replace("<br/>", "")) for label in labels)


def test_mermaid_has_no_empty_label():
    assert '""' not in mermaid(Graph([Node("operation", "+"), Node("output", "")], [Edge(0, 1)]))


def test_dot_of_the_apples():
    text = dot(APPLES)
    assert '  n0 -> n3 [label=<100<BR/><FONT COLOR="#c2410c">2.2</FONT>>]' in text.splitlines()
    assert "rankdir=LR" in text


@pytest.mark.parametrize("graph", [*FIGURES.values(), nasty_graph()], ids=[*FIGURES, "nasty"])
def test_dot_labels_are_well_formed(graph):
    for label in re.findall(r"label=<(.*?)>(?=[\] ] ?|\s\w+=|$)", dot(graph), re.MULTILINE):
        ET.fromstring(f"<label>{label}</label>")


def test_graphviz_reads_what_is_written():
    program = shutil.which("dot")
    if program is None:
        pytest.skip("Graphviz is not installed")
    run = subprocess.run([program, "-Tsvg"], input=dot(nasty_graph()).encode(), capture_output=True, check=False)
    assert run.returncode == 0
    assert run.stderr == b""
    assert b"&lt;script&gt;&quot;a &amp; b&quot;&lt;/script&gt;" in run.stdout


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (100.0, "100"),
        (1.1, "1.1"),
        (1.100000023841858, "1.1"),
        (0.30000000000000004, "0.3"),
        (-0.0, "0"),
        (12345.0, "12345"),
        (123456.7, "1.235e5"),
        (1e-7, "1e-7"),
        (1e30, "1e30"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (True, "True"),
        (650, "650"),
        (1 - 2j, "1-2i"),
    ],
)
def test_numbers_print_as_in_the_book(value, text):
    assert number(value) == text


def test_long_texts_are_cut():
    assert one_line("a\n  b") == "a b"
    assert one_line("x" * 100, 10) == "x" * 9 + "…"


def test_columns_are_longest_paths():
    assert longest_paths(APPLES) == [0, 0, 0, 1, 2, 3]


def test_every_arrow_runs_to_the_right():
    for graph in FIGURES.values():
        drawn, columns = arrange_in_columns(graph)
        assert all(columns[edge.source] < columns[edge.target] for edge in drawn.edges)


def test_a_cycle_and_a_missing_node_are_refused():
    two = [Node("operation", "+"), Node("operation", "×")]
    with pytest.raises(ArgumentError, match="cycle"):
        Graph(two, [Edge(0, 1), Edge(1, 0)])
    with pytest.raises(ArgumentError, match="nodes 0 to 1"):
        Graph(two, [Edge(0, 2)])


@pytest.mark.parametrize(
    ("kind", "formula"), [(Sigmoid, "dx = dout y (1 - y)"), (Affine, "dW = xᵀ dout"), (Relu, "x > 0")]
)
def test_a_layer_is_explained_by_its_documentation(kind, formula):
    assert formula in explain_layer(kind)
    assert "Source" not in explain_layer(kind)
    assert "``" not in explain_layer(kind)
