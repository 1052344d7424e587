"""The computational graph as data for pictures: nodes, and edges that carry a value and its derivative."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from xpnet.errors import ArgumentError

Kind = Literal["input", "operation", "layer", "output", "branch", "reference"]


@dataclass(frozen=True)
class Node:
    """A circle (operation), a box (layer), a dot (branch), or a name at the rim (input, output).

    ``details`` are further lines, such as parameter shapes; ``rule`` says what the node does to derivatives. A
    ``branch`` passes one value to several nodes. A ``reference`` repeats the name of a far node instead of a long arrow
    from it. For both, ``stands_for`` is the node whose value they pass on.

    >>> Node("operation", "×", rule="dx = dout y")
    Node(kind='operation', label='×', details=(), rule='dx = dout y', stands_for=None)
    """

    kind: Kind
    label: str
    details: tuple[str, ...] = ()
    rule: str = ""
    stands_for: int | None = None


@dataclass(frozen=True)
class Edge:
    """An arrow between two nodes, given by position; the forward value goes above it, the derivative below.

    >>> Edge(0, 1, value="100", derivative="2.2")
    Edge(source=0, target=1, value='100', derivative='2.2')
    """

    source: int
    target: int
    value: str = ""
    derivative: str = ""


@dataclass(frozen=True)
class Graph:
    """Nodes and edges; the edges into a node are in the order of its operands.

    Raises: ``ArgumentError`` for an edge to a node that is not there, and for a cycle.

    >>> nodes = [Node("input", "x"), Node("operation", "exp"), Node("output", "y")]
    >>> graph = Graph(nodes, [Edge(0, 1, "0"), Edge(1, 2, "1")])
    >>> print(Drawing(graph).mermaid().partition("    classDef")[0].rstrip())
    flowchart LR
        n0(["x"])
        n1(("exp")):::operation
        n2(["y"])
        n0 -->|"0"| n1
        n1 -->|"1"| n2
    """

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    title: str = "Computational graph"

    def __post_init__(self) -> None:
        for edge in self.edges:
            if not (0 <= edge.source < len(self.nodes) and 0 <= edge.target < len(self.nodes)):
                raise ArgumentError(
                    "Graph", f"edges must join nodes 0 to {len(self.nodes) - 1}", edge, "add the node, or renumber"
                )
        self.order()

    def order(self) -> list[int]:
        """Return the nodes in an order in which forward can visit them; backward visits them in reverse."""
        waiting = [len(edges) for edges in self.incoming()]
        outgoing = self.outgoing()
        ready = [node for node, count in enumerate(waiting) if count == 0]
        for node in ready:
            for index in outgoing[node]:
                follower = self.edges[index].target
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    ready.append(follower)
        if len(ready) < len(self.nodes):
            raise ArgumentError("Graph", "edges must form no cycle", "one", "a computation never feeds itself")
        return ready

    def incoming(self) -> list[list[int]]:
        """Return for each node the edges that enter it, in the order of its operands."""
        return self._edges_at(edge.target for edge in self.edges)

    def outgoing(self) -> list[list[int]]:
        """Return for each node the edges that leave it."""
        return self._edges_at(edge.source for edge in self.edges)

    def _edges_at(self, ends: Iterable[int]) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(ends):
            found[node].append(index)
        return found
