"""Layers that own layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Self

from xpnet.layers.base import Layer
from xpnet.layers.named import NamedArrays, NamedStates


class Owner(Layer):
    """A layer made of layers: it has no parameters, state or cache of its own, and passes values on to them.

    ``layers`` maps names to layers in the order of computation; an array of a layer has the path of names,
    ``Affine1.W``. A subclass writes ``forward`` as calls of its layers, and ``backward`` as calls of their backward in
    the reverse order.
    """

    owner = True

    layers: Mapping[str, Layer]
    _named: tuple[Mapping[str, Layer], NamedArrays] | None = None

    def inferring(self) -> Self:
        """A shallow copy over such copies of its layers."""
        copy = super().inferring()
        copy.layers = MappingProxyType({name: layer.inferring() for name, layer in self.layers.items()})
        return copy

    def astype(self, dtype: Any) -> Self:
        """A network of its own with parameters and state in another dtype, ``net.astype("float64")``."""
        copy = self.copy()
        copy.layers = MappingProxyType({name: layer.astype(dtype) for name, layer in self.layers.items()})
        return copy

    @property
    def params(self) -> NamedArrays:
        """The live parameters, name -> array, in the order of construction."""
        if self._named is None or self._named[0] is not self.layers:
            self._named = (self.layers, NamedArrays(self._places(lambda layer: layer.params)))
        return self._named[1]

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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.layers.values()))})"
