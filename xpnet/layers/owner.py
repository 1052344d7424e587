"""Layers that own layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, Self

from xpnet.errors import ArgumentError
from xpnet.layers.base import Layer
from xpnet.layers.named import NamedArrays, NamedStates
from xpnet.layers.recorded import pull_back, recorded


class Owner(Layer):
    """A layer made of layers: it has no parameters, state or cache of its own, and passes values on to them.

    ``layers`` maps names to layers in the order of computation; an array of a layer has the path of names,
    ``Affine1.W``. A subclass writes ``forward`` as calls of its layers, and ``backward`` as calls of their backward in
    the reverse order. Or it writes ``forward`` alone, any function of the standard in which layers may be called many
    times: then ``backward`` comes from the tape, and a gradient is the sum over the uses.
    """

    owner = True

    layers: Mapping[str, Layer]
    _infers = False
    _named: tuple[Mapping[str, Layer], NamedArrays] | None = None
    _tape: tuple[Callable[[Any], tuple[Any, ...]], tuple[str, ...]] | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "forward" in cls.__dict__ and "backward" not in cls.__dict__:
            cls.forward, cls.backward = recorded(cls.forward), pull_back
        if "backward" in cls.__dict__ and "_first" not in cls.__dict__:
            cls._first = Owner._first  # type: ignore[method-assign]  # another backward may need every dx

    def _first(self) -> list[Layer]:
        """The layers whose dx makes up the owner's, and which it can do without where nobody wants that."""
        return []

    @property
    def training(self) -> bool:
        """Whether a layer inside computes as in training; assigned, it is that of all of them."""
        return not self._infers and any(layer.training for layer in self.layers.values())

    @training.setter
    def training(self, training: bool) -> None:
        for layer in self.layers.values():
            layer.training = training

    def freeze(self, frozen: bool | str = True, names: str | None = None) -> Self:
        """Leave all inside as it is, or the layers whose paths match, ``net.freeze("Convolution* Block1.*")``.

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
        """A shallow copy over such copies of its layers."""
        copy = self._over(self.copy(), lambda layer: layer.inferring())
        copy._infers = True
        return copy

    def astype(self, dtype: Any) -> Self:
        """A network of its own with parameters and state in another dtype, ``net.astype("float64")``."""
        return self._over(self.copy(), lambda layer: layer.astype(dtype))

    def _over(self, copy: Self, duplicate: Callable[[Layer], Layer]) -> Self:
        """The copy with layers of its own, under the names and in the attributes where they were."""
        made = {id(layer): duplicate(layer) for layer in self.layers.values()}
        copy.__dict__.update({name: made[id(value)] for name, value in vars(self).items() if id(value) in made})
        copy.layers = MappingProxyType({name: made[id(layer)] for name, layer in self.layers.items()})
        copy._tape = None
        return copy

    @property
    def params(self) -> NamedArrays:
        """The live parameters, name -> array, in the order of construction."""
        if self._named is None or self._named[0] is not self.layers:
            if not self._infers:  # not on each copy that predict makes
                self._refuse_hidden()
            self._named = (self.layers, NamedArrays(self._places(lambda layer: layer.params)))
        return self._named[1]

    def _refuse_hidden(self) -> None:
        """Raise ArgumentError for a layer that is an attribute alone, which nothing would train."""
        known = {id(layer) for layer in (*within(self), getattr(self, "last_layer", None))}
        for holder in (self, *self.layers.values()):
            for name, value in vars(holder).items():
                if not isinstance(value, Layer) or id(value) in known or holder in within(value):
                    continue
                if any(layer.parameters or layer.state for layer in within(value)):
                    who, must = type(holder).__name__, "every layer inside must be one of its layers"
                    remedy = "derive from Owner or Network, and name it in layers"
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

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"layers": dict(self.layers)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"layers": MappingProxyType(state["layers"])})

    def _inside(self) -> list[str]:
        """The layers as the repr shows them; those not named after their class with their names, ``shortcut=…``."""
        usual = {name: name.rstrip("0123456789") == type(layer).__name__ for name, layer in self.layers.items()}
        return [repr(layer) if usual[name] else f"{name}={layer!r}" for name, layer in self.layers.items()]


def within(layer: Layer) -> Iterator[Layer]:
    """A layer and all that it is made of."""
    yield layer
    if layer.owner:
        for inner in layer.layers.values():
            yield from within(inner)


def paths_within(layer: Layer, path: str = "") -> Iterator[tuple[str, Layer]]:
    """The paths of all that a layer is made of, and these."""
    for name, inner in layer.layers.items() if layer.owner else ():
        own = f"{path}.{name}" if path else name
        yield own, inner
        yield from paths_within(inner, own)


def spared(layer: Layer) -> list[Layer]:
    """The layers that compute no dx where the dx of this one is not wanted, itself first."""
    found = [layer]
    if isinstance(layer, Owner):
        for first in layer._first():
            found += spared(first)
    return found
