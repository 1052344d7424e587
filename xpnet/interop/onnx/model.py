"""A graph as a model of ONNX: its names, its constants, and the sizes that it computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.errors import BackendError
from xpnet.interop.onnx.sizes import Graph, Size
from xpnet.interop.onnx.symbols import Host, Symbol, Whole

IR = {18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12, 25: 13}
"""The version of the format by that of the operators, so that older programs can read what they know."""


def onnx_module(who: str) -> Any:
    """Return the package ``onnx``.

    Raises: ``BackendError`` if it is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise BackendError(who, "onnx must be installed", "none", "pip install xpnet[onnx]") from None
    return onnx


class Writer:
    """The nodes and constants of a model, while they are written."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.onnx = onnx_module("to_onnx")
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self.names: dict[int, str] = {}
        self.used = {x.name for x in graph.inputs}
        self.numbers: dict[tuple[Any, ...], str] = {}
        self.sizes: dict[str, str] = {}

    def model(self, outputs: Sequence[str], opset: int, told: Mapping[str, str]) -> Any:
        """Return the model, with names for its outputs and what is told about it."""
        helper, graph = self.onnx.helper, self.graph
        for x in graph.inputs:
            self.names[id(x)] = x.name
        self.used |= {*outputs}
        produced = {id(symbol) for step in graph.steps for symbol in step.outputs}
        ends: dict[int, str] = {}
        for y, name in zip(graph.outputs, outputs, strict=True):
            if id(y) in produced and id(y) not in ends:
                ends[id(y)] = name
        self.names |= ends
        for step in graph.steps:
            self.step(step)
        for y, name in zip(graph.outputs, outputs, strict=True):
            if self.names.get(id(y)) != name:
                self.nodes.append(helper.make_node("Identity", [self.name(y)], [name], name=self.free("Identity")))
        made = helper.make_graph(
            self.nodes,
            "network",
            [self.value(x, x.name) for x in graph.inputs],
            [self.value(y, name) for y, name in zip(graph.outputs, outputs, strict=True)],
            list(self.constants.values()),
        )
        imports = [helper.make_opsetid("", opset)]
        model = helper.make_model(made, opset_imports=imports, ir_version=IR[opset], producer_name="xpnet")
        helper.set_model_props(model, dict(told))
        return model

    def step(self, step: Any) -> None:
        """Write a node."""
        inputs = [
            "" if x is None else self.whole(x, step.op) if isinstance(x, Whole) else self.name(x, step.place)
            for x in step.inputs
        ]
        own = self.free(f"{step.place}/{step.op}" if step.place else step.op)
        for symbol in step.outputs:
            if id(symbol) not in self.names:
                self.names[id(symbol)] = self.free(own if len(step.outputs) == 1 else f"{own}:{symbol.output}", "")
        attributes = {key: list(v) if isinstance(v, tuple) else v for key, v in step.attributes.items()}
        if step.op == "Cast":
            attributes["to"] = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(attributes["to"]))
        if step.op == "Reshape" and -1 not in self.sizes_of(step.inputs[1]):
            attributes["allowzero"] = 1
        outputs = [self.names[id(symbol)] for symbol in step.outputs]
        self.nodes.append(self.onnx.helper.make_node(step.op, inputs, outputs, name=own, **attributes))

    def sizes_of(self, whole: Any) -> list[int | Size]:
        """Return the sizes of a Reshape: one that depends on the batch is -1, what is left."""
        numbers = self.graph.wholes[id(whole)]
        if sum(isinstance(n, Size) for n in numbers) == 1 and 0 not in numbers:
            return [-1 if isinstance(n, Size) else n for n in numbers]
        return numbers

    def free(self, name: str, mark: str = "") -> str:
        """Return a name that is not used yet."""
        found, count = name, 1
        while found + mark in self.used:
            count += 1
            found = f"{name}_{count}"
        self.used.add(found + mark)
        return found

    def name(self, symbol: Symbol, place: str = "") -> str:
        """Return the name of a value, and write it if it is a constant that is new."""
        if id(symbol) not in self.names:
            wanted = symbol.name or (f"{place}/constant" if place else "constant")
            known = self.constants.get(wanted)
            if symbol.name and known is not None:
                array = self.onnx.numpy_helper.to_array(known)
                if array.shape == symbol.shape and np.array_equal(array, symbol.value):
                    self.names[id(symbol)] = wanted
                    return wanted
            own = self.free(wanted)
            self.put(own, symbol.value)
            self.names[id(symbol)] = own
        return self.names[id(symbol)]

    def put(self, name: str, array: Host) -> str:
        """Write a constant."""
        ordered = np.ascontiguousarray(array).reshape(array.shape)
        self.constants[name] = self.onnx.numpy_helper.from_array(ordered, name)
        return name

    def whole(self, whole: Whole, op: str) -> str:
        """Return the name of whole numbers: a constant, or what is computed from the sizes of the inputs."""
        numbers = self.sizes_of(whole) if op == "Reshape" else self.graph.wholes[id(whole)]
        key = (whole.single, *numbers)
        if key not in self.numbers:
            self.numbers[key] = self.computed(numbers, whole.single)
        return self.numbers[key]

    def computed(self, numbers: Sequence[int | Size], single: bool) -> str:
        if not any(isinstance(number, Size) for number in numbers):
            plain: Any = numbers[0] if single else list(numbers)
            return self.put(self.free("numbers"), np.asarray(plain, dtype=np.int64))
        parts = [self.size(number) if isinstance(number, Size) else self.vector(number) for number in numbers]
        found = parts[0] if len(parts) == 1 else self.node("Concat", parts, axis=0)
        return self.node("Squeeze", [found, self.vector(0)]) if single else found

    def vector(self, number: int) -> str:
        """Return the name of a constant with one number."""
        key = (False, number)
        if key not in self.numbers:
            self.numbers[key] = self.put(self.free("numbers"), np.asarray([number], dtype=np.int64))
        return self.numbers[key]

    def size(self, size: Size) -> str:
        """Return the name of one number, ``(1,)``, computed from sizes."""
        terms = []
        for factor, product in size.terms:
            found = self.vector(factor) if not product else ""
            for name in product:
                found = self.length(name) if not found else self.node("Mul", [found, self.length(name)])
            if product and factor != 1:
                found = self.node("Mul", [found, self.vector(factor)])
            terms.append(found)
        total = terms[0]
        for term in terms[1:]:
            total = self.node("Add", [total, term])
        return total

    def length(self, name: str) -> str:
        """Return the name of a size, ``(1,)``, read from the input that has it."""
        if name not in self.sizes:
            given, axis = self.graph.sizes[name]
            self.sizes[name] = self.node("Shape", [given], start=axis, end=axis + 1)
        return self.sizes[name]

    def node(self, op: str, inputs: list[str], **attributes: Any) -> str:
        """Write a node that computes sizes, and return the name of its output."""
        own = self.free(f"sizes/{op}")
        self.nodes.append(self.onnx.helper.make_node(op, inputs, [own], name=own, **attributes))
        return own

    def value(self, symbol: Symbol, name: str) -> Any:
        """Return the name, dtype and shape of an input or output."""
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(symbol.dtype)
        return self.onnx.helper.make_tensor_value_info(name, kind, self.graph.shapes.get(id(symbol), symbol.shape))
