"""Recurrent layers over batches of sequences, which give the output of each step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.layer_rows.row import Row, row


def recurrent(kind: str, shape: tuple[int, int, int], hidden: int) -> Row:
    def ours(layers: Any) -> Any:
        return getattr(layers, kind).create(shape[2], hidden)

    def theirs(nn: Any) -> Any:
        made = getattr(nn, kind)(shape[2], hidden, batch_first=True)
        return (lambda x: made(x)[0]), [made]

    return row(f"{kind} of {hidden} units", shape, ours, theirs)


def rows() -> Iterator[Row]:
    """Yield each kind for a language model, for a few short sequences, and over many steps."""
    for kind in ("RNN", "LSTM", "GRU"):
        yield recurrent(kind, (32, 64, 128), 256)
        yield recurrent(kind, (128, 16, 32), 64)
        yield recurrent(kind, (8, 256, 64), 128)
