"""Pictures: computational graphs as Mermaid, DOT, SVG and a page to step through; curves, plots and heat maps."""

from xpnet.drawing.curves import learning_curve
from xpnet.drawing.drawing import Drawing, draw
from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.drawing.heat_map import heat_map
from xpnet.drawing.plot import Panel, histogram, plot

__all__ = ["Drawing", "Edge", "Graph", "Node", "Panel", "draw", "heat_map", "histogram", "learning_curve", "plot"]
