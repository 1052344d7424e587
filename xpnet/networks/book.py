"""The base of the book's networks: the keys of their arrays."""

from __future__ import annotations

from collections.abc import Callable

from xpnet.layers import Layer
from xpnet.layers.named import NamedArrays
from xpnet.networks.sequential import Sequential


class BookNetwork(Sequential):
    """A Sequential whose arrays have the book's keys: the letter and its count in order, ``W1, b1, gamma1, W2 …``."""

    def _places(self, named: Callable[[Layer], NamedArrays]) -> dict[str, tuple[Layer, str]]:
        counts: dict[str, int] = {}
        renamed = {}
        for layer, attribute in super()._places(named).values():
            counts[attribute] = counts.get(attribute, 0) + 1
            renamed[f"{attribute}{counts[attribute]}"] = (layer, attribute)
        return renamed
