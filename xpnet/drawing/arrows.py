"""Arrows between boxes: smooth, through the room that the layout has left, to the rim of their target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xpnet.drawing.graph import Graph
from xpnet.drawing.layout import Box, Layout
from xpnet.drawing.measures import is_round, rim

HEAD = 8.0
SLACK = 10.0  # between a circle and the end of its column; with more, an arrow arrives level
STEEPEST = math.radians(62)
APART = math.radians(24)


@dataclass(frozen=True)
class Arrow:
    """An SVG path up to the arrowhead, and the three corners of the head."""

    path: str
    head: str


@dataclass(frozen=True)
class Port:
    """A point on the rim of a node and the direction from which an arrow arrives there."""

    x: float
    y: float
    angle: float  # 0 is from the left, positive from below


def arrows(graph: Graph, layout: Layout) -> list[Arrow]:
    """Return an arrow for every edge, in their order."""
    ports: dict[int, Port] = {}
    rims = [rim(node, box) for node, box in zip(graph.nodes, layout.nodes, strict=True)]
    for target, edges in enumerate(graph.incoming()):
        from_top = sorted(edges, key=lambda index: layout.edges[index][-1].y)
        node, box = graph.nodes[target], rims[target]
        if is_round(node, layout.nodes[target]):
            left = layout.columns[target][0]
            found = _on_circle(box, [layout.edges[index][-1] for index in from_top], box.left - left > SLACK)
        else:
            found = _on_side(box, len(edges))
        ports |= zip(from_top, found, strict=True)
    return [
        _arrow(
            rims[edge.source],
            layout.columns[edge.source][1],
            layout.edges[index],
            layout.columns[edge.target][0],
            ports[index],
            graph.nodes[edge.target].kind != "branch",
        )
        for index, edge in enumerate(graph.edges)
    ]


def _on_circle(circle: Box, ends: Sequence[Box], level: bool) -> list[Port]:
    """Return ports that face the sources of their arrows, spread so that the heads do not touch."""
    radius = circle.height / 2
    centre = circle.left + radius  # a long name makes the circle a pill; arrows enter its left end
    angles = [math.atan2(end.y - circle.y, max(centre - end.right, 1.0)) for end in ends]
    step = min(APART, 2 * STEEPEST / max(len(ends) - 1, 1))
    angles = [max(-STEEPEST, min(STEEPEST, angle)) for angle in angles]
    for i in range(1, len(angles)):
        angles[i] = max(angles[i], angles[i - 1] + step)
    for i in range(len(angles) - 1, -1, -1):
        angles[i] = min(angles[i], STEEPEST - (len(angles) - 1 - i) * step)
    return [Port(centre - radius * math.cos(a), circle.y + radius * math.sin(a), 0.0 if level else a) for a in angles]


def _on_side(box: Box, count: int) -> list[Port]:
    room = min(14.0, (box.height - 10) / max(count - 1, 1))
    return [Port(box.left, box.y + (i - (count - 1) / 2) * room, 0.0) for i in range(count)]


def _arrow(source: Box, right: float, chain: Sequence[Box], left: float, port: Port, head: bool) -> Arrow:
    """Draw from the source level to the right end of its column, through the chain, into the port."""
    x, y = right, source.y
    path = [f"M{source.right:.1f} {y:.1f}H{x:.1f}"]
    for box in chain:
        path.append(f"{_curve(x, y, box.left, box.y, 0.0)}H{box.right:.1f}")
        x, y = box.right, box.y
    size = HEAD if head else 0.0
    back_x, back_y = -math.cos(port.angle), math.sin(port.angle)
    base_x, base_y = port.x + size * back_x, port.y + size * back_y
    if port.angle == 0.0 and left < base_x:
        path.append(f"{_curve(x, y, left, base_y, 0.0)}H{base_x:.1f}")
    else:
        path.append(_curve(x, y, base_x, base_y, port.angle))
    if not head:
        return Arrow("".join(path), "")
    side_x, side_y = 0.45 * HEAD * back_y, -0.45 * HEAD * back_x
    corners = [(port.x, port.y), (base_x + side_x, base_y + side_y), (base_x - side_x, base_y - side_y)]
    return Arrow("".join(path), " ".join(f"{a:.1f},{b:.1f}" for a, b in corners))


def _curve(x: float, y: float, end_x: float, end_y: float, angle: float) -> str:
    """Return a curve that leaves to the right and arrives at an angle, or a line if it need not bend."""
    if abs(y - end_y) < 0.5 and abs(angle) < 0.02:
        return f"H{end_x:.1f}"
    reach = 0.5 * (end_x - x)
    back_x, back_y = end_x - reach * math.cos(angle), end_y + reach * math.sin(angle)
    return f"C{x + reach:.1f} {y:.1f} {back_x:.1f} {back_y:.1f} {end_x:.1f} {end_y:.1f}"
