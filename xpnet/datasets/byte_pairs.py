"""Byte pair encoding: pieces of texts as integers, chosen by their frequency."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Self

from xpnet.backend import is_array, to_numpy
from xpnet.datasets.described import text
from xpnet.datasets.symbols import check_symbols, rows_of_one_length
from xpnet.datasets.tables import Host
from xpnet.errors import BackendError, DataError
from xpnet.files import reason

BYTES = 256


class BytePairs:
    """Bytes, and pieces joined from two that often occur side by side, by the library tokenizers.

    ``BytePairs.fit(text, vocabulary)`` finds the pieces; ``symbols(texts)`` returns the symbols ``(N, L)`` of texts
    with equally many; ``symbols.text(row)`` returns the text of a row. Any text can be encoded: every byte is a piece.

    Raises: ``BackendError`` without tokenizers; ``DataError`` for a damaged description.
    Source: Sennrich, Haddow and Birch, 2016, "Neural machine translation of rare words with subword units".
    """

    def __init__(self, description: str) -> None:
        try:
            self._made = tokenizers().Tokenizer.from_str(description)
        except BackendError:
            raise
        except Exception as error:  # the library raises no narrower one
            must, remedy = "a description of symbols must be whole", "give the file that the training wrote"
            raise DataError("BytePairs", must, reason(error), remedy) from error

    @classmethod
    def fit(cls, text: str, vocabulary: int) -> Self:
        """Return the symbols of a text, at most ``vocabulary`` of them."""
        library = tokenizers()
        made = library.Tokenizer(library.models.BPE())
        made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = library.decoders.ByteLevel()
        alphabet = library.pre_tokenizers.ByteLevel.alphabet()
        trainer = library.trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
        made.train_from_iterator([text], trainer)
        return cls(made.to_str())

    @property
    def width(self) -> int:
        """The number of symbols V."""
        return int(self._made.get_vocab_size())

    def many(self, data: Any) -> tuple[Any, bool]:
        """Return the data as many texts, and whether they were one."""
        one = isinstance(data, str) or (is_array(data) and data.ndim == 1)
        return ((data[None, :] if is_array(data) else [data]) if one else data), one

    def __call__(self, data: Any) -> Host:
        """Return the symbols of texts, ``(N, L)`` int64, and arrays of symbols unchanged.

        Raises: ``ShapeError`` for texts with different numbers of symbols.
        """
        if is_array(data):
            return to_numpy(data)
        texts = [data] if isinstance(data, str) else list(data)
        return rows_of_one_length([self._made.encode(text).ids for text in texts])

    def text(self, row: Any) -> str:
        """Return the text of symbols, ``(L,)``.

        Raises: ``DataError`` for numbers that are not symbols.
        """
        return str(self._made.decode(check_symbols(row, self.width)))

    def describe(self) -> dict[str, Any]:
        """Return a description that JSON can hold."""
        return {"byte pairs": self._made.to_str()}

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """Return the symbols of a description."""
        return cls(text(description["byte pairs"]))

    def __repr__(self) -> str:
        return f"BytePairs({self.width} pieces)"


def tokenizers() -> Any:
    """Return the library tokenizers.

    Raises: ``BackendError`` if it is not installed.
    """
    try:
        return importlib.import_module("tokenizers")
    except ImportError:
        raise BackendError("load_text", "tokenizers must be installed", "none", "pip install xpnet[text]") from None
