"""The graph of a Variable: the tape as nodes and arrows, with values and derivatives."""

from __future__ import annotations

from collections import Counter
from typing import Any

from xpnet.arguments import is_number
from xpnet.autodiff import Node as TapeNode
from xpnet.autodiff import Variable
from xpnet.autodiff.forward import PART
from xpnet.backend import dtype_name
from xpnet.drawing.expansion import Expansion
from xpnet.drawing.explanations import explain, symbol
from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.drawing.network_graph import layer_node
from xpnet.drawing.shares import shares
from xpnet.drawing.values import describe

OPERANDS = {"add", "subtract", "multiply", "divide", "pow", "maximum", "minimum", "matmul", "where", "remainder"}


def variable_graph(y: Variable, expand: bool = False) -> Graph:
    """Return the graph from which ``y`` was computed; ``expand`` replaces layers by the operations of their forward."""
    tape = Expansion(y.node, expand)
    nodes = tape.nodes()
    sketch = _Sketch(tape, nodes)
    for node in nodes:
        sketch.add(node)
    result = sketch.node(Node("output", y.name or ""))
    sketch.connect(y.node, result)
    return Graph(sketch.nodes, sketch.edges)


class _Sketch:
    """A graph that grows by the nodes of the tape, in the order of computation."""

    def __init__(self, tape: Expansion, nodes: list[TapeNode]) -> None:
        self.tape = tape
        self.uses = Counter(id(parent) for node in nodes for parent in tape.inputs(node))
        self.names = _names(tape, nodes)
        self.shares = shares(nodes, tape.operands) if tape.differentiated else {}
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.number: dict[int, int] = {}  # tape node -> the node from which its arrows leave
        self.marks: dict[int, tuple[str, str]] = {}

    def node(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def add(self, node: TapeNode) -> None:
        inputs = self.tape.inputs(node)
        if node.rule is PART and inputs:  # one of several results: another arrow from the same node
            self.number[id(node)] = self.number[id(inputs[0])]
        else:
            made, hidden = self.picture(node)
            self.number[id(node)] = self.node(made)
            self.add_operands(node, hidden)
        self.mark(node)

    def picture(self, node: TapeNode) -> tuple[Node, set[int]]:
        """Return the node, and the positions of the operands that are part of its label."""
        if node.rule is None:
            return Node("input", self.names[id(node)]), set()
        if node.layer is not None:
            return layer_node(node.layer, node.name), set()
        first, second = (*node.inputs, None, None)[:2]
        if node.name == "pow" and is_number(second):
            return Node("operation", f"^{describe(second)}", rule=f"^{describe(second)} {explain('pow')}"), {1}
        if node.name == "divide" and is_number(first) and first == 1:
            return Node("operation", "/", rule=f"/ {explain('reciprocal')}"), {0}
        label = symbol(node.name)
        keywords = (node.keywords or {}).items()
        shown = {key: value for key, value in keywords if isinstance(value, int | tuple) and value is not False}
        details = tuple(f"{key}={value}" for key, value in shown.items())
        return Node("operation", label, details, rule=f"{label} {explain(node.name)}"), set()

    def add_operands(self, node: TapeNode, hidden: set[int]) -> None:
        target = self.number[id(node)]
        names = getattr(node.rule, "inputs", ())
        for position, operand in enumerate(self.tape.operands(node)):
            if isinstance(operand, TapeNode):
                self.connect(operand, target, describe(self.shares.get((id(node), position))))
            elif position not in hidden and (position < len(names) or self.is_operand(node, operand)):
                self.constant(operand, names[position] if position < len(names) else "", target)

    @staticmethod
    def is_operand(node: TapeNode, constant: Any) -> bool:
        """Return whether a constant operand is drawn, which axes, shapes and a layer's inner parameters are not."""
        return node.layer is None and (node.name in OPERANDS or hasattr(constant, "dtype"))

    def constant(self, value: Any, name: str, target: int) -> None:
        text = describe(value)
        source = self.node(Node("input", name or text or "constant"))
        self.edges.append(Edge(source, target, text if name else ""))

    def mark(self, node: TapeNode) -> None:
        """Note the text on the arrow from a node; a value that is used several times goes through a branch."""
        value, derivative = describe(node.value), ""
        if self.tape.differentiated:
            derivative = describe(node.gradient)
        if node.value is None:  # large, and released by backward together with its gradient
            value = derivative = _shape(node)
        self.marks[id(node)] = (value, derivative)
        if self.uses[id(node)] > 1:
            source = self.number[id(node)]
            branch = self.node(Node("branch", self.nodes[source].label, stands_for=source))
            self.edges.append(Edge(source, branch, value, derivative))
            self.number[id(node)] = branch
            self.marks[id(node)] = ("", "")

    def connect(self, node: TapeNode, target: int, share: str = "") -> None:
        node = self.tape.resolve(node)
        value, derivative = self.marks[id(node)]
        self.edges.append(Edge(self.number[id(node)], target, value, derivative or share))


def _names(tape: Expansion, nodes: list[TapeNode]) -> dict[int, str]:
    """Return a name for every leaf: its own, else that of its parameter, else x1, x2 …"""
    names: dict[int, str] = {}
    for node in nodes:
        words = (*getattr(node.rule, "inputs", ()), *getattr(node.rule, "parameters", ()))
        for word, operand in zip(words, tape.operands(node), strict=False):
            if isinstance(operand, TapeNode) and word in getattr(node.rule, "parameters", ()):
                names.setdefault(id(operand), word)
    leaves = [node for node in nodes if node.rule is None]
    unnamed = [node for node in leaves if not node.name and id(node) not in names]
    for count, node in enumerate(unnamed, start=1):
        names[id(node)] = f"x{count}" if len(unnamed) > 1 else "x"
    return names | {id(node): node.name for node in leaves if node.name}


def _shape(node: TapeNode) -> str:
    shape = getattr(node, "shape", None)
    return "" if shape is None else f"{tuple(shape)} {dtype_name(getattr(node, 'dtype', ''))}".strip()
