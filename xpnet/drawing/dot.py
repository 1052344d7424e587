"""DOT text for Graphviz."""

from __future__ import annotations

from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.drawing.text import escape_xml

_SHAPES = {
    "operation": 'shape=circle style=filled fillcolor="#eaf2fb" color="#2f6db5" margin=0.03',
    "layer": 'shape=box style="rounded,filled" fillcolor="#f0f6ec" color="#4d8b31"',
    "input": "shape=plaintext",
    "output": "shape=plaintext",
    "branch": "shape=point",
}
DERIVATIVE = "#c2410c"


def dot(graph: Graph) -> str:
    """Return the graph as a DOT digraph; the derivative is written under each value, in another colour."""
    lines = [
        "digraph computation {",
        "  rankdir=LR",
        '  node [fontname="Helvetica" fontsize=13]',
        '  edge [fontname="Helvetica" fontsize=11]',
    ]
    lines += [f"  n{index} [label={_node_text(node)} {_SHAPES[node.kind]}]" for index, node in enumerate(graph.nodes)]
    lines += [f"  n{edge.source} -> n{edge.target}{_edge_label(edge)}" for edge in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def escape_dot(text: str) -> str:
    """Return text for a label in angle brackets, with ``<`` as ``&lt;`` and a line break as ``<BR/>``."""
    return "<BR/>".join(escape_xml(line) for line in text.splitlines())


def _node_text(node: Node) -> str:
    if node.kind == "branch" or not (node.label or node.details):
        return '""'
    label = escape_dot(node.label) or " "
    if not node.details:
        return f"<{label}>"
    return f'<{label}<BR/><FONT POINT-SIZE="10">{escape_dot(chr(10).join(node.details))}</FONT>>'


def _edge_label(edge: Edge) -> str:
    parts = [escape_dot(edge.value)] if edge.value else []
    if edge.derivative:
        parts.append(f'<FONT COLOR="{DERIVATIVE}">{escape_dot(edge.derivative)}</FONT>')
    return f" [label=<{'<BR/>'.join(parts)}>]" if parts else ""
