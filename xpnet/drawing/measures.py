"""The room that nodes and labels take, and the rim at which arrows end."""

from __future__ import annotations

from xpnet.drawing.graph import Edge, Node
from xpnet.drawing.layout import Box, Size
from xpnet.drawing.text import one_line, text_width

SYMBOL, NAME, VALUE, DETAIL = 20.0, 14.0, 13.0, 11.0  # font sizes
RADIUS = 19.0
UP, DOWN = 7.0, 21.0  # baselines of the value and the derivative, from the arrow
LINE = 15.0  # from one line of details to the next
HEADS = 11.0  # from one arrowhead to the next
LONGEST_LABEL = 40


def node_size(node: Node, inputs: int) -> Size:
    """Return the room that a node takes in its column, its details included."""
    details = max((text_width(one_line(line), DETAIL) for line in node.details), default=0.0)
    match node.kind:
        case "operation":  # details are drawn below; equal room above keeps the circle in the middle
            return max(_label_width(node), details), max(2 * RADIUS, HEADS * inputs) + 2 * LINE * len(node.details)
        case "layer":
            return max(_label_width(node), details + 28), max(36 + LINE * len(node.details), HEADS * inputs + 10)
        case "branch":
            return 7.0, 7.0
        case _:
            return _label_width(node), 24.0


def label_size(edge: Edge) -> Size:
    """Return the room for the value above an arrow and the derivative below it."""
    if not (edge.value or edge.derivative):
        return 14.0, 20.0
    return label_width(edge) + 14, 2 * (DOWN + 3)


def label_width(edge: Edge) -> float:
    return max(text_width(one_line(text, LONGEST_LABEL), VALUE) for text in (edge.value, edge.derivative))


def rim(node: Node, box: Box) -> Box:
    """Return the outline that is drawn in the room of a node."""
    if node.kind != "operation":
        return box
    return Box(box.x, box.y, _label_width(node), box.height - 2 * LINE * len(node.details))


def is_round(node: Node, box: Box) -> bool:
    """Return whether the left end of a node is a circle, at which arrows may arrive from above and below."""
    return node.kind == "operation" and rim(node, box).height <= 2 * RADIUS


def _label_width(node: Node) -> float:
    label = one_line(node.label, LONGEST_LABEL)
    width = text_width(label, NAME, bold=node.kind != "operation")
    match node.kind:
        case "operation":
            return max(2 * RADIUS, width + 22 if width > RADIUS + 13 else 0.0)
        case "layer":
            return width + 28
        case _:
            return width + 10 if label else 6.0
