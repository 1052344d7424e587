"""Classes without a base of ours: a layer by its ``forward`` and ``backward``, a network by its ``params``."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np

from xpnet.backend import array_namespace, backend_of, device_of, dtype_kind, is_array
from xpnet.errors import DtypeError
from xpnet.layers.base import Layer
from xpnet.layers.checks import SCALARS
from xpnet.layers.named import NamedArrays


def is_plain_layer(subject: Any) -> bool:
    """Return whether it has its own forward and backward, as the layers that a reader types from the book."""
    if isinstance(subject, Layer | type) or hasattr(subject, "__array_namespace__"):
        return False
    return callable(getattr(subject, "forward", None)) and callable(getattr(subject, "backward", None))


def is_plain_network(subject: Any) -> bool:
    """Return whether it has ``params`` by name, ``gradient(x, t)`` and ``loss(x, t)``, as the book's TwoLayerNet."""
    if isinstance(subject, Layer | type) or not isinstance(getattr(subject, "params", None), Mapping):
        return False
    return callable(getattr(subject, "gradient", None)) and callable(getattr(subject, "loss", None))


class PlainLayer(Layer):
    """A plain class as a layer: its arguments without a default are inputs, its arrays W with a dW are parameters.

    If ``backward`` has a default for dout, as that of the book's losses, which ignore it, it is called with the
    default, and the result multiplied by dout. Numbers drawn from NumPy's global generator in ``forward`` are the same
    in each call.
    """

    def __init__(
        self, subject: Any, parameters: tuple[str, ...] = (), differentiable: tuple[str, ...] | None = None
    ) -> None:
        self.subject = subject
        inputs = needed(subject.forward)
        names = {"inputs": inputs, "differentiable": inputs if differentiable is None else differentiable}
        spec = replace(self.spec, inputs=inputs, differentiable=names["differentiable"], parameters=parameters)
        vars(self).update(names, parameters=parameters, spec=spec)
        self.starts_at_one = bool(inspect.signature(subject.backward).parameters) and not needed(subject.backward)
        self.seeded = same_numbers()

    @classmethod
    def of(cls, subject: Any, inputs: tuple[Any, ...] | None = None) -> PlainLayer:
        """Return the layer under the name of its class; a run on the inputs finds its parameters and gradients."""
        kind: type[PlainLayer] = type(type(subject).__name__, (cls,), {"__doc__": type(subject).__doc__})
        subject = copy.deepcopy(subject)
        if inputs is None:
            return kind(subject, trained(subject, vars(subject)))
        before = dict(vars(subject)) if hasattr(subject, "__dict__") else {}
        layer = kind(subject, (), ())
        y = layer.forward(*inputs)
        dx = layer.backward(array_namespace(y).ones_like(y))
        count = len(dx) if isinstance(dx, tuple) else 0 if dx is None else 1
        names = trained(subject, before)
        stays = tuple(name for name in names if getattr(subject, name) is before[name] and name not in layer.inputs)
        return kind(subject, stays, layer.inputs[:count])

    def __getattr__(self, name: str) -> Any:
        if name not in vars(self).get("parameters", ()):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.subject, name)

    def forward(self, *inputs: Any) -> Any:
        y = self.seeded(self.subject.forward)(*inputs)
        if type(y) in SCALARS:
            like = next(x for x in inputs if is_array(x) and dtype_kind(x) == "real")
            y = array_namespace(like).asarray(float(y), dtype=like.dtype, device=device_of(like))
        return y

    def backward(self, dout: Any) -> Any:
        if not self.starts_at_one:
            return self.subject.backward(
                array_namespace(dout).asarray(dout, copy=True)
            )  # the book's Relu writes into it
        dx = self.subject.backward()
        for name in self.parameters:
            setattr(self.subject, f"d{name}", getattr(self.subject, f"d{name}") * dout)
        return tuple(d * dout for d in dx) if isinstance(dx, tuple) else None if dx is None else dx * dout

    def astype(self, dtype: Any) -> Self:
        made = self.copy()
        made.subject = copy.deepcopy(self.subject)
        for name, array in made.params.items():
            cast = backend_of(array).asarray(array, dtype=dtype) if dtype_kind(array) == "real" else array
            setattr(made.subject, name, cast)
        return made

    @property
    def params(self) -> NamedArrays:
        return NamedArrays({name: (self.subject, name) for name in self.parameters})


def same_numbers() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a function that runs with NumPy's global generator in its present state, and restores it afterwards."""
    start = np.random.get_state()  # noqa: NPY002 (what a plain network draws from)

    def seeded(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            now = np.random.get_state()  # noqa: NPY002
            np.random.set_state(start)  # noqa: NPY002
            try:
                return function(*args)
            finally:
                np.random.set_state(now)  # noqa: NPY002

        return run

    return seeded


def needed(function: Any) -> tuple[str, ...]:
    """Return the names of the arguments that have no default."""
    arguments = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(a.name for a in arguments if a.kind in kinds and a.default is a.empty)


def trained(subject: Any, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the floating arrays among the attributes for which the subject has an attribute with the gradient."""
    return tuple(
        name
        for name, value in attributes.items()
        if not isinstance(value, np.generic | float)
        and is_array(value)
        and hasattr(value, "dtype")
        and dtype_kind(value) == "real"
        and hasattr(subject, f"d{name}")
    )


def layers_of(network: Any) -> dict[str, Any]:
    """Return the layers of a plain network by name, those in its ``layers`` followed by its loss.

    The dict is empty if the network has no such layers.
    """
    kept = getattr(network, "layers", None)
    if isinstance(kept, list | tuple):
        kept = {f"{type(layer).__name__}{place}": layer for place, layer in enumerate(kept, 1)}
    if not isinstance(kept, Mapping):
        return {}
    found = dict(kept)
    last = getattr(network, "last_layer", None) or getattr(network, "lastLayer", None)
    if last is not None:
        found[type(last).__name__] = last
    return found if all(isinstance(layer, Layer) or is_plain_layer(layer) for layer in found.values()) else {}


def as_layer(layer: Any, inputs: tuple[Any, ...] | None = None) -> Layer:
    """Return a layer unchanged, and a plain one as a PlainLayer.

    Raises: ``DtypeError`` for anything else.
    """
    if isinstance(layer, Layer):
        return layer
    if not is_plain_layer(layer):
        raise DtypeError("layer", "it must have a forward and a backward", type(layer).__name__, "write both")
    return PlainLayer.of(layer, inputs)
