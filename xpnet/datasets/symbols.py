"""Characters and bytes as integers, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np

from xpnet.backend import is_array, to_numpy
from xpnet.datasets.described import text
from xpnet.datasets.tables import Host
from xpnet.errors import DataError, ShapeError

UNKNOWN = "\ufffd"
"""The character that replaces one that training has not seen."""


class Symbols:
    """Characters as their indices in ``characters``, with one more index for all others; without ``characters``, bytes.

    ``symbols(texts)`` returns the symbols ``(N, L)`` of texts of equal length; ``symbols.text(row)`` the text of a row.

    >>> symbols = Symbols("abc")
    >>> symbols(["cab"]), symbols.text([2, 0, 1])
    (array([[2, 0, 1]]), 'cab')
    """

    def __init__(self, characters: Iterable[str] = ()) -> None:
        self.characters = list(characters)
        self._places = {character: place for place, character in enumerate(self.characters)}

    @property
    def width(self) -> int:
        """The number of symbols V."""
        return len(self.characters) + 1 if self.characters else 256

    def many(self, data: Any) -> tuple[Any, bool]:
        """Return the data as many texts, and whether they were one."""
        one = isinstance(data, str) or (is_array(data) and data.ndim == 1)
        return ((data[None, :] if is_array(data) else [data]) if one else data), one

    def __call__(self, data: Any) -> Host:
        """Return the symbols of texts, ``(N, L)`` int64, and arrays of symbols unchanged.

        Raises: ``ShapeError`` for texts of different lengths.
        """
        if is_array(data):
            return to_numpy(data)
        texts = [data] if isinstance(data, str) else list(data)
        return rows_of_one_length([self._row(text) for text in texts])

    def _row(self, text: str) -> list[int]:
        if not self.characters:
            return list(text.encode(errors="replace"))  # half a character is none
        other = len(self.characters)
        return [self._places.get(character, other) for character in text]

    def text(self, row: Any) -> str:
        """Return the text of symbols, ``(L,)``.

        Raises: ``DataError`` for numbers that are not symbols.
        """
        numbers = check_symbols(row, self.width)
        if not self.characters:
            return bytes(numbers).decode(errors="replace")
        return "".join([*self.characters, UNKNOWN][number] for number in numbers)

    def describe(self) -> dict[str, Any]:
        """Return a description that JSON can hold."""
        return {"characters": self.characters}

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """Return the symbols of a description."""
        return cls(map(text, description["characters"]))

    def __repr__(self) -> str:
        return f"Symbols({len(self.characters)} characters)" if self.characters else "Symbols(bytes)"


def rows_of_one_length(rows: list[list[int]]) -> Host:
    """Return rows of symbols as an array.

    Raises: ``ShapeError`` for rows of different lengths.
    """
    if len({len(row) for row in rows}) != 1:
        got = sorted({len(row) for row in rows})[:5]
        raise ShapeError("Symbols", "texts must have equal lengths", got, "cut or pad them to equal lengths")
    return np.asarray(rows, dtype=np.int64)


def check_symbols(row: Any, width: int) -> list[int]:
    """Return symbols as Python integers.

    Raises: ``DataError`` for numbers that are not symbols.
    """
    numbers: list[int] = (to_numpy(row) if is_array(row) else np.asarray(row)).tolist()
    if wrong := [number for number in numbers if not 0 <= number < width]:
        must = f"symbols must be from 0 to {width - 1}"
        raise DataError("Symbols", must, wrong[0], "give those of this encoding")
    return numbers
