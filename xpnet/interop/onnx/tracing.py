"""One run of a network in inference on symbols, which notes its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.backend import dtype_name, is_array, to_numpy
from xpnet.errors import DtypeError
from xpnet.interop.onnx import sequence_operators, window_operators
from xpnet.interop.onnx.operators import WRITERS
from xpnet.interop.onnx.symbols import WHO, Host, Symbol, at_place, refused
from xpnet.layers import Layer
from xpnet.layers.loss import Loss

FAMILIES = (sequence_operators, window_operators)
"""The modules that register their layers in ``WRITERS``."""


def on_symbols(network: Layer) -> Layer:
    """Return a copy of a network for inference, whose arrays are symbols named as in ``params`` and ``states``."""
    names = {(id(layer), attribute): name for name, (layer, attribute) in network.params.places.items()}
    names |= {(id(layer), attribute): name for name, (layer, attribute) in network.states.places.items()}
    return copied(network, "", names)


def copied(layer: Layer, path: str, names: Mapping[tuple[int, str], str]) -> Layer:
    """Return the copy of a layer at a path, with copies of the layers inside it."""
    if isinstance(layer, Loss):
        raise refused(f"the loss {type(layer).__name__}", "give the network, which leaves its loss out")
    if layer.is_container:
        paths = {id(inner): f"{path}.{name}" if path else name for name, inner in layer.layers.items()}
        copy: Any = layer.over_copies(lambda inner: copied(inner, paths[id(inner)], names))  # type: ignore[attr-defined]
        copy.in_inference = True
        if getattr(copy, "last_layer", None) is not None:
            copy.last_layer = None
        return copy  # type: ignore[no-any-return]
    copy = layer.inferring()
    for name, value in vars(layer).items():
        if is_array(value) and getattr(value, "shape", None) is not None:
            vars(copy)[name] = as_symbol(value, names.get((id(layer), name), ""))
    copy.lasting_state = {
        name: as_symbol(value, names.get((id(layer), name), "")) if is_array(value) else value
        for name, value in layer.lasting_state.items()
    }
    if getattr(layer, "stateful", False):  # every run of the graph begins anew
        copy.lasting_state = begun_anew(copy.lasting_state)
    copy.forward = noted(copy, layer, path or type(layer).__name__)
    return copy  # type: ignore[no-any-return]


def begun_anew(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of a recurrent layer before its first sequence."""
    return {name: None if name in ("h", "c") else value for name, value in state.items()}


def as_symbol(array: Any, name: str) -> Symbol:
    """Return an array of any library as a constant.

    Raises: ``DtypeError`` for one that NumPy does not have.
    """
    if dtype_name(array.dtype) == "bfloat16":
        must, remedy = "arrays must be of float16, float32 or float64", 'write to_onnx(net.astype("float32"), …)'
        raise DtypeError(WHO, must, f"bfloat16 of {name or 'a constant'}", remedy)
    return Symbol(to_numpy(array), name)


def noted(copy: Any, layer: Any, path: str) -> Callable[..., Any]:
    """Return the ``forward`` of a copy: the operators of its class, or else its equations on symbols."""
    kind = type(layer)
    writer = WRITERS.get(kind)
    equations = kind.forward

    def forward(*inputs: Any, **named: Any) -> Any:
        with at_place(path):
            if writer is not None and "forward" not in vars(layer):
                given = [*inputs, *[named.get(name) for name in kind.inputs[len(inputs) :]]] if named else inputs
                written = writer(copy, on_values(layer, given), *given)
                if written is not None:
                    return written
            return equations(copy, *inputs, **named)

    return forward


def on_values(layer: Layer, inputs: Sequence[Any]) -> Any:
    """Return the output of a layer for the values of symbols, by its own equations in NumPy."""
    plain = layer.inferring()
    for name in (*layer.parameters,):
        vars(plain)[name] = to_numpy(getattr(layer, name))
    plain.lasting_state = {
        name: to_numpy(value) if is_array(value) else value for name, value in layer.lasting_state.items()
    }
    if getattr(layer, "stateful", False):
        plain.lasting_state = begun_anew(plain.lasting_state)
    with np.errstate(all="ignore"):
        return plain.forward(*[x.value if isinstance(x, Symbol) else x for x in inputs])


def traced(function: Callable[..., Any], inputs: Mapping[str, Host | None]) -> tuple[list[Symbol], tuple[Symbol, ...]]:
    """Return the inputs as symbols, without those that are left out, and the outputs of a function of them."""
    given = {name: None if x is None else Symbol(x, name, True) for name, x in inputs.items()}
    with np.errstate(all="ignore"):
        y = function(**given)
    return [x for x in given.values() if x is not None], y if isinstance(y, tuple) else (y,)
