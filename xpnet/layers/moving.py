"""Moves of a layer, with everything inside it, to another library, device or dtype."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xpnet.autodiff import Variable
from xpnet.backend.moving import Change, Destination, Movable
from xpnet.errors import StateError


class MovableLayer(Movable):
    """A layer that can be moved, together with the layers inside it, its loss and its low precision."""

    def changes(self: Any, destination: Destination) -> list[Change]:
        for name, array in self.params.items():
            if type(array) is Variable:
                who, must = f"{type(self).__name__}.to", f"{name} must be a plain array"
                raise StateError(who, must, "a Variable", "leave the block in which it is bound")
        found = []
        for layer in everything_in(self):
            found += layer.own_changes(destination)
        return found

    def own_changes(self: Any, destination: Destination) -> list[Change]:
        """Return the changes to the layer itself: its arrays, its state, and parts such as its precision."""
        found = destination.changes(self.lasting_state)
        found += destination.changes(vars(self), leave=("accepted", "last_call", "lasting_state", "layers"))
        for part in vars(self).values():
            if isinstance(part, Movable) and not isinstance(part, MovableLayer):
                found += part.changes(destination)
        return found

    def has_moved(self: Any) -> None:
        for layer in everything_in(self):
            layer.forget_batch()


def everything_in(layer: Any) -> Iterator[Any]:
    """Yield a layer, the layers inside it, and the loss that ends it."""
    yield layer
    if layer.is_container:
        for inner in layer.layers.values():
            yield from everything_in(inner)
        last = getattr(layer, "last_layer", None)
        if last is not None:
            yield from everything_in(last)
