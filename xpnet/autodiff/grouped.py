"""A layer as one node of the graph, with its own hand-written backward."""

from __future__ import annotations

import inspect
from math import prod
from threading import RLock
from typing import Any

from xpnet.autodiff.nodes import BATCH, CONSTANT, FORWARD, Node, Parts, Released
from xpnet.autodiff.record import constant, record, record_parts, strip
from xpnet.autodiff.rules import Rule
from xpnet.autodiff.tape import SMALL
from xpnet.autodiff.variable import Variable
from xpnet.backend import array_namespace
from xpnet.errors import ShapeError


class GroupedRule(Rule):
    """The rule of one call of a layer, ``backward`` of the copy of the layer on which ``forward`` ran.

    ``layer`` is the layer that was called, ``state`` its lasting state before the call, and ``run`` the copy, or a
    faster body in its place; ``inputs`` and ``parameters`` name the operands of the node, in order.
    """

    __slots__ = ("copy", "differentiable", "inputs", "layer", "lock", "parameters", "run", "state")

    batch = None
    forward = None  # layers from outside xpnet pass tangents through their backward

    def __init__(
        self,
        layer: Any,
        copy: Any,
        state: dict[str, Any],
        inputs: tuple[str, ...],
        differentiable: tuple[str, ...],
        parameters: tuple[str, ...],
    ) -> None:
        self.name = getattr(layer, "name", None) or type(layer).__name__
        self.layer = layer
        self.copy = copy
        self.run = copy
        self.lock = RLock()
        self.state = state
        self.inputs = inputs
        self.differentiable = differentiable
        self.parameters = parameters

    def joint(self, g: Any, node: Node) -> list[Any]:
        """Return ``dx`` for the inputs and ``dW`` for the parameters, with None where no gradient is needed."""
        with self.lock:  # a layer keeps dW as an attribute, which another thread could overwrite
            return self._backward(g, node)

    def _backward(self, g: Any, node: Node) -> list[Any]:
        copy = self.copy
        backward = self.run.backward
        returned = backward(*_complete(g, node.value)) if type(g) is Parts else backward(g)
        gradients = list(returned) if type(returned) is tuple else [returned]
        if self.differentiable != self.inputs:
            found = dict(zip(self.differentiable, gradients, strict=False))
            gradients = [found.get(name) for name in self.inputs]
        for name, x, parent, d in zip(self.inputs, node.args, node.parents, gradients, strict=False):
            if parent is not None and (d is None or d.shape != x.shape):
                raise self._wrong(name, x, d)
        if getattr(copy, "frozen", False):
            return gradients + [None] * len(self.parameters)
        for name, x in zip(self.parameters, node.args[len(gradients) :], strict=True):
            d = getattr(copy, "d" + name, None)
            if d is None or d.shape != x.shape:
                raise self._wrong(name, x, d)
            gradients.append(d)
        return gradients

    def _wrong(self, name: str, x: Any, d: Any) -> ShapeError:
        return ShapeError(
            self.name,
            f"backward must give d{name} of the shape of {name}, {tuple(x.shape)}",
            "none" if d is None else tuple(d.shape),
            f"assign it to self.d{name}" if name in self.parameters else "return it",
        )

    def deliver(self, node: Node, delivered: set[tuple[int, str]]) -> None:
        """Assign ``dW`` to the layer that was called, summed over its calls, for parameters that are plain arrays."""
        layer, first = self.layer, len(self.inputs)
        if getattr(layer, "frozen", False):
            return
        for at, name in enumerate(self.parameters, first):
            if node.parents[at] is None and type(node.args[at]) is not Variable:
                d, key = getattr(self.copy, "d" + name), (id(layer), name)
                setattr(layer, "d" + name, getattr(layer, "d" + name) + d if key in delivered else d)
                delivered.add(key)

    def release(self) -> None:
        self.copy = self.run = None


def call_layer(layer: Any, inputs: tuple[Any, ...]) -> Any:
    """Return ``layer(*inputs)`` recorded as one node, with ``dx`` from the layer's backward.

    ``forward`` runs on a shallow copy and on the values of the Variables with the highest number, so that a layer
    may be called many times and derivatives can be nested. A container passes the Variables on to its layers. If
    ``backward`` gives no gradient for a traced input, the operations of ``forward`` are recorded instead. The same
    holds for a frozen layer, unless a body can omit the gradients of its parameters, and for tangents, unless the
    layer has a ``forward`` or ``backward`` that is not xpnet's own: tangents then go through its backward.

    >>> x = xn.Variable(np.array([-1.0, 2.0]))
    >>> call_layer(Relu(), (x,))
    Variable(array([0., 2.]))
    """
    if getattr(layer, "is_container", False):
        return layer.forward(*inputs)
    parameters = getattr(layer, "parameters", ())
    top, raw, parents = strip((*inputs, *[getattr(layer, name) for name in parameters]))
    if top is None or top.barred is BATCH:
        return layer.forward(*inputs)
    count = len(inputs)
    names = (getattr(layer, "inputs", ()) or _input_names(layer))[:count]
    differentiable = getattr(layer, "differentiable", names)
    if differentiable != names:
        for name, x in zip(names, inputs, strict=True):
            if name not in differentiable and type(x) is Variable and x.node.trace is not CONSTANT:
                return layer.forward(*inputs)
    copy = object.__new__(type(layer))
    attributes = copy.__dict__ = layer.__dict__.copy()
    if top.barred is FORWARD and _has_our_equations(type(layer)):
        return copy.forward(*inputs)
    attributes.update(zip(parameters, raw[count:], strict=True))
    attributes["needs_dx"] = any(parents[:count])
    state = dict(attributes.get("lasting_state", ()))
    stage = copy.stage_for_node(raw) if hasattr(copy, "stage_for_node") else None
    if parameters and getattr(layer, "frozen", False) and top is not CONSTANT and (not stage or any(parents[count:])):
        return layer.forward(*inputs)
    run = copy.forward if stage is None else stage
    y = run(*raw[:count])
    call = getattr(copy, "last_call", None)
    if call is not None:
        call.like = call.number = None  # backward need not check: the walk brings gradients that fit y
    if top is CONSTANT:
        return tuple(map(constant, y)) if isinstance(y, tuple) else constant(y)
    rule = GroupedRule(layer, copy, state, names, differentiable, parameters)
    if stage is not None:
        rule.run = stage
    if isinstance(y, tuple):
        return record_parts(rule, y, raw, parents, top, None)
    return record(rule, y, raw, parents, top)


def _has_our_equations(kind: type) -> bool:
    """Return whether forward and backward are both xpnet's own, and therefore agree."""
    return all(getattr(kind, name).__module__.startswith("xpnet.") for name in ("forward", "backward"))


def remember_call(y: Variable, layer: Any, inputs: tuple[Any, ...]) -> None:
    """Note which call of ``forward`` recorded a result operation by operation, so that drawings show it as one box."""
    named = {name: x for name, x in zip(layer.inputs, inputs, strict=True) if x is not None}
    given = (*named.values(), *[getattr(layer, name) for name in layer.parameters])
    parents = tuple([x.node if type(x) is Variable else None for x in given])
    if y.node in parents or not any(parents):
        return
    call = Node()
    call.rule = GroupedRule(layer, None, {}, tuple(named), (), layer.parameters)
    kept = [x if type(x) is not Variable and prod(getattr(x, "shape", ())) <= SMALL else None for x in given]
    call.args, call.parents = Released(kept), parents
    call.args.shape, call.args.dtype = y.shape, y.dtype
    call.keywords, call.order, call.trace = None, y.node.order, y.node.trace
    y.node.call = call


_INPUT_NAMES: dict[type, tuple[str, ...]] = {}


def _input_names(layer: Any) -> tuple[str, ...]:
    """Return the names of the arguments of forward."""
    kind = type(layer)
    if kind not in _INPUT_NAMES:
        _INPUT_NAMES[kind] = tuple(inspect.signature(kind.forward).parameters)[1:]
    return _INPUT_NAMES[kind]


def _complete(g: Parts, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the gradients of all results, with zeros for results that were not used."""
    pairs = zip(g, values, strict=True)
    return tuple(array_namespace(y).zeros_like(y) if d is None else d for d, y in pairs)
