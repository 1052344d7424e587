"""The figures of the book as SVG: circles, arrows, values above them and derivatives below."""

from __future__ import annotations

import math

from xpnet.drawing.arrows import Arrow, arrows
from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.drawing.layering import arrange_in_columns
from xpnet.drawing.layout import Box, Layout, lay_out
from xpnet.drawing.measures import (
    DETAIL,
    DOWN,
    LINE,
    LONGEST_LABEL,
    NAME,
    SYMBOL,
    UP,
    VALUE,
    label_size,
    label_width,
    node_size,
    rim,
)
from xpnet.drawing.text import FONT, escape_xml, one_line

INK, GREY, DERIVATIVE = "#1f2933", "#5b6873", "#c2410c"
MARGIN, LEGEND = 24.0, 26.0
BOLD = f' font-size="{NAME:g}" font-weight="600"'
FILL = {"operation": ("#eaf2fb", "#2f6db5"), "layer": ("#f0f6ec", "#4d8b31")}


def svg(graph: Graph) -> str:
    """Return the picture of a graph as one self-contained SVG on a white card."""
    graph, columns = arrange_in_columns(graph)
    sizes = [node_size(node, len(edges)) for node, edges in zip(graph.nodes, graph.incoming(), strict=True)]
    layout = lay_out(graph, columns, sizes, [label_size(edge) for edge in graph.edges])
    legend = any(edge.derivative for edge in graph.edges)
    width = math.ceil(max(layout.width + 2 * MARGIN, 280.0))
    height = math.ceil(layout.height + 2 * MARGIN + (LEGEND if legend else 0.0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="{FONT}" font-size="{VALUE:g}" fill="{INK}">',
        f"<title>{escape_xml(graph.title)}</title>",
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10" fill="#ffffff" stroke="#d5dbe1"/>',
        f'<g transform="translate({MARGIN:.0f} {MARGIN:.0f})" text-anchor="middle" stroke-width="1.6">',
        *_edges(graph, layout),
        *(_node(index, node, box) for index, (node, box) in enumerate(zip(graph.nodes, layout.nodes, strict=True))),
        "</g>",
        *([_legend(height)] if legend else []),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _edges(graph: Graph, layout: Layout) -> list[str]:
    return [
        _edge(index, edge, arrow, layout.edges[index][-1])
        for index, (edge, arrow) in enumerate(zip(graph.edges, arrows(graph, layout), strict=True))
    ]


def _edge(index: int, edge: Edge, arrow: Arrow, label: Box) -> str:
    head = f'<polygon points="{arrow.head}"/>' if arrow.head else ""
    value = _text(label.x, label.y - UP, edge.value) if edge.value else ""
    line = f'<path d="{arrow.path}" fill="none" stroke="{INK}"/>'
    forward = f'<g class="xn-forward" data-edge="{index}">{line}{head}{value}</g>'
    if not edge.derivative:
        return forward
    y, half = label.y + 6, label_width(edge) / 2 + 4
    left, right = label.x - half, label.x + half
    return (
        f'{forward}<g class="xn-backward" data-edge="{index}" fill="{DERIVATIVE}">'
        f'<path d="M{right:.1f} {y:.1f}H{left + 6:.1f}" stroke="{DERIVATIVE}"/>'
        f'<polygon points="{left:.1f},{y:.1f} {left + 7:.1f},{y - 3.4:.1f} {left + 7:.1f},{y + 3.4:.1f}"/>'
        f"{_text(label.x, label.y + DOWN, edge.derivative)}</g>"
    )


def _node(index: int, node: Node, box: Box) -> str:
    label = one_line(node.label, LONGEST_LABEL)
    x, y = box.x, box.y
    shape = rim(node, box)
    match node.kind:
        case "operation":
            size = SYMBOL if len(label) <= 2 else NAME
            parts = [_outline(node, shape, 19), _text(x, y + 0.35 * size, label, f' font-size="{size:g}"')]
            parts += _details(node, x, y + shape.height / 2 + 13)
        case "layer":
            first = y - LINE / 2 * len(node.details) + 5
            parts = [_outline(node, shape, 8), _text(x, first, label, BOLD)]
            parts += _details(node, x, first + 16)
        case "branch":
            parts = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>']
        case _:
            grey = f' fill="{GREY}"' if node.kind == "reference" else ""
            parts = [_text(x, y + 5, label, BOLD + grey)] if label else []
    hint = f"<title>{escape_xml(node.rule)}</title>" if node.rule else ""
    return f'<g class="xn-node" data-node="{index}">{hint}{"".join(parts)}</g>'


def _details(node: Node, x: float, y: float) -> list[str]:
    style = f' font-size="{DETAIL:g}" fill="{GREY}"'
    return [_text(x, y + LINE * i, line, style, 60) for i, line in enumerate(node.details)]


def _outline(node: Node, box: Box, radius: float) -> str:
    fill, stroke = FILL[node.kind]
    return (
        f'<rect x="{box.left:.1f}" y="{box.y - box.height / 2:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="{radius:g}" fill="{fill}" stroke="{stroke}"/>'
    )


def _text(x: float, y: float, text: str, style: str = "", limit: int = LONGEST_LABEL) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{style}>{escape_xml(one_line(text, limit))}</text>'


def _legend(height: float) -> str:
    y = height - 16
    return (
        f'<g class="xn-legend" font-size="{DETAIL:g}" fill="{GREY}" stroke-width="1.6">'
        f'<path d="M{MARGIN} {y - 4}h22" stroke="{INK}"/>'
        f'<polygon points="{MARGIN + 28},{y - 4} {MARGIN + 21},{y - 7.4} {MARGIN + 21},{y - 0.6}" fill="{INK}"/>'
        f'<text x="{MARGIN + 36}" y="{y}">forward value</text>'
        f'<path d="M{MARGIN + 134} {y - 4}h22" stroke="{DERIVATIVE}"/>'
        f'<polygon points="{MARGIN + 127},{y - 4} {MARGIN + 134},{y - 7.4} {MARGIN + 134},{y - 0.6}" '
        f'fill="{DERIVATIVE}"/><text x="{MARGIN + 164}" y="{y}">derivative</text></g>'
    )
