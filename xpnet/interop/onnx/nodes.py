"""The nodes of a model while they become calls of layers and functions, run on examples of a few sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from xpnet.arguments import trimmed
from xpnet.errors import ArgumentError, DataError, XpnetError
from xpnet.interop.onnx.building import Building, Value, check_size
from xpnet.interop.onnx.reading import REMEDY, WHO, Host, no_counterpart
from xpnet.interop.onnx.sizes import Size
from xpnet.layers import Layer, Transpose
from xpnet.networks.graph import Fixed, Given, whole
from xpnet.networks.graph_functions import FUNCTIONS


class Node:
    """A node of the model with its inputs as values, of which None are left out."""

    def __init__(
        self, building: Building, proto: Any, attributes: dict[str, Any], users: Callable[[str], list[Any]]
    ) -> None:
        self.building, self.attributes, self.users = building, attributes, users
        self.op, self.name = proto.op_type, proto.name or (proto.output[0] if len(proto.output) else "")
        self.inputs = [building.values[name] if name else None for name in proto.input]
        self.outputs = list(proto.output)
        self.done: set[str] = set()  # the outputs of later nodes that this one has made

    def given(self, at: int) -> Value | None:
        """Return an input, or None if it is left out."""
        return self.inputs[at] if at < len(self.inputs) else None

    def value(self, at: int) -> Value:
        """Return an input that must be there."""
        found = self.given(at)
        if found is None:
            raise self.refused(f"no input {at + 1}")
        return found

    def constant(self, at: int, what: str) -> Host:
        """Return an input that must not depend on those of the model, such as weights."""
        found = self.value(at).constant()
        if found is None:
            raise self.refused(f"{what} that depend on an input")
        return found

    def optional(self, at: int, what: str) -> Host | None:
        """Return a constant input, or None if it is left out."""
        return None if self.given(at) is None else self.constant(at, what)

    def numbers(self, at: int, what: str) -> list[list[int]]:
        """Return whole numbers of an input in each run."""
        found = self.value(at)
        if not found.static:
            raise self.refused(f"{what} that depend on an input")
        return [[int(number) for number in np.ravel(array)] for array in found.arrays]

    def whole(self, values: Sequence[int]) -> Any:
        """Return one number of each run as an option: it follows from the sizes."""
        try:
            found = self.building.together.number(values, self.name)
        except ArgumentError:
            raise self.refused(f"a size of {' and '.join(map(str, values))}") from None
        if isinstance(found, Size):
            return {"sizes": [[factor, list(names)] for factor, names in found.terms]}
        return int(found)

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute; a number of 32 bits as the shortest decimal that stands for it."""
        found = self.attributes.get(name, default)
        return float(str(np.float32(found))) if isinstance(found, float) else found

    def only_user(self, op: str) -> Any:
        """Return the node that alone takes the output, if it is of an operator, else None."""
        users = self.users(self.outputs[0])
        return users[0] if len(users) == 1 and getattr(users[0], "op_type", "") == op else None

    def refused(self, why: str = "") -> ArgumentError:
        """Return the error for this node."""
        return no_counterpart(self.op, self.name, why)

    def hint(self, at: int) -> str:
        """Return the path of the layer whose weights an input is."""
        found = self.given(at)
        return found.name.rpartition(".")[0] if found is not None and found.given else ""

    def layer(
        self, layer: Layer, *inputs: Value | None, hint: str = "", to: Sequence[str] | None = None, beside: Any = None
    ) -> None:
        """Call a layer, whose results are the outputs of the node, or of other names.

        Nodes with the same weights call one layer; ``beside`` tells which of those of the node it has.
        """
        building, names = self.building, self.outputs[:1] if to is None else to
        if isinstance(layer, Transpose) and self.undone(layer, inputs[0], names[0]):
            return
        found = self.run(lambda run: layer.predict(*[self.array(x, run) for x in trimmed(inputs)]))
        weights = tuple(id(x) for x in self.inputs if x is not None and x.static)
        name = building.layer_name(hint, layer)
        if layer.parameters:
            name = building.shared.setdefault((repr(layer), weights, beside), name)
        building.layers.setdefault(name, layer)
        self.note({"layer": name, "of": [None if x is None else self.held(x) for x in trimmed(inputs)]}, names, found)

    def call(self, function: str, *operands: Any, to: str | None = None, **options: Any) -> Value:
        """Call a function on values and numbers; its result is the output of the node, or of another name."""
        name = self.outputs[0] if to is None else to
        if function == "squeeze" and isinstance(operands[0], Value):
            before = self.building.made.get(operands[0].name, {})
            axes = before.get("options", {}).get("axes")
            if before.get("function") == "expand_dims" and sorted(axes) == sorted(options["axes"]):
                return self.alias(self.building.values[before["of"][0]], name)
        for run in range(len(self.building.sizes)):
            check_size(self.reach(function, [x for x in operands if isinstance(x, Value)], options, run))
        found = self.run(
            lambda run: FUNCTIONS[function](
                *[x.arrays[run] if isinstance(x, Value) else x for x in operands],
                **{key: whole(option, self.building.sizes[run]) for key, option in options.items()},
            )
        )
        of = [self.held(x) if isinstance(x, Value) else x for x in operands]
        call = {"function": function, "of": of} | ({"options": options} if options else {})
        return self.note(call, [name], found)

    def reach(self, function: str, operands: Sequence[Value], options: dict[str, Any], run: int) -> Sequence[int]:
        """Return a shape that is as large as the result of a function, or larger; 0 where its operands do not fit."""
        shapes = [x.arrays[run].shape for x in operands]
        try:
            if function == "concat":
                return [sum(map(prod, shapes))]
            if function == "take":
                x, indices = shapes
                return [prod(indices), prod(x) // max(x[options["axis"]], 1)]
            if function == "matmul":
                a, b = ((1, *shape) if len(shape) == 1 else shape for shape in shapes)
                return [*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1]]
            if function == "broadcast_to":
                shapes.append(tuple(whole(options["shape"], self.building.sizes[run])))
            return np.broadcast_shapes(*shapes)
        except (ValueError, IndexError):
            return [0]

    def run(self, function: Callable[[int], Any]) -> list[Any]:
        """Return what a function of the number of a run returns for all runs.

        Raises: ``DataError`` where shapes do not fit.
        """
        try:
            with np.errstate(all="ignore"):
                return [function(run) for run in range(len(self.building.sizes))]
        except (ValueError, TypeError, IndexError, MemoryError) as error:
            if isinstance(error, XpnetError):
                raise
            must, got = f"the inputs of {self.name} must fit {self.op}", str(error).partition("\n")[0]
            raise DataError(WHO, must, got, REMEDY) from error

    def note(self, call: dict[str, Any], names: Sequence[str], found: Sequence[Any]) -> Value:
        """Add a call, and its results in each run."""
        building = self.building
        call["to"] = names[0] if len(names) == 1 else list(names)
        building.calls.append(call)
        columns = [found] if len(names) == 1 else list(zip(*found, strict=True))
        for name, column in zip(names, columns, strict=True):
            building.values[name] = Value(name, [np.asarray(array) for array in column], False)
            for array in column:
                building.take(array.shape)
            building.made[name] = call
        return building.values[names[0]]

    def alias(self, x: Value, name: str | None = None) -> Value:
        """Give a value the name of an output too."""
        self.building.values[self.outputs[0] if name is None else name] = x
        return x

    def undone(self, layer: Transpose, x: Value | None, name: str) -> bool:
        """Return whether a transposition takes back the one before it, whose input is then the result."""
        if x is None:
            return False
        before = self.building.made.get(x.name, {})
        other = self.building.layers.get(before.get("layer", ""))
        if not isinstance(other, Transpose) or [other.axes[axis] for axis in layer.axes] != list(range(x.ndim)):
            return False
        self.alias(self.building.values[before["of"][0]], name)
        return True

    def array(self, x: Value | None, run: int) -> Host | None:
        return None if x is None else x.arrays[run]

    def held(self, x: Value) -> str:
        """Return the name of a value; one that no call makes is held by a layer, and is trained if it has a name.

        Raises: ``ArgumentError`` for an array that depends on sizes.
        """
        if not x.static:
            return x.name
        if id(x) not in self.building.held:
            array = x.constant()
            if array is None:
                if len({own.shape for own in x.arrays}) == 1:
                    raise self.refused("an array that depends on the sizes of an input")
                return self.full(x)
            trained = x.given and array.dtype.kind == "f" and array.ndim > 0
            layer: Layer = Given(array) if trained else Fixed(array)
            name = self.building.layer_name(x.name if trained else "", layer)
            self.building.layers[name] = layer
            value = self.building.fresh(name)
            self.building.calls.append({"layer": name, "of": [], "to": value})
            self.building.held[id(x)] = value
        return self.building.held[id(x)]

    def full(self, x: Value) -> str:
        """Return the name of an array that is the same along all axes whose lengths follow from the sizes.

        Raises: ``ArgumentError`` for another one.
        """
        reduced = x.arrays
        for axis in range(x.ndim):
            if len({array.shape[axis] for array in x.arrays}) > 1:
                firsts = [np.take(array, [0], axis=axis) for array in reduced]
                if any((array != first).any() for array, first in zip(reduced, firsts, strict=True)):
                    raise self.refused("an array that depends on the sizes of an input")
                reduced = firsts
        one = Value(self.building.fresh("number"), reduced, True)
        shape = [self.whole(column) for column in zip(*[array.shape for array in x.arrays], strict=True)]
        found = self.call("broadcast_to", one, to=self.building.fresh("full"), shape=shape).name
        self.building.held[id(x)] = found
        return found

    def operand(self, x: Value, beside: Value) -> Any:
        """Return an operand of an operator: a single number, which is not trained, as a number of Python."""
        array = x.constant()
        if array is not None and array.size == 1 and array.dtype.kind in "fiu" and array.ndim <= beside.ndim:
            return array.item()
        return x
