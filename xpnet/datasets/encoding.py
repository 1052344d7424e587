"""Encoding: conversion of a user's data to the inputs of a network, and of its scores to answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

from xpnet.backend import is_array
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.datasets.columns import Columns
from xpnet.datasets.described import items, whole
from xpnet.datasets.images import Images
from xpnet.datasets.symbols import Symbols
from xpnet.datasets.tables import Host
from xpnet.datasets.targets import Targets, targets_of


class Inputs(Protocol):
    """A converter to the inputs of a network, such as ``Columns`` and ``Images``."""

    def __call__(self, data: Any) -> Host: ...
    def many(self, data: Any) -> tuple[Any, bool]: ...
    def describe(self) -> dict[str, Any]: ...


class Encoding:
    """The conversion of a user's data to the inputs and targets of a network, and of its scores to answers.

    ``inputs`` converts a table (``Columns``), images (``Images``) or texts to x, and ``targets`` are ``Classes`` or
    ``Numbers``; either may be None, for arrays that are used unchanged. ``row`` is the shape of a row of x, if it is
    known, or of several inputs the tuple of their shapes.

    >>> table = {"rooms": [1, 3], "town": ["Kyoto", "Nara"]}
    >>> encoding = Encoding(Columns.fit(table), Numbers.fit([100.0, 300.0]))
    >>> encoding.x({"rooms": [2], "town": ["Nara"]})
    array([[0., 0., 1.]])
    >>> encoding.answers(np.array([[0.0]]))
    array([200.])
    """

    def __init__(
        self, inputs: Inputs | None = None, targets: Targets | None = None, row: tuple[Any, ...] | None = None
    ) -> None:
        self.inputs = inputs
        self.targets = targets
        self.row = row

    def many(self, data: Any) -> tuple[Any, bool]:
        """Return the data as many rows, and whether they were one row."""
        if self.inputs is not None:
            return self.inputs.many(data)
        one = is_array(data) and self.row is not None and tuple(data.shape) == self.row
        return (data[None, ...] if one else data), one

    def x(self, data: Any) -> Host:
        """Return the inputs of a network on the host."""
        made: Host = data if self.inputs is None else self.inputs(data)
        return made

    def t(self, values: Any) -> Host:
        """Return the targets of a loss on the host."""
        made: Host = values if self.targets is None else self.targets.encode(values)
        return made

    def answers(self, scores: Host) -> Host:
        """Return the labels or numbers that the scores of a network stand for."""
        return scores if self.targets is None else self.targets.decode(scores)

    def describe(self) -> dict[str, Any]:
        """Return a description that JSON can hold."""
        parts = {"inputs": self.inputs, "targets": self.targets}
        told: dict[str, Any] = {name: part.describe() for name, part in parts.items() if part is not None}
        return told if self.row is None else {**told, "row": self.row}

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """Return the encoding of a description."""
        inputs, targets = description.get("inputs"), description.get("targets")
        kinds: dict[str, type[Columns | Images | Symbols | BytePairs]] = {
            "images": Images,
            "characters": Symbols,
            "byte pairs": BytePairs,
        }
        kind = next((kind for name, kind in kinds.items() if inputs and name in inputs), Columns)
        made = None if inputs is None else kind.of(inputs)
        row = description.get("row")
        if row is not None:
            row = tuple([tuple(map(length, part)) if isinstance(part, list) else length(part) for part in items(row)])
        return cls(made, None if targets is None else targets_of(targets), row)

    def __repr__(self) -> str:
        return f"Encoding({self.inputs!r}, {self.targets!r})"


def length(value: Any) -> int:
    """Return the length of an axis in a description.

    Raises: ``ValueError``.
    """
    return whole(value, 0, 1 << 31)
