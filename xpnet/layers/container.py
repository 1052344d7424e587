"""Layers that own layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, Self

from xpnet.errors import ArgumentError
from xpnet.layers.base import Layer
from xpnet.layers.named import NamedArrays, NamedStates
from xpnet.layers.recorded import pull_back, recorded


class Container(Layer):
    """A layer made of layers: it has no parameters, state or cache of its own, and passes values on to them.

    ``layers`` maps names to layers in the order of computation; an array of a layer has the path of names,
    ``Affine1.W``. A subclass writes ``forward`` as calls of its layers, and ``backward`` as calls of their backward in
    the reverse order. Or it writes ``forward`` alone, any function of the standard in which layers may be called many
    times: then ``backward`` comes from the tape, and a gradient is the sum over the uses. ``runs_by_plan`` tells
    that its forward and backward call nothing but their layers: a plan runs them over faster bodies in their place.
    """

    is_container = True

    layers: Mapping[str, Layer]
    in_inference = False
    runs_by_plan: bool = False
    recorded_tape: tuple[Callable[[Any], tuple[Any, ...]], tuple[str, ...]] | None = None

    # These belong to this object alone: neither its copies nor its files have them.
    __slots__ = ("_named", "_plan", "_rows", "_shared")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "forward" in cls.__dict__ or "backward" in cls.__dict__:
            cls.runs_by_plan = cls.__dict__.get("runs_by_plan", False)
        if "forward" in cls.__dict__ and "backward" not in cls.__dict__:
            cls.forward, cls.backward = recorded(cls.forward), pull_back
        if "backward" in cls.__dict__ and "first_for_dx" not in cls.__dict__:
            cls.first_for_dx = Container.first_for_dx  # type: ignore[method-assign]  # another backward may need every dx

    def rows_of_names(self) -> list[list[str]]:
        """Return the names of the layers that run one after another, row by row; a plan may fuse part of a row."""
        return []

    def first_for_dx(self) -> list[Layer]:
        """Return the layers whose dx makes up its own, and which need none if its own is not wanted."""
        return []

    @property
    def training(self) -> bool:
        """True if any layer inside computes as in training; assigning it sets all of them."""
        return not self.in_inference and any(layer.training for layer in self.layers.values())

    @training.setter
    def training(self, training: bool) -> None:
        for layer in self.layers.values():
            layer.training = training

    @property
    def trains(self) -> bool:
        """True if a backward writes gradients on any layer inside."""
        return any(layer.trains for layer in self.layers.values())

    def freeze(self, frozen: bool | str = True, names: str | None = None) -> Self:
        """Keep all layers inside as they are, or those whose paths match, ``net.freeze("Convolution* Block1.*")``.

        See ``Layer.freeze``; ``freeze(False, "Convolution*")`` ends it.

        Raises: ``ArgumentError`` for a pattern that matches no layer.
        """
        if isinstance(frozen, str):
            names = frozen
            frozen = True
        if names is None:
            for layer in self.layers.values():
                layer.freeze(frozen)
            return self
        paths = dict(paths_within(self))
        for pattern in names.split():
            found = [layer for path, layer in paths.items() if fnmatchcase(path, pattern)]
            if not found:
                known = ", ".join(list(paths)[:8]) + (", …" if len(paths) > 8 else "")
                must = f"names must match layers, {known}"
                raise ArgumentError(f"{type(self).__name__}.freeze", must, repr(pattern), "look at net.summary()")
            for layer in found:
                layer.freeze(frozen)
        return self

    def inferring(self) -> Self:
        """Return a shallow copy over copies of its layers for inference."""
        copy = self.over_copies(lambda layer: layer.inferring())
        copy.in_inference = True
        return copy

    def astype(self, dtype: Any) -> Self:
        """Return a new network with parameters and state in another dtype, ``net.astype("float64")``."""
        return self.over_copies(lambda layer: layer.astype(dtype))

    def over_copies(self, duplicate: Callable[[Layer], Layer]) -> Self:
        """Return a copy with its own layers, under the same names and in the same attributes."""
        copy = self.copy()
        made = {id(layer): duplicate(layer) for layer in self.layers.values()}
        for name, value in vars(self).items():
            if id(value) in made:
                setattr(copy, name, made[id(value)])
        copy.layers = MappingProxyType({name: made[id(layer)] for name, layer in self.layers.items()})
        copy.recorded_tape = None
        return copy

    def with_layers(self, layers: Mapping[str, Any], needs_dx: bool) -> Self:
        """Return a copy that runs over other layers, such as the stages of a plan."""
        copy = self.copy()
        copy.layers, copy.needs_dx = MappingProxyType(dict(layers)), needs_dx
        copy.recorded_tape = None
        return copy

    @property
    def params(self) -> NamedArrays:
        """The live parameters, name -> array, in the order of construction."""
        noted, last = getattr(self, "_named", None), getattr(self, "last_layer", None)
        if noted is None or noted[0] is not self.layers or noted[1] is not last:
            if not self.in_inference:  # not on each copy that predict makes
                self._refuse_hidden()
            noted = self._named = (self.layers, last, NamedArrays(self._places(lambda layer: layer.params)))
        return noted[2]

    def _refuse_hidden(self) -> None:
        """Raise ArgumentError for a layer that is only an attribute, which nothing would train."""
        known = {id(layer) for layer in (*within(self), getattr(self, "last_layer", None))}
        for holder in (self, *self.layers.values()):
            for name, value in holder.__getstate__().items():
                if not isinstance(value, Layer) or id(value) in known or holder in within(value):
                    continue
                if any(layer.parameters or layer.state for layer in within(value)):
                    who, must = type(holder).__name__, "every layer inside must be one of its layers"
                    remedy = "derive from Container or Network, and name it in layers"
                    raise ArgumentError(who, must, f"attribute {name}, {type(value).__name__}", remedy)

    @property
    def states(self) -> NamedStates:
        """The live state of the layers that lasts but is not trained, name -> value."""
        return NamedStates(self._places(lambda layer: layer.states))

    def _places(self, named: Callable[[Layer], NamedArrays]) -> dict[str, tuple[Layer, str]]:
        return {
            f"{name}.{inner}": place
            for name, layer in self.layers.items()
            for inner, place in named(layer).places.items()
        }

    def forget_batch(self) -> None:
        """Forget the last batch and the notes about its arrays."""
        super().forget_batch()
        self.recorded_tape = None

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"layers": dict(self.layers), "recorded_tape": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"layers": MappingProxyType(state["layers"])})

    def _inside(self) -> list[str]:
        """Return the layers for the repr; a layer not named after its class is shown with its name, ``shortcut=…``."""
        usual = {name: name.rstrip("0123456789") == type(layer).__name__ for name, layer in self.layers.items()}
        return [repr(layer) if usual[name] else f"{name}={layer!r}" for name, layer in self.layers.items()]


def within(layer: Layer) -> Iterator[Layer]:
    """Yield a layer and everything inside it."""
    yield layer
    if layer.is_container:
        for inner in layer.layers.values():
            yield from within(inner)


def paths_within(layer: Layer, path: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield the path and the layer for everything inside a layer."""
    for name, inner in layer.layers.items() if layer.is_container else ():
        own = f"{path}.{name}" if path else name
        yield own, inner
        yield from paths_within(inner, own)


def layers_without_dx(layer: Layer) -> list[Layer]:
    """Return the layers that compute no dx if the dx of this one is not wanted, itself first."""
    found = [layer]
    if isinstance(layer, Container):
        for first in layer.first_for_dx():
            found += layers_without_dx(first)
    return found


@contextmanager
def without_dx(layer: Layer) -> Iterator[None]:
    """Leave out the derivative with respect to the input of a layer, which training does not use."""
    layers = [one for one in layers_without_dx(layer) if one.needs_dx]
    for one in layers:
        one.needs_dx = False
    try:
        yield
    finally:
        for one in layers:
            del one.needs_dx
