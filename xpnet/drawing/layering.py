"""Columns of a graph: the longest path from an input, and names in place of arrows that would cross half the picture.

Source: K. Sugiyama, S. Tagawa, M. Toda, Methods for visual understanding of hierarchical system structures, 1981.
"""

from __future__ import annotations

from dataclasses import replace

from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.drawing.text import one_line

LONGEST = (12, 8, 5, 3, 2, 1)


def arrange_in_columns(graph: Graph) -> tuple[Graph, list[int]]:
    """Return the graph with references for far arrows, and the column of every node; no arrow points to the left."""
    columns = longest_paths(graph)
    limit = _limit(graph, columns)
    outgoing = graph.outgoing()
    for node, edges in enumerate(outgoing):
        if graph.nodes[node].kind == "input" and edges:
            nearest = min(columns[graph.edges[index].target] for index in edges)
            if nearest - columns[node] > limit:
                columns[node] = nearest - 1
    return _with_references(graph, columns, limit)


def longest_paths(graph: Graph) -> list[int]:
    """Return the number of arrows on the longest path to each node."""
    columns = [0] * len(graph.nodes)
    outgoing = graph.outgoing()
    for node in graph.order():
        for index in outgoing[node]:
            target = graph.edges[index].target
            columns[target] = max(columns[target], columns[node] + 1)
    return columns


def _limit(graph: Graph, columns: list[int]) -> int:
    """Return the length up to which an arrow is drawn: shorter in a large graph, so that the work stays linear."""
    spans = [columns[edge.target] - columns[edge.source] for edge in graph.edges]
    budget = 400 + 2 * (len(graph.nodes) + len(graph.edges))
    fitting = (limit for limit in LONGEST if sum(2 * (span - 1) for span in spans if span <= limit) <= budget)
    return next(fitting, 1)


def _with_references(graph: Graph, columns: list[int], limit: int) -> tuple[Graph, list[int]]:
    nodes, edges = list(graph.nodes), list(graph.edges)
    tags: dict[int, str] = {}
    for index, edge in enumerate(graph.edges):
        if columns[edge.target] - columns[edge.source] <= limit:
            continue
        origin = edge.source
        while (earlier := nodes[origin].stands_for) is not None:
            origin = earlier
        source = nodes[origin]
        if source.kind != "input" and origin not in tags:
            tags[origin] = f"#{len(tags) + 1}"
            nodes[origin] = replace(source, details=(*source.details, tags[origin]))
        label = f"{one_line(source.label, 20)} {tags.get(origin, '')}".strip()
        nodes.append(Node("reference", label, stands_for=origin))
        columns.append(columns[edge.target] - 1)
        edges[index] = Edge(len(nodes) - 1, edge.target, edge.value, edge.derivative)
    return replace(graph, nodes=nodes, edges=edges), columns
