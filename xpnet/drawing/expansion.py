"""The tape with layers replaced by the operations of their forward."""

from __future__ import annotations

from copy import copy
from typing import Any

from xpnet.autodiff import Node, Variable
from xpnet.autodiff.record import constant
from xpnet.errors import StateError


class Expansion:
    """The nodes behind a result; one node may stand for another if layers are expanded."""

    def __init__(self, last: Node, expand: bool) -> None:
        self.last = last
        self.stands_for: dict[int, Node] = {}
        self.kept: list[Variable] = []  # ids stay unique only while their owners live
        self.differentiated = last.grad is not None or last.value is None  # a large result is released with its grad
        if not expand:
            self._close()
        while expand and (layers := [node for node in self.nodes() if node.layer is not None]):
            for node in layers:
                self._open(node)

    def resolve(self, node: Node) -> Node:
        """Return the node that is drawn in place of this one."""
        while id(node) in self.stands_for:
            node = self.stands_for[id(node)]
        return node

    def operands(self, node: Node) -> list[Any]:
        """Return the operands of a node: nodes and constants."""
        return [self.resolve(operand) if isinstance(operand, Node) else operand for operand in node.inputs]

    def inputs(self, node: Node) -> list[Node]:
        """Return the operands that are nodes."""
        return [operand for operand in self.operands(node) if isinstance(operand, Node)]

    def nodes(self) -> list[Node]:
        """Return every node behind the result, operands before the nodes that use them."""
        found: list[Node] = []
        seen: set[int] = set()
        stack: list[tuple[Node, bool]] = [(self.resolve(self.last), False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                found.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack += [(operand, False) for operand in reversed(self.inputs(node))]
        return found

    def _close(self) -> None:
        """Put the nodes that the forward of a layer recorded behind one node for the call."""
        stack, seen = [self.last], {id(self.last)}
        while stack:
            node = stack.pop()
            if hasattr(node, "call"):
                call = node.call
                call.value, call.grad = node.value, node.grad
                self.stands_for[id(node)] = call
                node = call
            for parent in node.parents:
                if parent is not None and id(parent) not in seen:
                    seen.add(id(parent))
                    stack.append(parent)

    def _open(self, node: Node) -> None:
        """Run the layer's forward again on Variables, and pull back the derivative that arrived."""
        rule: Any = node.rule
        layer = _copy(node.layer, rule.state)
        variables: list[Variable] = []
        operands = node.inputs
        arguments = []
        for name, operand in zip(rule.inputs, operands, strict=False):
            arguments.append(self._variable(operand, name, layer, variables))
        for name in rule.parameters:
            parent = operands[len(rule.inputs) + rule.parameters.index(name)]
            is_node = isinstance(parent, Node) and parent.value is not None
            value = parent.value if is_node else getattr(layer, name)
            setattr(layer, name, Variable(value, name=name))
            variables.append(getattr(layer, name))
            if is_node:
                self.stands_for[id(variables[-1].node)] = parent
        y = layer.forward(*arguments)
        if node.gradient is not None:
            y.backward(node.gradient, keep=True)
        self.stands_for[id(node)] = y.node
        self.kept += [y, *variables]

    def _variable(self, operand: Any, name: str, layer: Any, variables: list[Variable]) -> Any:
        if not isinstance(operand, Node):
            if operand is None:
                raise _released(layer)
            return constant(operand) if hasattr(operand, "dtype") else operand  # one library with the Variables
        if operand.value is None:
            raise _released(layer)
        variable = Variable(operand.value, name=name)
        variables.append(variable)
        self.stands_for[id(variable.node)] = operand
        return variable


def _copy(layer: Any, state: dict[str, Any]) -> Any:
    """Return a shallow copy with a copy of the state that the layer's forward found, so that its noise is the same."""
    again = copy(layer)
    again.lasting_state = dict(state)
    return again


def _released(layer: Any) -> StateError:
    return StateError(
        "draw",
        f"the input of {type(layer).__name__} must still be there to expand it",
        "a large one, released by backward()",
        "draw(y, expand=True) before y.backward(), or call y.backward(keep=True)",
    )
