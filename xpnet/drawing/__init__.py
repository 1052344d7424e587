"""Pictures: computational graphs as Mermaid, DOT, SVG and a page to step through; learning curves."""

from xpnet.drawing.curves import learning_curve
from xpnet.drawing.drawing import Drawing, draw
from xpnet.drawing.graph import Edge, Graph, Node

__all__ = ["Drawing", "Edge", "Graph", "Node", "draw", "learning_curve"]
