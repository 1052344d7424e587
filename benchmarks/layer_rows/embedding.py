"""Tables of vectors, in which whole numbers are looked up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.layer_rows.row import Row, row


def embedding(vocabulary: int, width: int, shape: tuple[int, ...]) -> Row:
    def ours(layers: Any) -> Any:
        return layers.Embedding.create(vocabulary, width)

    name = f"embedding of {vocabulary} in {width}"
    return row(name, shape, ours, lambda nn: nn.Embedding(vocabulary, width), below=vocabulary)


def bag(vocabulary: int, width: int, shape: tuple[int, ...]) -> Row:
    def ours(layers: Any) -> Any:
        return layers.EmbeddingBag.create(vocabulary, width)

    name = f"mean of an embedding of {vocabulary} in {width}"
    return row(name, shape, ours, lambda nn: nn.EmbeddingBag(vocabulary, width), below=vocabulary)


def positions(shape: tuple[int, int, int]) -> Row:
    _, L, D = shape

    def ours(layers: Any) -> Any:
        return layers.PositionalEmbedding.create(L, D)

    def theirs(nn: Any) -> Any:
        table = nn.Embedding(L, D)
        return (lambda x: x + table.weight), [table]

    return row("embedding of positions", shape, ours, theirs)


def rows() -> Iterator[Row]:
    """Yield the tables of characters, of tokens and of words."""
    yield embedding(96, 128, (32, 64))
    yield embedding(8000, 128, (16, 64))
    yield embedding(30000, 100, (64, 20))
    yield bag(8000, 64, (64, 40))
    yield positions((16, 64, 128))
