"""The network that is built while a model is read: its values, layers and calls, within limits on their sizes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from xpnet.errors import DataError
from xpnet.interop.onnx.reading import REMEDY, WHO, Host
from xpnet.interop.onnx.sizes import Together
from xpnet.layers import Layer

MOST = 100_000_000
"""The elements of the largest array that is made while a model is read."""

TOGETHER = 1 << 30
"""The elements of all arrays that are made while a model is read, besides those of the file."""


class Value:
    """A value of the graph: its name, its array in each run, and whether it depends on nothing but sizes.

    ``given`` is True for an array of the file that has a name, which is trained.
    """

    def __init__(self, name: str, arrays: Sequence[Host], static: bool, given: bool = False) -> None:
        self.name, self.arrays, self.static, self.given = name, list(arrays), static, given

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in the first run."""
        found: tuple[int, ...] = self.arrays[0].shape
        return found

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def floating(self) -> bool:
        """True for floating numbers, which layers take."""
        return bool(self.arrays[0].dtype.kind == "f")

    def constant(self) -> Host | None:
        """Return the array if it is the same in all runs and depends on no input, else None."""
        if not self.static:
            return None
        first = self.arrays[0]
        same = all(other.shape == first.shape and np.array_equal(other, first) for other in self.arrays[1:])
        return first if same else None


class Building:
    """The layers and calls that have been made so far, and the values by name."""

    def __init__(self, together: Together, sizes: Sequence[dict[str, int]], opset: int) -> None:
        self.together, self.sizes, self.opset = together, sizes, opset
        self.values: dict[str, Value] = {}
        self.layers: dict[str, Layer] = {}
        self.calls: list[dict[str, Any]] = []
        self.made: dict[str, dict[str, Any]] = {}  # the call that made a value
        self.held: dict[int, str] = {}  # of arrays of the file, by their identity, the value that a layer holds
        self.shared: dict[tuple[Any, ...], str] = {}  # of weights of the file, the layer that has them
        self.folded: dict[tuple[Any, ...], list[Value]] = {}
        self.count, self.elements, self.of_constants, self.given = 0, 0, 0, 0

    def take(self, shape: Sequence[int]) -> None:
        """Count an array that is about to be made.

        Raises: ``DataError`` for one that is too large, or too large beside the others.
        """
        check_size(shape)
        self.elements += prod(map(int, shape))
        if self.elements > TOGETHER:
            must = f"the arrays of a model must have at most {TOGETHER:,} elements"
            raise DataError(WHO, must, "more", "give example=x, a smaller one")

    def fresh(self, hint: str) -> str:
        """Return a name for a value that no node has."""
        self.count += 1
        return f"{hint}:{self.count}"

    def layer_name(self, hint: str, layer: Layer) -> str:
        """Return a name for a layer: the path of its weights in the file, or its class and a number."""
        own = re.sub(r"[^0-9A-Za-z_+-]+", "_", hint).strip("_")
        if own and own not in self.layers:
            return own
        kind, number = own or type(layer).__name__, 1
        while f"{kind}{'_' if own else ''}{number}" in self.layers:
            number += 1
        return f"{kind}{'_' if own else ''}{number}"


def check_size(shape: Sequence[int], most: int = MOST) -> None:
    """Raise DataError for an array that would not fit into memory."""
    if prod(map(int, shape)) > most:
        must = f"an array must have at most {most:,} elements"
        raise DataError(WHO, must, tuple(map(int, shape)), REMEDY)
