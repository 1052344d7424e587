"""A network of any graph, written as a list of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from xpnet.errors import ArgumentError
from xpnet.layers import Layer
from xpnet.networks.graph_functions import function_of
from xpnet.networks.network import Network
from xpnet.typing import Array


class Graph(Network):
    """Calls of layers and functions in any order, each ``vₖ = fₖ(vᵢ, …)``; the network that ``xn.from_onnx`` returns.

    A call is a dict: ``layer`` names one of ``layers``, or ``function`` one of the standard, such as ``"add"``;
    ``of`` lists the names of values and numbers that it takes, and ``to`` the name, or names, of what it returns.
    ``options`` has the arguments by name of a function. A whole number that depends on the sizes of the inputs is
    written ``{"sizes": [[factor, [size, …]], …]}``, the sum of products of ``sizes``, which maps names to an input and
    its axis. ``names`` are those of the inputs, and ``output`` that of the value that is returned.

    Shapes: those of its layers and functions.
    Raises: ``ArgumentError`` for a function, layer or value that is not there.

    >>> layers = {"first": Affine(2.0 * np.eye(2)), "last": Affine(np.ones((2, 1)))}
    >>> calls = [
    ...     {"layer": "first", "of": ["x"], "to": "h"},
    ...     {"function": "add", "of": ["h", "x"], "to": "sum"},
    ...     {"layer": "last", "of": ["sum"], "to": "y"},
    ... ]
    >>> Graph(layers, calls, loss=SoftmaxWithLoss()).predict(np.array([[1.0, 2.0]]))
    array([[9.]])
    """

    def __init__(
        self,
        layers: Mapping[str, Layer],
        calls: Sequence[Mapping[str, Any]],
        names: Sequence[str] = ("x",),
        output: str = "y",
        sizes: Mapping[str, tuple[str, int]] | None = None,
        loss: Layer | None = None,
    ) -> None:
        super().__init__(layers, loss=loss)
        self.calls = [dict(call) for call in calls]
        self.names = tuple(names)
        self.output = output
        self.sizes = dict(sizes or {})
        self._check()

    def _check(self) -> None:
        who, known = type(self).__name__, {*self.names}
        for number, call in enumerate(self.calls, 1):
            if "layer" in call:
                if call["layer"] not in self.layers:
                    must = f"the layer of call {number} must be one of {', '.join(self.layers)}"
                    raise ArgumentError(who, must, repr(call["layer"]), "add it to layers")
            else:
                function_of(who, call.get("function", ""))
            for value in call["of"]:
                if isinstance(value, str) and value not in known:
                    must = f"call {number} must take inputs, or what a call before it returned"
                    raise ArgumentError(who, must, repr(value), "put the call behind that one")
            known |= {*targets_of(call)}
        if self.output not in known:
            must = f"output must be one of {', '.join(sorted(known))}"
            raise ArgumentError(who, must, repr(self.output), "name a value")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs."""
        found: tuple[str, ...] = vars(self)["names"]
        return found

    @names.setter
    def names(self, names: Sequence[str]) -> None:
        own = tuple(names)
        spec = replace(type(self).spec, inputs=own, optional=(), differentiable=own)
        vars(self).update(names=own, inputs=own, optional=(), differentiable=own, spec=spec)

    def __getstate__(self) -> dict[str, Any]:
        derived = {"inputs", "optional", "differentiable", "spec"}  # they follow from the names
        return {name: value for name, value in super().__getstate__().items() if name not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.names = state["names"]

    def forward(self, *inputs: Array, **named: Array) -> Any:
        values: dict[str, Any] = {**dict(zip(self.names, inputs, strict=False)), **named}
        sizes = {size: values[name].shape[axis] for size, (name, axis) in self.sizes.items()}
        for call in self.calls:
            given = [values[value] if isinstance(value, str) else value for value in call["of"]]
            if "layer" in call:
                y = self.layers[call["layer"]](*given)
            else:
                options = {name: whole(option, sizes) for name, option in call.get("options", {}).items()}
                y = function_of(type(self).__name__, call["function"])(*given, **options)
            targets = targets_of(call)
            values |= dict(zip(targets, y if len(targets) > 1 else (y,), strict=True))
        return values[self.output]


def targets_of(call: Mapping[str, Any]) -> list[str]:
    """Return the names of what a call returns."""
    return [call["to"]] if isinstance(call["to"], str) else list(call["to"])


def whole(option: Any, sizes: Mapping[str, int]) -> Any:
    """Return an option, with the sizes of this batch in place of what depends on them."""
    if isinstance(option, Mapping):
        return sum(factor * prod(sizes[name] for name in names) for factor, names in option["sizes"])
    if isinstance(option, list | tuple):
        return [whole(each, sizes) for each in option]
    return option


class Given(Layer):
    """An array that is trained and depends on no input, ``y = W``.

    Backward: ``dW = dout``.
    """

    parameters = ("W",)
    holomorphic = True

    W: Array

    def forward(self) -> Array:
        return self.W

    def backward(self, dout: Array) -> tuple[()]:
        self.dW = dout
        return ()


class Fixed(Layer):
    """An array that is not trained and depends on no input, ``y = value``."""

    state = ("value",)

    value: Array

    def __init__(self, value: Array | None = None) -> None:
        super().__init__()
        self.value = value  # type: ignore[assignment]  # a file brings it

    def forward(self) -> Array:
        return self.value

    def backward(self, dout: Array) -> tuple[()]:  # noqa: ARG002 (nothing is trained)
        return ()
