"""The book's figures as graphs made by hand."""

from __future__ import annotations

from xpnet.drawing.graph import Edge, Graph, Node


def figure(nodes: str, *edges: tuple[str, str, str, str], rule: str = "") -> Graph:
    """A graph from names: ``a:apple`` an input, ``m(×)`` an operation, ``l[Affine]`` a layer, ``y>total`` an output."""
    kinds = {":": "input", "(": "operation", "[": "layer", ">": "output", ".": "branch"}
    made, place = [], {}
    for word in nodes.split():
        at = next(i for i, character in enumerate(word) if character in kinds)
        place[word[:at]] = len(made)
        made.append(Node(kinds[word[at]], word[at + 1 :].rstrip(")]").replace("_", " "), rule=rule))
    return Graph(made, [Edge(place[a], place[b], value, derivative) for a, b, value, derivative in edges])


APPLES = figure(
    "a:apple n:count t:tax m(×) p(×) y>price",
    ("a", "m", "100", "2.2"),
    ("n", "m", "2", "110"),
    ("m", "p", "200", "1.1"),
    ("t", "p", "1.1", "200"),
    ("p", "y", "220", "1"),
)

APPLES_AND_ORANGES = figure(
    "na:apple_count a:apple o:orange no:orange_count t:tax ma(×) mo(×) s(+) p(×) y>price",
    ("na", "ma", "2", "110"),
    ("a", "ma", "100", "2.2"),
    ("o", "mo", "150", "3.3"),
    ("no", "mo", "3", "165"),
    ("ma", "s", "200", "1.1"),
    ("mo", "s", "450", "1.1"),
    ("s", "p", "650", "1.1"),
    ("t", "p", "1.1", "650"),
    ("p", "y", "715", "1"),
)

SQUARED_SUM = figure(
    "x:x y:y s(+) q(^2) z>z", ("x", "s", "1", "6"), ("y", "s", "2", "6"), ("s", "q", "3", "6"), ("q", "z", "9", "1")
)

SIGMOID = figure(
    "x:x c:-1 m(×) e(exp) k:1 a(+) d(/) y>y",
    ("x", "m", "0.5", "0.235"),
    ("c", "m", "", ""),
    ("m", "e", "-0.5", "-0.235"),
    ("e", "a", "0.6065", "-0.3875"),
    ("k", "a", "", ""),
    ("a", "d", "1.607", "-0.3875"),
    ("d", "y", "0.6225", "1"),
)

NETWORK = figure(
    "x:x a[Affine1] r[Relu1] b[Affine2] l[SoftmaxWithLoss] t:t L>loss",
    ("x", "a", "(100, 784) float32", "(100, 784) float32"),
    ("a", "r", "(100, 50) float32", "(100, 50) float32"),
    ("r", "b", "(100, 50) float32", "(100, 50) float32"),
    ("b", "l", "(100, 10) float32", "(100, 10) float32"),
    ("t", "l", "(100,) int64", ""),
    ("l", "L", "2.303", "1"),
)

FIGURES = {
    "apples": APPLES,
    "apples and oranges": APPLES_AND_ORANGES,
    "squared sum": SQUARED_SUM,
    "sigmoid": SIGMOID,
    "network": NETWORK,
}
