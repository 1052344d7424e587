"""The description of a network, from which it is built again without the script that made it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from math import isfinite
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from xpnet.backend import get_backend, is_array, to_numpy
from xpnet.errors import DataError, DtypeError
from xpnet.layers import Layer
from xpnet.random import Generator
from xpnet.training import weights_file

Host: TypeAlias = "np.ndarray[Any, Any]"
Node: TypeAlias = "dict[str, Any]"

CONSTANT = "constant/"
"""The prefix of the names of arrays that are options and are not trained."""

OWN = {
    *("accepted", "lasting_state", "recorded_tape", "in_inference"),
    *("layers", "last_layer", "needs_dx", "precision", "frozen", "training", "encoding"),
}
"""The attributes of a container of layers that are described separately, or follow from the others."""


def describe(network: Layer) -> tuple[Node, dict[str, Host]]:
    """Return the description of a network or layer, for JSON, and the arrays among its options by name.

    A layer is described by its class and the options of its constructor, which must be attributes of the same names; a
    container by its class, its layers and its other attributes. Parameters are named, not included.

    Raises: ``DtypeError`` for an option or attribute that cannot be described.
    """
    arrays: dict[str, Host] = {}
    names = {(id(layer), attribute): name for name, (layer, attribute) in network.params.places.items()}
    return described(network, "", names, arrays), arrays


def described(layer: Layer, path: str, names: Mapping[tuple[int, str], str], arrays: dict[str, Host]) -> Node:
    """Return the node of a layer, which contains the nodes of its layers."""
    kind = type(layer)
    node: Node = {"class": f"{kind.__module__}:{kind.__qualname__}"}
    if not layer.is_container:
        node |= options_of(layer, path, names, arrays)
        if layer.frozen:
            node["frozen"] = True
        elif not layer.training:
            node["training"] = False
        return node
    node["layers"] = {
        name: described(inner, f"{path}.{name}" if path else name, names, arrays)
        for name, inner in layer.layers.items()
    }
    places = {id(inner): name for name, inner in layer.layers.items()}
    attributes = {
        name: value for name, value in layer.__getstate__().items() if name not in OWN and not name.startswith("_")
    }
    node["attributes"] = {
        name: {"layer": places[id(value)]} if id(value) in places else value_of(layer, name, value, path, arrays)
        for name, value in attributes.items()
    }
    loss = getattr(layer, "last_layer", None)
    if loss is not None:
        node["loss"] = described(loss, f"{path}.loss" if path else "loss", names, arrays)
    if precision := getattr(layer, "precision", None):
        scale = precision.loss_scale
        dynamic = precision.good_steps is not None
        node["compute_in"] = {"dtype": precision.dtype, "loss_scale": "dynamic" if dynamic else scale}
    return node


def options_of(layer: Layer, path: str, names: Mapping[tuple[int, str], str], arrays: dict[str, Host]) -> Node:
    """Return the arguments for the constructor of a layer: positions, and options by name."""
    held, positions, options = layer.constructor_options(), [], {}
    for name, option in inspect.signature(type(layer).__init__).parameters.items():
        if name in ("self", "rng") or name in layer.state:
            continue
        if name in type(layer).parameters and name not in layer.parameters and option.default is not option.empty:
            continue  # a bias that this layer does without
        if option.kind is option.VAR_POSITIONAL and name not in held:
            every = type(layer).parameters if layer.optional_parameters else layer.parameters
            positions += [parameter(layer, each, names) if each in layer.parameters else None for each in every]
        elif name in layer.parameters:
            options[name] = parameter(layer, name, names)
        elif name in layer.optional_parameters:
            options[name] = None
        elif name in held:
            value = value_of(layer, name, held[name], path, arrays)
            if option.kind is option.VAR_POSITIONAL:
                positions += value["tuple"]
            else:
                options[name] = value
        elif option.kind is not option.VAR_KEYWORD:
            must = f"the option {name} of its constructor must be an attribute of that name, to be written"
            raise DtypeError(type(layer).__name__, must, "none", f"write self.{name} = {name} in its constructor")
    return {"positions": positions, "options": options}


def parameter(layer: Layer, name: str, names: Mapping[tuple[int, str], str]) -> Any:
    """Return a reference to a parameter by its name in the network, or None if the layer does not have it."""
    return None if getattr(layer, name) is None else {"parameter": names[id(layer), name]}


def value_of(layer: Layer, name: str, value: Any, path: str, arrays: dict[str, Host]) -> Any:
    """Return an option or attribute in a form that JSON can hold.

    Raises: ``DtypeError``.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if is_array(value) and getattr(value, "shape", ()) != ():
        key = f"{CONSTANT}{path}.{name}" if path else f"{CONSTANT}{name}"
        arrays[key] = np.asarray(to_numpy(value))
        return {"array": key}
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, tuple | list):
        items = [value_of(layer, f"{name}.{i}", item, path, arrays) for i, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"dict": {key: value_of(layer, f"{name}.{key}", item, path, arrays) for key, item in value.items()}}
    if isinstance(value, Generator):
        return {"generator": [value.seed, value.index]}
    must = f"{name} must be a number, a text, an array or a list of them, to be written"
    remedy = "make it in forward, or keep it out of the attributes"
    raise DtypeError(type(layer).__name__, must, type(value).__name__, remedy)


class Builder:
    """A builder of layers from descriptions, with the arrays of a file, and classes found by import path or given."""

    def __init__(self, who: str, arrays: Mapping[str, Host], classes: Iterable[type]) -> None:
        self.who, self.arrays = who, arrays
        self.classes = {kind.__qualname__: kind for kind in classes}

    def build(self, node: Mapping[str, Any]) -> Layer:
        """Return the layer of a node, including the layers inside it."""
        kind = self.kind(node["class"])
        if "layers" not in node:
            positions = [self.value(item) for item in node["positions"]]
            layer: Layer = kind(*positions, **{name: self.value(item) for name, item in node["options"].items()})
            if node.get("frozen"):
                layer.freeze()
            elif not node.get("training", True):
                layer.training = False
            return layer
        layer = Layer.__new__(kind)
        layers = {name: self.build(inner) for name, inner in node["layers"].items()}
        for name, value in node["attributes"].items():
            inside = isinstance(value, dict) and "layer" in value
            setattr(layer, name, layers[value["layer"]] if inside else self.value(value))
        layer.layers = MappingProxyType(layers)
        if "loss" in node:
            layer.last_layer = self.build(node["loss"])  # type: ignore[attr-defined]
        if "compute_in" in node:
            layer.compute_in(**node["compute_in"])  # type: ignore[attr-defined]
        return layer

    def kind(self, path: Any) -> type[Layer]:
        """Return the class of a path ``module:name``; modules of Python itself, and those that run, are not imported.

        Raises: ``DataError`` for a class that cannot be found, or that is not a layer.
        """
        if not isinstance(path, str):
            must = "a layer must have the name of its class"
            raise DataError(self.who, must, type(path).__name__, "give the file that xn.save wrote")
        module, _, name = path.partition(":")
        found: Any = self.classes.get(name)
        if found is None:
            remedy = f"put it into a module that can be imported, or give it, classes=[{name.rpartition('.')[2]}]"
            must = f"the class {name} of {module} must be found"
            parts = module.split(".")
            if parts[0] in sys.stdlib_module_names or "__main__" in parts[1:]:
                raise DataError(self.who, must, "a module that holds no layers", remedy)
            try:
                found = import_module(module)
                for part in name.split("."):
                    found = getattr(found, part)
            except (Exception, SystemExit) as error:  # a module may raise anything while it is imported
                in_script = module == "__main__" or "<locals>" in name
                got: Any = "one that stands in a script or function" if in_script else weights_file.plain(error)
                raise DataError(self.who, must, got, remedy) from error
        if not isinstance(found, type) or not issubclass(found, Layer):
            must, remedy = f"{path} must be a layer or network", "give the file that xn.save wrote"
            raise DataError(self.who, must, type(found).__name__, remedy)
        return found

    def value(self, value: Any) -> Any:
        """Return the option or attribute that a description stands for."""
        if isinstance(value, list):
            return list(map(self.value, value))
        if not isinstance(value, dict):
            return value
        ((kind, inside),) = value.items()
        if kind in ("parameter", "array"):
            array = self.arrays[inside]
            return get_backend().asarray(array, str(array.dtype))
        if kind == "tuple":
            return tuple(map(self.value, inside))
        if kind == "dict":
            return {name: self.value(item) for name, item in inside.items()}
        if kind == "float":
            return float(inside)
        rng = Generator(inside[0])
        rng.index = inside[1]
        return rng
