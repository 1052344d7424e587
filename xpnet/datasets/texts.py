"""Texts as symbols: characters, bytes or pieces of words, with the next symbols as targets."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import numpy as np

from xpnet.arguments import check_size, is_number, is_whole
from xpnet.backend import get_backend
from xpnet.datasets.byte_pairs import BYTES, BytePairs
from xpnet.datasets.dataset import Dataset
from xpnet.datasets.encoding import Encoding
from xpnet.datasets.symbols import Symbols
from xpnet.datasets.tables import Host
from xpnet.errors import ArgumentError, DataError
from xpnet.files import path_of, reason

KINDS = ("characters", "bytes", "bpe")
"""The kinds of symbols of a text."""

PIECES = 1000
"""The default number of symbols with ``"bpe"``."""


def load_text(
    source: str | Path,
    context: int,
    validation: float | None = 0.1,
    kind: str = "characters",
    vocabulary: int | None = None,
) -> Dataset:
    """Return a text as rows of ``context`` symbols, each with the symbols that come next, ``t[n, i] = x[n, i + 1]``.

    ``source`` is the path of a UTF-8 file, or ``"python"`` for the help on topics that Python ships, half a million
    characters of English. Symbols are ``"characters"``, those of the training part, or ``"bytes"``, or ``"bpe"``:
    pieces of words that occur often in the training part, ``vocabulary`` of them with the bytes, 1,000 by default. The
    end of the text is held out for validation. ``encoding.inputs`` converts a text to symbols, and its ``text``
    converts symbols to a text; a run keeps it with the model.

    Shapes: ``x (N, L)``, ``t (N, L)`` with L the context.
    Raises: ``DataError`` for a file that cannot be read or is too short; ``ArgumentError`` for another kind;
    ``BackendError`` for ``"bpe"`` without tokenizers.

    >>> with open("words.txt", "w") as file:
    ...     n = file.write("abcabcabc" * 10)
    >>> data = load_text("words.txt", context=4)
    >>> x, t = data.train
    >>> data.encoding.inputs.text(x[0]), data.encoding.inputs.text(t[0])
    ('abca', 'bcab')
    """
    check_size("load_text", "context", context)
    if kind not in KINDS:
        raise ArgumentError("load_text", f"kind must be one of {', '.join(KINDS)}", repr(kind), "choose one")
    if vocabulary is not None and (kind != "bpe" or not is_whole(vocabulary, BYTES + 1)):
        must, got = f'vocabulary must be above {BYTES}, with kind="bpe"', f"{vocabulary!r} with kind={kind!r}"
        raise ArgumentError("load_text", must, got, "try 1000, or leave it out")
    if validation is not None and not (is_number(validation) and 0.0 < validation < 1.0):
        must, remedy = "validation must be a share between 0 and 1", "try 0.1"
        raise ArgumentError("load_text", must, repr(validation), remedy)
    text = python_text() if source == "python" else read_text(path_of("load_text", source))
    end = len(text) if validation is None else len(text) - round(len(text) * float(validation))
    symbols: Symbols | BytePairs
    if kind == "bpe":
        symbols = BytePairs.fit(text[:end], vocabulary or PIECES)
    else:
        symbols = Symbols() if kind == "bytes" else Symbols(sorted(set(text[:end])))
    parts = [
        rows_of(symbols, part, context, str(source)) for part in (text[:end], text[end:])[: 2 if validation else 1]
    ]
    backend = get_backend()
    pairs = [tuple(map(backend.asarray, part)) for part in parts]
    return Dataset(pairs[0], pairs[1] if len(pairs) > 1 else None, Encoding(symbols))  # type: ignore[arg-type]


def python_text() -> str:
    """Return the help on topics that Python ships, one topic after another."""
    topics: Mapping[str, str] = import_module("pydoc_data.topics").topics
    return "\n".join(topics[name] for name in sorted(topics))


def read_text(path: Path) -> str:
    """Return the text in a file.

    Raises: ``DataError``.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"byte {error.object[error.start]:#x} at {error.start}"
        raise DataError("load_text", f"{path} must be text in UTF-8", got, "save it as UTF-8") from error
    except (OSError, ValueError) as error:
        raise DataError("load_text", f"{path} must be readable", reason(error), "give a file of text") from error


def rows_of(symbols: Symbols | BytePairs, text: str, context: int, source: str) -> tuple[Host, Host]:
    """Return rows of symbols, and rows shifted by one symbol; the remainder at the end is dropped.

    Raises: ``DataError`` for a text that is shorter than a row.
    """
    found = symbols([text])[0] if text else np.zeros(0, dtype=np.int64)
    count = (len(found) - 1) // context
    if count < 1:
        must, got = f"each part of {source} must have {context + 1} symbols or more", len(found)
        raise DataError("load_text", must, got, "give a longer text, or a smaller context")
    return tuple(found[first : first + count * context].reshape(count, context) for first in (0, 1))  # type: ignore[return-value]
