"""``draw``: Variables, layers and networks become the book's figures; bad subjects and paths are refused."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from pictures import crossed, overlaps, texts

from xpnet.autodiff import Variable, call_layer
from xpnet.backend import array_namespace, use_backend
from xpnet.drawing import Drawing, draw
from xpnet.errors import ArgumentError, DataError, DtypeError, StateError
from xpnet.layers import AddLayer, Affine, Flatten, MulLayer, Relu, Sigmoid, SoftmaxWithLoss, TransformerBlock
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.random import Generator


@pytest.fixture(autouse=True)
def _double_precision(request):
    if "asarray" in request.fixturenames:
        yield
        return
    with use_backend("numpy", dtype="float64"):
        yield


def arrows(drawing: Drawing) -> list[tuple[str, str, str, str]]:
    """Source, value, derivative and target of every arrow."""
    graph = drawing.graph
    return [
        (graph.nodes[edge.source].label, edge.value, edge.derivative, graph.nodes[edge.target].label)
        for edge in graph.edges
    ]


def readable(drawing: Drawing) -> bool:
    return overlaps(drawing.svg()) == [] and crossed(drawing.svg()) == []


def affine(inputs: int, outputs: int) -> Affine:
    return Affine(np.ones((inputs, outputs)), np.zeros(outputs))


def test_apples():
    apple, count, tax = Variable(100.0, name="apple"), Variable(2.0, name="count"), Variable(1.1, name="tax")
    price = apple * count * tax
    price.name = "price"
    price.backward()
    assert arrows(draw(price)) == [
        ("apple", "100", "2.2", "×"),
        ("count", "2", "110", "×"),
        ("×", "200", "1.1", "×"),
        ("tax", "1.1", "200", "×"),
        ("×", "220", "1", "price"),
    ]
    assert readable(draw(price))


def test_every_library_draws_the_same(asarray):
    x = Variable(asarray([1.0, 2.0, 3.0]), name="x")
    xp = array_namespace(x)
    y = xp.sum(x * x, axis=0)
    assert draw(y).graph.nodes[-2].details == ("axis=0",)
    y.backward()
    assert arrows(draw(y)) == [
        ("x", "(1, 2, 3)", "(2, 4, 6)", "x"),
        ("x", "", "(1, 2, 3)", "×"),
        ("x", "", "(1, 2, 3)", "×"),
        ("×", "(1, 4, 9)", "(1, 1, 1)", "Σ"),
        ("Σ", "14", "1", ""),
    ]


def test_apples_and_oranges():
    values = {"apple count": 2.0, "apple": 100.0, "orange": 150.0, "orange count": 3.0, "tax": 1.1}
    n, a, o, m, t = (Variable(value, name=name) for name, value in values.items())
    price = (n * a + o * m) * t
    price.backward()
    found = arrows(draw(price))
    assert {(value, derivative) for _, value, derivative, _ in found} == {
        *(("2", "110"), ("100", "2.2"), ("150", "3.3"), ("3", "165"), ("1.1", "650")),
        *(("200", "1.1"), ("450", "1.1"), ("650", "1.1"), ("715", "1")),
    }
    assert readable(draw(price))


def test_before_backward_there_are_values_and_no_derivatives():
    x = Variable(3.0, name="x")
    assert arrows(draw(x * 2.0)) == [("x", "3", "", "×"), ("2", "", "", "×"), ("×", "6", "", "")]


def test_squared_sum():
    x, y = Variable(1.0, name="x"), Variable(2.0, name="y")
    z = (x + y) ** 2
    z.backward()
    assert arrows(draw(z)) == [("x", "1", "6", "+"), ("y", "2", "6", "+"), ("+", "3", "6", "^2"), ("^2", "9", "1", "")]


def test_a_value_used_twice_branches_and_its_derivative_is_the_sum():
    x, y = Variable(1.0, name="x"), Variable(2.0, name="y")
    s = x + y
    z = s * s
    z.backward()
    drawing = draw(z)
    assert [node.kind for node in drawing.graph.nodes].count("branch") == 1
    assert arrows(drawing)[2:5] == [("+", "3", "6", "+"), ("+", "", "3", "×"), ("+", "", "3", "×")]
    assert readable(drawing)


def test_sigmoid_step_by_step():
    x = Variable(0.5, name="x")
    xp = array_namespace(x)
    y = 1.0 / (1.0 + xp.exp(x * -1.0))
    y.backward()
    labels = [node.label for node in draw(y).graph.nodes if node.kind == "operation"]
    assert labels == ["×", "exp", "+", "/"]
    assert ("x", "0.5", "0.235", "×") in arrows(draw(y))
    assert ("exp", "0.6065", "-0.3875", "+") in arrows(draw(y))
    assert readable(draw(y))


def test_sigmoid_as_one_node_and_opened():
    x = Variable(0.5, name="x")
    y = call_layer(Sigmoid(), (x,))
    y.backward()
    assert arrows(draw(y)) == [("x", "0.5", "0.235", "Sigmoid"), ("Sigmoid", "0.6225", "1", "")]
    assert "dx = dout y (1 - y)" in draw(y).graph.nodes[1].rule
    opened = draw(y, expand=True)
    assert "Sigmoid" not in [node.label for node in opened.graph.nodes]
    assert ("x", "0.5", "0.235") in [arrow[:3] for arrow in arrows(opened)]
    assert arrows(opened)[-1][1:3] == ("0.6225", "1")
    assert readable(opened)


def test_affine_shows_shapes_and_opened_its_parameters():
    x = Variable(np.ones((2, 3)), name="x")
    y = call_layer(affine(3, 2), (x,))
    y.backward(np.ones((2, 2)))
    assert draw(y).graph.nodes[1].details == ("W (3, 2)", "b (2,)")
    assert arrows(draw(y))[0] == ("x", "(2, 3) float64", "(2, 3) float64", "Affine")
    opened = arrows(draw(y, expand=True))
    assert ("W", "(3, 2) float64", "(3, 2) float64", "@") in opened
    assert ("b", "(0, 0)", "(2, 2)", "+") in opened
    assert readable(draw(y, expand=True))


def test_softmax_with_loss_of_the_book():
    x = Variable(np.log(np.asarray([0.3, 0.2, 0.5])), name="x")
    loss = call_layer(SoftmaxWithLoss(), (x, np.asarray([0.0, 1.0, 0.0])))
    loss.backward()
    found = arrows(draw(loss))
    assert found[0] == ("x", "(-1.204, -1.609, -0.6931)", "(0.3, -0.8, 0.5)", "SoftmaxWithLoss")
    assert found[1] == ("t", "(0, 1, 0)", "", "SoftmaxWithLoss")
    opened = draw(loss, expand=True)
    assert arrows(opened)[0][:3] == found[0][:3]
    assert {"exp", "Σ", "log"} <= {node.label for node in opened.graph.nodes}
    assert readable(opened)


def test_multiplication_and_addition_layers_are_the_books_circles():
    x, y = Variable(2.0, name="x"), Variable(3.0, name="y")
    z = call_layer(AddLayer(), (call_layer(MulLayer(), (x, y)), y))
    assert [node.label for node in draw(z).graph.nodes if node.kind == "operation"] == ["×", "+"]


def test_unnamed_inputs_get_names():
    z = Variable(2.0) * Variable(3.0)
    assert [node.label for node in draw(z).graph.nodes if node.kind == "input"] == ["x1", "x2"]


def test_drawing_leaves_the_graph_and_the_layers_as_they_were():
    layer = affine(3, 2)
    W = layer.W
    x = Variable(np.ones((1, 3)))
    y = call_layer(layer, (x,))
    y.backward(np.ones((1, 2)), keep=True)
    before = layer.dW
    draw(y, expand=True).svg()
    assert layer.W is W
    assert layer.dW is before
    y.backward(np.ones((1, 2)))
    np.testing.assert_array_equal(x.grad, [[2.0, 2.0, 2.0]])


def test_a_network_is_a_chain_with_the_shapes_of_its_parameters():
    drawing = draw(TwoLayerNet(784, 50, 10, rng=Generator(0)))
    assert arrows(drawing) == [
        ("x", "(N, 784)", "", "Affine1"),
        ("Affine1", "(N, 50)", "", "Relu1"),
        ("Relu1", "(N, 50)", "", "Affine2"),
        ("Affine2", "(N, 10)", "", "SoftmaxWithLoss"),
        ("t", "", "", "SoftmaxWithLoss"),
        ("SoftmaxWithLoss", "", "", "loss"),
    ]
    assert drawing.graph.nodes[0].details == ("W (784, 50)", "b (50,)")
    assert readable(drawing)


def test_a_box_of_many_parameters_tells_how_many(backend):
    block = TransformerBlock.create(4, 2)
    assert draw(block).graph.nodes[0].details[-2:] == ("16 parameters", "244 values")
    assert type(block.params["Linear1.W"]) is type(backend.asarray([1.0]))


def test_networks_inside_a_network_are_grouped_or_expanded():
    network = Sequential(Flatten(), Sequential(affine(4, 3), Relu()), Sequential(Sequential(affine(3, 2)), Relu()))
    boxes = [node.label for node in draw(network).graph.nodes if node.kind == "layer"]
    assert boxes == ["Flatten1", "Sequential1", "Sequential2"]
    boxes = [node.label for node in draw(network, expand=True).graph.nodes if node.kind == "layer"]
    assert boxes == [
        *("Flatten1", "Sequential1.Affine1", "Sequential1.Relu1"),
        *("Sequential2.Sequential1.Affine1", "Sequential2.Relu1"),
    ]


def test_a_layer_alone():
    assert arrows(draw(affine(3, 2))) == [("x", "(N, 3)", "", "Affine"), ("Affine", "(N, 2)", "", "y")]


def test_every_format_is_saved_by_its_suffix(tmp_path):
    drawing = draw(affine(3, 2))
    starts = {".svg": "<svg", ".html": "<!doctype html>", ".mmd": "flowchart LR", ".dot": "digraph", ".gv": "digraph"}
    for suffix, start in starts.items():
        assert drawing.save(tmp_path / f"a{suffix}").read_text(encoding="utf-8").startswith(start)


def test_a_notebook_shows_the_svg():
    ET.fromstring(draw(affine(3, 2))._repr_svg_())
    assert repr(draw(affine(3, 2))) == "Drawing('Affine', 3 nodes, 2 edges)"


def test_a_title_is_taken():
    assert "<title>Layer &lt;1&gt;</title>" in draw(affine(3, 2), title="Layer <1>").svg()


@pytest.mark.parametrize("subject", [3.0, "net", np.ones(2), None, Affine])
def test_other_subjects_are_refused(subject):
    with pytest.raises(DtypeError, match="draw: subject must be a Variable, a layer or a network, got"):
        draw(subject)


def test_unknown_suffixes_and_unwritable_paths_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"must be one of \.svg, \.png, \.html, \.mmd, \.dot, \.gv, got 'a\.gif'"):
        draw(affine(3, 2)).save(tmp_path / "a.gif")
    with pytest.raises(DataError, match="must be writable, got No such file or directory"):
        draw(affine(3, 2)).save(tmp_path / "missing" / "a.svg")


def test_large_values_show_shape_and_dtype_also_after_backward():
    x = Variable(np.ones((30, 40)), name="x")
    y = array_namespace(x).sum(x * 2.0)
    before = arrows(draw(y))
    assert before[2] == ("×", "(30, 40) float64", "", "Σ")
    y.backward()
    assert arrows(draw(y))[0] == ("x", "(30, 40) float64", "(30, 40) float64", "×")
    assert arrows(draw(y))[2] == ("×", "(30, 40) float64", "(30, 40) float64", "Σ")


def test_expanding_what_backward_released_says_what_to_do():
    x = Variable(np.ones((30, 30)))
    y = call_layer(Sigmoid(), (x * 2.0,))
    y.backward(np.ones((30, 30)))
    with pytest.raises(StateError, match=r"keep=True"):
        draw(y, expand=True)


def test_a_graph_of_thousands_of_nodes_draws_in_seconds():
    y = Variable(1.0, name="x")
    layer = Relu()
    for _ in range(2500):
        negative = -y
        y = call_layer(layer, (-negative,))
    y.backward()
    start = time.perf_counter()
    picture = draw(y).svg()
    assert time.perf_counter() - start < 20
    assert texts(picture).count("x") == 1
    assert texts(picture).count("Relu") == 2500
