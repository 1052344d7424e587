"""Characters and bytes as whole numbers, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np

from xpnet.backend import is_array, to_numpy
from xpnet.datasets.tables import Host
from xpnet.errors import DataError, ShapeError

UNKNOWN = "\ufffd"
"""What stands for a character that training has not seen."""


class Symbols:
    """Characters by their places among ``characters``, and after them one for all others; without such, bytes.

    ``symbols(texts)`` are the symbols of texts of one length, ``(N, L)``; ``symbols.text(row)`` is the text of a row.
    """

    def __init__(self, characters: Iterable[str] = ()) -> None:
        self.characters = list(characters)
        self._places = {character: place for place, character in enumerate(self.characters)}

    @property
    def width(self) -> int:
        """The number of symbols V."""
        return len(self.characters) + 1 if self.characters else 256

    def __call__(self, data: Any) -> Host:
        """The symbols of texts, ``(N, L)`` int64; arrays of symbols as they are.

        Raises: ``ShapeError`` for texts of different lengths.
        """
        if is_array(data):
            return to_numpy(data)
        texts = [data] if isinstance(data, str) else list(data)
        return rows_of_one_length([self._row(text) for text in texts])

    def _row(self, text: str) -> list[int]:
        if not self.characters:
            return list(text.encode())
        other = len(self.characters)
        return [self._places.get(character, other) for character in text]

    def text(self, row: Any) -> str:
        """The text of symbols, ``(L,)``.

        Raises: ``DataError`` for numbers that are no symbols.
        """
        numbers = check_symbols(row, self.width)
        if not self.characters:
            return bytes(numbers).decode(errors="replace")
        return "".join([*self.characters, UNKNOWN][number] for number in numbers)

    def describe(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return {"characters": self.characters}

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """The symbols of a description."""
        return cls(description["characters"])

    def __repr__(self) -> str:
        return f"Symbols({len(self.characters)} characters)" if self.characters else "Symbols(bytes)"


def rows_of_one_length(rows: list[list[int]]) -> Host:
    """Rows of symbols as an array.

    Raises: ``ShapeError`` for rows of different lengths.
    """
    if len({len(row) for row in rows}) != 1:
        got = sorted({len(row) for row in rows})[:5]
        raise ShapeError("Symbols", "texts must have one length", got, "cut or fill them to one length")
    return np.asarray(rows, dtype=np.int64)


def check_symbols(row: Any, width: int) -> list[int]:
    """Symbols as numbers of Python.

    Raises: ``DataError`` for numbers that are no symbols.
    """
    numbers: list[int] = (to_numpy(row) if is_array(row) else np.asarray(row)).tolist()
    if wrong := [number for number in numbers if not 0 <= number < width]:
        must = f"symbols must be from 0 to {width - 1}"
        raise DataError("Symbols", must, wrong[0], "give those of this encoding")
    return numbers
