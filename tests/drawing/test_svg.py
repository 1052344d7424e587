"""The SVG: the book's numbers are in it, nothing overlaps, and no name can break it."""

from __future__ import annotations

import random
import time
import xml.etree.ElementTree as ET

import pytest
from figures import FIGURES
from pictures import SVG, crossed, drawn, overlaps, points, texts

from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.drawing.svg import svg

NASTY = ['<script>"a & b"</script>', "x\ny", "'\"", "日本語 λ 🍎", "&lt;", "\x00\ud800", "]]>", "<!--"]


def random_graph(seed: int, count: int, reach: int = 6) -> Graph:
    """Operations that read one to three of the values before them, some with long names and details."""
    chance = random.Random(seed)
    nodes = [Node("input", f"input {i}") for i in range(3)]
    edges = []
    for _ in range(count):
        kind, label = chance.choice([("operation", "+"), ("operation", "logaddexp"), ("layer", "Affine1")])
        details = chance.choice([(), ("W (784, 50)", "b (50,)")])
        sources = chance.choices(range(max(0, len(nodes) - reach), len(nodes)), k=chance.choice([1, 2, 2, 3]))
        edges += [
            Edge(source, len(nodes), chance.choice(["", "1.5", "(100, 50) float32"]), chance.choice(["", "-0.2345"]))
            for source in sources
        ]
        nodes.append(Node(kind, label, details))
    read = {edge.source for edge in edges}
    ends = [i for i in range(len(nodes)) if i not in read]
    edges += [Edge(end, len(nodes) + i, "1", "1") for i, end in enumerate(ends)]
    return Graph([*nodes, *(Node("output", "y") for _ in ends)], edges)


@pytest.mark.parametrize("name", FIGURES)
def test_every_value_and_derivative_is_drawn(name):
    graph = FIGURES[name]
    wanted = sorted(
        [text for edge in graph.edges for text in (edge.value, edge.derivative) if text]
        + [node.label for node in graph.nodes if node.label]
    )
    assert sorted(texts(svg(graph))) == wanted


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_touches_another_or_an_arrow(name):
    picture = svg(FIGURES[name])
    assert overlaps(picture) == []
    assert crossed(picture) == []


@pytest.mark.parametrize("seed", range(12))
def test_no_overlap_in_random_graphs(seed):
    picture = svg(random_graph(seed, 18))
    assert overlaps(picture) == []
    assert crossed(picture) == []


def test_arrows_of_a_tree_do_not_cross_and_its_main_line_is_straight():
    arrows = {
        g.get("data-edge"): g[0].get("d", "") for g in drawn(svg(FIGURES["apples"])) if "forward" in g.get("class")
    }
    assert all("C" not in arrows[edge] for edge in "24")  # 200 and 220
    assert all("C" in arrows[edge] for edge in "013")


def test_values_stand_above_and_derivatives_below_their_arrow():
    for group in drawn(svg(FIGURES["apples and oranges"])).iter(f"{SVG}g"):
        label = group.find(f"{SVG}text")
        if group.get("class") == "xn-backward":
            line = float(group.find(f"{SVG}polygon").get("points").split()[0].split(",")[1])
            assert float(label.get("y")) > line + 10


def test_the_picture_lies_inside_its_card():
    for seed in range(6):
        picture = svg(random_graph(seed, 25))
        width, height = map(float, ET.fromstring(picture).get("viewBox", "").split()[2:])
        assert all(0 <= x + 24 <= width and 0 <= y + 24 <= height for x, y in points(picture))


def test_any_name_value_and_detail_is_escaped():
    nodes = [*(Node("input", name) for name in NASTY), Node("layer", NASTY[0], tuple(NASTY), rule=NASTY[0])]
    graph = Graph(nodes, [Edge(i, len(NASTY), name, name) for i, name in enumerate(NASTY)], title=NASTY[0])
    picture = svg(graph)
    assert "<script" not in picture
    assert texts(picture).count('<script>"a & b"</script>') == 5
    assert overlaps(picture) == []


def test_it_asks_for_nothing_from_outside():
    picture = svg(FIGURES["network"])
    assert "http" not in picture.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not {"style", "script", "image", "use"} & {e.tag.removeprefix(SVG) for e in ET.fromstring(picture).iter()}


def test_a_graph_without_derivatives_has_no_legend():
    graph = FIGURES["sigmoid"]
    bare = Graph(graph.nodes, [Edge(e.source, e.target, e.value) for e in graph.edges])
    assert "derivative" in svg(graph)
    assert "derivative" not in svg(bare)


def test_degenerate_graphs_draw():
    assert texts(svg(Graph([], []))) == []
    assert texts(svg(Graph([Node("input", "x")], []))) == ["x"]
    twice = Graph([Node("input", "x"), Node("operation", "×")], [Edge(0, 1, "3", "3"), Edge(0, 1, "3", "3")])
    assert overlaps(svg(twice)) == []


def test_a_large_tangle_draws_in_time_that_grows_with_its_size():
    graph = random_graph(1, 1000, 1000)
    start = time.perf_counter()
    picture = svg(graph)
    assert time.perf_counter() - start < 10  # some 0.6 s on an idle core
    assert len(picture) < 2000 * 1000


def test_a_far_arrow_becomes_a_reference():
    nodes = [Node("input", "x"), *(Node("operation", "exp") for _ in range(40)), Node("operation", "+")]
    chain = [Edge(i, i + 1, "1", "1") for i in range(41)]
    picture = svg(Graph(nodes, [*chain, Edge(0, 41, "2", "3"), Edge(1, 41, "4", "5")]))
    assert texts(picture).count("x") == 2
    assert {"exp #1", "#1"} <= set(texts(picture))
