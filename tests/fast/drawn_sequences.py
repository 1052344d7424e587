"""Random normalizations, attention and tables of vectors."""

from __future__ import annotations

from typing import Any

from draw import Draw
from row_table import Drawn, row

from xpnet.layers import (
    BatchNormalization,
    Embedding,
    GroupNormalization,
    LayerNormalization,
    MultiHeadAttention,
    PositionalEmbedding,
    RMSNormalization,
)

EPS = 1e-3


def rows(draw: Draw) -> tuple[int, ...]:
    """A shape of rows, now and then of none, or of more than a block of the processor's cache holds."""
    return draw.one_of(draw.rows(), draw.rows(), draw.rows(), draw.rows()[-1:], (0, 5), (1300, 70))


@row(LayerNormalization)
def layer_normalization(draw: Draw) -> Drawn:
    shape = rows(draw)
    D = shape[-1]
    return [LayerNormalization(draw.array(D), draw.array(D), eps=EPS)], (draw.array(*shape),)


@row(RMSNormalization)
def rms_normalization(draw: Draw) -> Drawn:
    shape = rows(draw)
    return [RMSNormalization(draw.array(shape[-1]), eps=EPS)], (draw.array(*shape),)


def images(draw: Draw, shape: tuple[int, ...]) -> Any:
    """Images in any order, more often than others that in which convolutions leave them."""
    if draw.chance(0.3):
        return draw.batch_last(draw.rng.standard_normal(shape).astype(draw.dtype))
    return draw.array(*shape)


@row(GroupNormalization)
def group_normalization(draw: Draw) -> Drawn:
    groups = draw.size(1, 3)
    shape = draw.channels(groups)
    if draw.chance(0.1):
        shape = (0, *shape[1:])
    C = shape[1]
    return [GroupNormalization(draw.array(C), draw.array(C), groups=groups, eps=EPS)], (images(draw, shape),)


@row(BatchNormalization)
def batch_normalization(draw: Draw) -> Drawn:
    shape = draw.channels()
    C = shape[1]
    layer = BatchNormalization(draw.array(C), draw.array(C), draw.number(), eps=EPS)
    if draw.chance():
        layer.follow(draw.array(C), draw.array(C) ** 2)
    layer.training = draw.chance(0.8)
    return [layer], (images(draw, shape),)


@row(MultiHeadAttention)
def attention(draw: Draw) -> Drawn:
    N, L, D, heads = draw.one_of(draw.size(), 0), draw.one_of(1, 4, 9), draw.size(), draw.size(1, 3)
    A = heads * draw.size(1, 4)
    if draw.chance(0.2):
        N, L = 6, 130  # more scores than a block holds
    matrices = [draw.array(*shape, scale=0.7) for shape in [(D, A)] * 3 + [(A, D)]]
    vectors = [draw.array(A, scale=0.7) for _ in range(3)]
    layer = MultiHeadAttention(*matrices, *vectors, draw.array(D), heads=heads, causal=draw.chance())
    mask = draw.bools(N, L) if draw.chance() else None
    return [layer], (draw.array(N, L, D), mask)


@row(Embedding)
def embedding(draw: Draw) -> Drawn:
    V, D = draw.size(), draw.one_of(1, 3, 70)
    return [Embedding(draw.array(V, D))], (draw.integers(0, V, *draw.shape()),)


@row(Embedding, PositionalEmbedding)
def embedding_with_positions(draw: Draw) -> Drawn:
    V, D, L = draw.size(), draw.one_of(1, 3, 70), draw.size()
    layers = [Embedding(draw.array(V, D)), PositionalEmbedding(draw.array(L + draw.size(0, 2), D))]
    return layers, (draw.integers(0, V, draw.one_of(draw.size(), draw.size(), 0), L),)
