"""Layers put together like Lego."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xpnet.errors import ArgumentError, DtypeError
from xpnet.layers import Layer
from xpnet.layers.base import leaves
from xpnet.layers.loss import Loss
from xpnet.networks.network import Network


class Sequential(Network):
    """Layers one after another, ``y = layerₙ(… layer₁(x))``; itself a layer, so it nests.

    Layers are named after their class, ``Affine1``, ``Relu1``, ``Affine2`` …, or by a mapping of names to layers;
    parameters by the path, ``Affine1.W``, ``Sequential1.Affine2.b``.

    Raises: ``DtypeError`` for what is no layer; ``ArgumentError`` for no layers, for one object in two places and
    for one array under two names.
    """

    def __init__(self, *layers: Layer | Mapping[str, Layer], loss: Layer | None = None) -> None:
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            named = dict(layers[0])
        else:
            named = named_after_class(layers)
        who = type(self).__name__
        if not named:
            raise ArgumentError(who, "it must have at least one layer", "none", "give it layers")
        for name, layer in named.items():
            if not isinstance(layer, Layer):
                raise DtypeError(who, f"{name} must be a layer", type(layer).__name__, "give an instance of Layer")
            if isinstance(layer, Loss):
                raise ArgumentError(who, "a loss must be given as loss=…", f"{name} among the layers", "move it there")
            if "." in name:
                raise ArgumentError(who, "a layer's name must have no dot", repr(name), "leave it out")
        if loss is not None and not isinstance(loss, Layer):
            raise DtypeError(who, "loss must be a layer", type(loss).__name__, "give an instance of Layer")
        self.layers = MappingProxyType(named)
        self.last_layer = loss
        self._refuse_sharing()

    def _refuse_sharing(self) -> None:
        seen: dict[int, str] = {}
        for name, leaf in leaves(self).items():
            if id(leaf) in seen:
                raise ArgumentError(
                    type(self).__name__,
                    "each layer must be another object",
                    f"one {type(leaf).__name__} as {seen[id(leaf)]} and {name}",
                    "make a second layer; to share weights, call one layer twice in a function of your own",
                )
            seen[id(leaf)] = name
        owners: dict[int, str] = {}
        for name, array in self.params.items():
            if id(array) in owners:
                raise ArgumentError(
                    type(self).__name__,
                    "each parameter must be an array of its own",
                    f"one array as {owners[id(array)]} and {name}",
                    "copy it; to share weights, use one layer object in two places of a graph",
                )
            owners[id(array)] = name


def named_after_class(layers: tuple[object, ...]) -> dict[str, Layer]:
    """Names by class and count in order, ``Affine1``, ``Relu1``, ``Affine2``."""
    counts: dict[str, int] = {}
    named = {}
    for layer in layers:
        kind = type(layer).__name__
        counts[kind] = counts.get(kind, 0) + 1
        named[f"{kind}{counts[kind]}"] = layer
    return named  # type: ignore[return-value]
