"""A layered layout from left to right: nodes in columns, room for every label on its arrow, no overlaps.

Every arrow passes through its own items in the columns between its ends, one of which is its label, so that items that
fit into a column do not overlap.

Source: E. R. Gansner, E. Koutsofios, S. C. North, K.-P. Vo, A technique for drawing directed graphs, 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from xpnet.drawing.graph import Graph
from xpnet.drawing.ordering import order_columns
from xpnet.drawing.straight import Link, heights

Size = tuple[float, float]
SIDE = {"input": 0.5, "reference": 0.5, "output": -0.5}  # names end where arrows begin, and begin where they end


@dataclass(frozen=True)
class Box:
    """A rectangle around ``(x, y)``."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True)
class Layout:
    """The boxes of nodes and edges, and the ends of the columns.

    ``nodes`` has a box for each node. ``edges`` has for each edge the boxes that its arrow crosses, each as wide as its
    column; the last one is for the label. ``columns`` has for each node the left and right end of its column.
    """

    nodes: list[Box]
    edges: list[list[Box]]
    columns: list[tuple[float, float]]
    width: float
    height: float


@dataclass
class _Items:
    """Nodes, labels and bends of arrows alike, with the links between neighbouring columns."""

    column: list[int] = field(default_factory=list)
    size: list[Size] = field(default_factory=list)
    before: list[list[int]] = field(default_factory=list)
    after: list[list[int]] = field(default_factory=list)

    def add(self, column: int, size: Size) -> int:
        self.column.append(column)
        self.size.append(size)
        self.before.append([])
        self.after.append([])
        return len(self.column) - 1

    def link(self, chain: Sequence[int]) -> None:
        for source, target in pairwise(chain):
            self.after[source].append(target)
            self.before[target].append(source)

    def links(self) -> list[Link]:
        return [(source, target) for source, targets in enumerate(self.after) for target in targets]


def lay_out(graph: Graph, columns: Sequence[int], nodes: Sequence[Size], labels: Sequence[Size]) -> Layout:
    """Return boxes for a graph whose nodes are in the given columns, from the sizes of nodes and labels."""
    items = _Items()
    for column, size in zip(columns, nodes, strict=True):
        items.add(2 * column, size)
    chains: list[list[int]] = []
    for edge, size in zip(graph.edges, labels, strict=True):
        first, last = 2 * columns[edge.source] + 1, 2 * columns[edge.target] - 1
        chains.append([items.add(column, size if column == last else (0.0, 0.0)) for column in range(first, last + 1)])
        items.link([edge.source, *chains[-1], edge.target])
    order = order_columns(items.column, items.before, items.after)
    deepest = _deepest(graph, columns)
    aside = {
        (chain[-1], edge.target) for chain, edge, deep in zip(chains, graph.edges, deepest, strict=True) if not deep
    }
    straight = _straight(graph, chains, deepest)
    y = heights(order, [height for _, height in items.size], items.links(), straight, aside)
    ends = _column_ends(items, order, y)
    top = min((middle - height / 2 for middle, (_, height) in zip(y, items.size, strict=True)), default=0.0)
    boxes = []
    for i, (width, height) in enumerate(items.size):
        left, right = ends[items.column[i]]
        if i >= len(nodes):
            width = right - left
        side = SIDE.get(graph.nodes[i].kind, 0.0) if i < len(nodes) else 0.0
        boxes.append(Box((left + right) / 2 + side * (right - left - width), y[i] - top, width, height))
    return Layout(
        nodes=boxes[: len(nodes)],
        edges=[[boxes[i] for i in chain] for chain in chains],
        columns=[ends[2 * column] for column in columns],
        width=ends[-1][1] if ends else 0.0,
        height=max((box.y + box.height / 2 for box in boxes), default=0.0),
    )


def _deepest(graph: Graph, columns: Sequence[int]) -> list[bool]:
    """Return for each edge whether it ends a longest path to its target."""
    depth = [0] * len(graph.nodes)
    for edge in graph.edges:
        depth[edge.target] = max(depth[edge.target], columns[edge.source])
    return [columns[edge.source] == depth[edge.target] for edge in graph.edges]


def _straight(graph: Graph, chains: Sequence[Sequence[int]], deepest: Sequence[bool]) -> list[Link]:
    """Return the links to draw horizontally: along each arrow, then into and out of nodes on the longest path."""
    along = [link for chain in chains for link in pairwise(chain)]
    main = set()
    for edges in graph.incoming():
        deep = [i for i in edges if deepest[i]]
        if len(deep) == 1:
            main.add(deep[0])
    into = [(chains[i][-1], graph.edges[i].target) for i in sorted(main)]
    out = []
    for node, edges in enumerate(graph.outgoing()):
        chosen = edges if len(edges) == 1 else [i for i in edges if i in main]
        if len(chosen) == 1:
            out.append((node, chains[chosen[0]][0]))
    return [*along, *into, *out]


def _column_ends(items: _Items, order: Sequence[Sequence[int]], y: Sequence[float]) -> list[tuple[float, float]]:
    """Return the ends of each column; arrows that climb far get more room between columns."""
    ends: list[tuple[float, float]] = []
    for column in order:
        width = max(items.size[i][0] for i in column)
        climb = max((abs(y[i] - y[n]) for i in column for n in items.before[i]), default=0.0)
        left = ends[-1][1] + min(70.0, 16.0 + 0.3 * climb) if ends else 0.0
        ends.append((left, left + width))
    return ends
