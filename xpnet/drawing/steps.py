"""The steps of a graph with their words: forward through its nodes, then backward."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from xpnet.drawing.graph import Graph, Node


@dataclass
class Step:
    """A step of the page: the edges with new values or derivatives, the active node, and the words."""

    direction: str
    text: str
    rule: str = ""
    node: int | None = None
    forward: list[int] = field(default_factory=list)
    backward: list[int] = field(default_factory=list)


def steps(graph: Graph) -> list[Step]:
    """Return the steps: the inputs, each node forward and, if there are derivatives, each node backward."""
    incoming, outgoing = graph.incoming(), graph.outgoing()
    working = [n for n in graph.order() if graph.nodes[n].kind in ("operation", "layer")]
    inputs = [edge for n, node in enumerate(graph.nodes) if node.kind == "input" for edge in outgoing[n]]
    start = Step("start", "The inputs are known; nothing is computed yet.", forward=_carried(graph, outgoing, inputs))
    found = [start]
    for n in working:
        new = _carried(graph, outgoing, outgoing[n])
        found.append(Step("forward", _forward_text(graph, n, incoming[n], new), node=n, forward=new))
    if not any(edge.derivative for edge in graph.edges):
        return found
    seed = [edge for n, node in enumerate(graph.nodes) if node.kind == "output" for edge in incoming[n]]
    first = " and ".join(graph.edges[edge].derivative or "1" for edge in seed)
    text = f"The derivative of the result with respect to itself is {first}: backward starts from there."
    found.append(Step("backward", text, backward=seed))
    shown = set(seed)
    for n in reversed(working):
        new = _handed_back(graph, incoming, outgoing, incoming[n], shown)
        shown.update(new)
        found.append(Step("backward", _backward_text(graph, n, new), graph.nodes[n].rule, n, backward=new))
    return found


def _carried(graph: Graph, outgoing: list[list[int]], edges: Iterable[int]) -> list[int]:
    """Return the edges and, behind branches, those that carry on the same value."""
    found: list[int] = []
    stack = list(edges)
    while stack:
        edge = stack.pop()
        found.append(edge)
        if graph.nodes[graph.edges[edge].target].kind == "branch":
            stack += outgoing[graph.edges[edge].target]
    return sorted(found)


def _handed_back(
    graph: Graph, incoming: list[list[int]], outgoing: list[list[int]], edges: list[int], shown: set[int]
) -> list[int]:
    """Return the edges, and those before a branch that has now received all its derivatives."""
    found = list(edges)
    for edge in found:
        source = graph.edges[edge].source
        if graph.nodes[source].kind == "branch" and shown.issuperset(set(outgoing[source]) - set(found)):
            found += [before for before in incoming[source] if before not in found]
    return found


def _forward_text(graph: Graph, node: int, taken: list[int], given: list[int]) -> str:
    values = [_value(graph, edge) for edge in taken]
    results = [graph.edges[edge].value for edge in given if graph.edges[edge].value]
    parts = [f"takes {_and(values)}"] if any(values) else []
    parts += [f"gives {results[0]}"] if results else []
    return f"{_name(graph.nodes[node])} {' and '.join(parts) or 'computes its result'}."


def _value(graph: Graph, index: int) -> str:
    """Return the value of an edge: its own, or that of the branch or input from which it comes."""
    edge = graph.edges[index]
    source = graph.nodes[edge.source]
    if not edge.value and source.kind == "branch":
        before = next((e for e in graph.edges if e.target == edge.source), None)
        return before.value if before is not None else ""
    return edge.value or (source.label if source.kind == "input" else "")


def _backward_text(graph: Graph, node: int, new: list[int]) -> str:
    sent, sums = [], []
    for index in new:
        edge = graph.edges[index]
        source = _name(graph.nodes[edge.source])
        if edge.derivative and graph.nodes[edge.target].kind == "branch":
            sums.append(f" All shares sent to {source} add up to {edge.derivative}.")
        elif edge.derivative:
            sent.append(f"{edge.derivative} to {source}")
    passes = f"passes back {_and(sent)}" if sent else "passes its share back"
    return f"{_name(graph.nodes[node])} {passes}.{''.join(sums)}"


def _name(node: Node) -> str:
    return " ".join(node.label.split()) or node.kind


def _and(words: list[str]) -> str:
    words = [word for word in words if word]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
