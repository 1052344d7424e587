"""The graph of a layer or a network: a chain of boxes with the shapes of their parameters."""

from __future__ import annotations

import re
from typing import Any

from xpnet.backend import size_of
from xpnet.drawing.explanations import explain, explain_layer
from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.layers import AddLayer, Layer, MulLayer
from xpnet.layers.containers import Chain
from xpnet.layers.plain import as_layer, is_plain_layer, layers_of

MOST_SHAPES = 4
OPERATIONS = {MulLayer: ("×", "multiply"), AddLayer: ("+", "add")}
_RESULT = re.compile(r"``y \(([^)]*)\)``")


def network_graph(subject: Any, expand: bool = False) -> Graph:
    """Return the chain of a network's layers, one box each, with ``expand`` also those of networks inside it.

    A plain network without ``layers`` is one box with the shapes of its params.
    """
    loss = None
    if isinstance(subject, Layer):
        chain, loss = _chain(subject, expand), getattr(subject, "last_layer", None)
    elif is_plain_layer(subject):
        chain = [(type(subject).__name__, as_layer(subject))]
    else:
        chain = [(name, as_layer(layer)) for name, layer in layers_of(subject).items()]
        if not chain:
            return _whole(subject)
        if len(chain[-1][1].inputs) > 1:
            loss = chain.pop()[1]
    nodes: list[Node] = []
    edges: list[Edge] = []
    last, shape = -1, ""
    for name, layer in [*chain, *([(type(loss).__name__, loss)] if loss is not None else [])]:
        nodes.append(layer_node(layer, name))
        index = len(nodes) - 1
        for position, word in enumerate(_inputs(layer)):
            expected = _shape(layer, layer.shapes.get(word, ""))
            if position == 0 and last >= 0:
                edges.append(Edge(last, index, max(shape, expected, key=_known)))
            else:
                nodes.append(Node("input", word))
                edges.append(Edge(len(nodes) - 1, index, expected))
        last, shape = index, _result(layer)
    nodes.append(Node("output", "loss" if loss is not None else "y"))
    edges.append(Edge(last, len(nodes) - 1, shape))
    return Graph(nodes, edges, title=type(subject).__name__)


def _whole(network: Any) -> Graph:
    kind = type(network).__name__
    box = Node("layer", kind, tuple(_parameters(network)))
    nodes = [Node("input", "x"), Node("input", "t"), box, Node("output", "loss")]
    return Graph(nodes, [Edge(0, 2), Edge(1, 2), Edge(2, 3)], title=kind)


def _parameters(subject: Any) -> list[str]:
    """Return the parameters and their shapes, or their number."""
    shapes = [f"{path} {tuple(array.shape)}" for path, array in subject.params.items()]
    if len(shapes) > MOST_SHAPES:
        return [f"{len(shapes)} parameters", f"{sum(map(size_of, subject.params.values())):,} values"]
    return shapes


def layer_node(layer: Any, name: str) -> Node:
    """Return the box of a layer, or the circle of the book's multiplication and addition."""
    if type(layer) in OPERATIONS:
        label, operation = OPERATIONS[type(layer)]
        return Node("operation", label, rule=f"{label} {explain(operation)}")
    kind = type(layer).__name__
    head = () if name.rpartition(".")[2].startswith(kind) else (kind,)
    return Node("layer", name, (*head, *_parameters(layer)), rule=f"{name} {explain_layer(type(layer))}")


def _chain(subject: Layer, expand: bool) -> list[tuple[str, Layer]]:
    """Return names and layers in order, with the layers of inner chains by path if they are expanded.

    A layer that does not compute one layer after another stays one box.
    """
    if type(subject).forward is not Chain.forward:
        return [(type(subject).__name__, subject)]
    found: list[tuple[str, Layer]] = []
    stack = list(subject.layers.items())[::-1]
    while stack:
        name, layer = stack.pop()
        if expand and type(layer).forward is Chain.forward:
            stack += [(f"{name}.{word}", child) for word, child in layer.layers.items()][::-1]
        else:
            found.append((name, layer))
    return found


def _inputs(layer: Layer) -> tuple[str, ...]:
    return tuple(name for name in layer.inputs if name not in layer.optional) or ("x",)


def _shape(layer: Layer, letters: str) -> str:
    """Return the declared axes with the sizes that the parameters determine, ``(N, 784)`` for ``N D``."""
    if not letters:
        return ""
    sizes: dict[str, int] = {}
    for name, array in layer.params.items():
        sizes |= zip(layer.shapes.get(name, "").split(), array.shape, strict=False)
    axes = [str(sizes.get(letter, letter)) for letter in letters.split()]
    return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"


def _known(shape: str) -> int:
    """Return the number of known axes, apart from the batch: a size counts more than a letter."""
    axes = shape.strip("(),").split(", ") if shape else []
    return sum(2 if axis.isdigit() else 1 for axis in axes)


def _result(layer: Layer) -> str:
    """Return the shape of the result, from the layer's documentation."""
    found = _RESULT.search(type(layer).__doc__ or "")
    return _shape(layer, found.group(1).replace(",", " ")) if found else ""
