"""Mermaid text, which GitHub, GitLab and many notebooks show as a picture."""

from __future__ import annotations

import re

from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.drawing.text import printable

_PLAIN = re.compile(r"[^\w .,()/×−=+^@'°∂Σ√-]", re.ASCII)
_SHAPES = {
    "operation": ('(("', '"))'),
    "layer": ('["', '"]'),
    "input": ('(["', '"])'),
    "output": ('(["', '"])'),
    "branch": ('(("', '"))'),
}
_STYLES = (
    "classDef operation fill:#eaf2fb,stroke:#2f6db5,color:#1f2933",
    "classDef layer fill:#f0f6ec,stroke:#4d8b31,color:#1f2933",
)


def mermaid(graph: Graph) -> str:
    """Return the graph as a Mermaid flowchart; the derivative is written under each value, marked ∂."""
    lines = ["flowchart LR"]
    for index, node in enumerate(graph.nodes):
        before, after = _SHAPES[node.kind]
        style = f":::{node.kind}" if node.kind in ("operation", "layer") else ""
        lines.append(f"    n{index}{before}{_node_text(node)}{after}{style}")
    for edge in graph.edges:
        text = _edge_text(edge)
        arrow = f'-->|"{text}"|' if text else "-->"
        lines.append(f"    n{edge.source} {arrow} n{edge.target}")
    return "\n".join([*lines, *(f"    {style}" for style in _STYLES)]) + "\n"


def escape_mermaid(text: str) -> str:
    """Return text for a quoted label, with each special character as its code, ``"`` as ``#34;``."""
    lines = [" ".join(line.split()) for line in printable(text).splitlines()]
    return "<br/>".join(_PLAIN.sub(_code, line) for line in lines)


def _code(found: re.Match[str]) -> str:
    character = found.group()
    return f"#{ord(character)};" if character.isascii() else character


def _node_text(node: Node) -> str:
    label = "•" if node.kind == "branch" else node.label
    return escape_mermaid("\n".join((label, *node.details))) or "#160;"


def _edge_text(edge: Edge) -> str:
    lines = [edge.value] if edge.value else []
    return escape_mermaid("\n".join([*lines, *([f"∂ {edge.derivative}"] if edge.derivative else [])]))
