"""How a layer moves to another library, device or dtype, with all inside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from xpnet.autodiff import Variable
from xpnet.backend.moving import Change, Destination, Movable
from xpnet.errors import StateError

if TYPE_CHECKING:
    from xpnet.layers.base import Layer

# from call to call, by the entry checks and the network
REMEMBERED = (
    *("_accepted", "_coming", "_joined", "_joint", "_named", "_number"),
    *("_spared", "_tape", "_x_shape", "_y_like"),
)


class MovableLayer(Movable):
    """A layer that moves with the layers that it owns, its loss and its low precision."""

    def _changes(self: Any, destination: Destination) -> list[Change]:
        for name, array in self.params.items():
            if type(array) is Variable:
                who, must = f"{type(self).__name__}.to", f"{name} must be a plain array"
                raise StateError(who, must, "a Variable", "leave the block in which it is bound")
        changes = []
        for layer in everything_in(self):
            changes += destination.changes(layer._state)
            changes += destination.changes(vars(layer), leave=(*REMEMBERED, "_state", "layers"))
            for part in vars(layer).values():
                if isinstance(part, Movable) and not isinstance(part, MovableLayer):
                    changes += part._changes(destination)
        return changes

    def _has_moved(self: Any) -> None:
        for layer in everything_in(self):
            for name in REMEMBERED:
                vars(layer).pop(name, None)
            layer._accepted = []


def everything_in(layer: Layer) -> Iterator[Layer]:
    """A layer, the layers that it owns, and the loss that ends it."""
    yield layer
    if layer.owner:
        for inner in layer.layers.values():
            yield from everything_in(inner)
        last = getattr(layer, "last_layer", None)
        if last is not None:
            yield from everything_in(last)
