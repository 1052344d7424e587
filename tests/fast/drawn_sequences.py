"""Random normalizations, attention and tables of vectors."""

from __future__ import annotations

from functools import partial
from typing import Any

from draw import Draw
from row_table import Drawn, row

from xpnet.layers import (
    GRU,
    LSTM,
    RNN,
    BatchNormalization,
    CrossAttention,
    Dropout,
    Embedding,
    EmbeddingBag,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    MultiHeadAttention,
    PeepholeLSTM,
    PositionalEmbedding,
    Relu,
    RMSNormalization,
)
from xpnet.random import Generator

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


@row(InstanceNormalization)
def instance_normalization(draw: Draw) -> Drawn:
    shape = draw.channels()
    C = shape[1]
    return [InstanceNormalization(draw.array(C), draw.array(C), eps=EPS)], (images(draw, shape),)


@row(BatchNormalization)
def batch_normalization(draw: Draw) -> Drawn:
    shape = draw.channels()
    C = shape[1]
    layer = BatchNormalization(draw.array(C), draw.array(C), draw.number(), eps=EPS)
    if draw.chance():
        layer.follow(draw.array(C), draw.array(C) ** 2)
    layer.training = draw.chance(0.8)
    return [layer], (images(draw, shape),)


@row(BatchNormalization, Relu)
def batch_normalization_relu(draw: Draw) -> Drawn:
    layers, inputs = batch_normalization(draw)
    return [*layers, Relu()], inputs


@row(BatchNormalization, Relu, Dropout)
def batch_normalization_relu_dropout(draw: Draw) -> Drawn:
    layers, inputs = batch_normalization_relu(draw)
    return [*layers, drawn_dropout(draw)], inputs


@row(Dropout)
def dropout(draw: Draw) -> Drawn:
    return [drawn_dropout(draw)], (draw.array(*draw.shape(0)),)


def drawn_dropout(draw: Draw) -> Dropout:
    """In training or not, at a step of its own."""
    layer = Dropout(draw.one_of(0.0, 0.5, draw.number()), Generator(draw.size()))
    layer.step, layer.training = draw.size(0, 3), draw.chance(0.8)
    return layer


def attention_arrays(draw: Draw, D: int, C: int, heads: int, groups: int) -> list[Any]:
    E = 2 * draw.size(1, 3)
    A, B = heads * E, groups * E
    matrices = [draw.array(*shape, scale=0.7) for shape in ((D, A), (C, B), (C, B), (A, D))]
    return [*matrices, *[draw.array(size, scale=0.7) if draw.chance(0.8) else None for size in (A, B, B, D)]]


def any_mask(draw: Draw, N: int, heads: int, L: int, S: int) -> Any:
    shapes = ((N, S), (N, L, S), (draw.one_of(1, N), draw.one_of(1, heads), draw.one_of(1, L), S))
    return draw.bools(*draw.one_of(*shapes)) if draw.chance() else None


@row(MultiHeadAttention)
def attention(draw: Draw) -> Drawn:
    N, L, D, groups = draw.one_of(draw.size(), 0), draw.one_of(1, 4, 9), draw.size(), draw.size(1, 2)
    if draw.chance(0.4):
        N, L = draw.one_of(1, 3), 130  # more scores than a block holds, and than are kept
    heads = groups * draw.one_of(1, 1, 2)
    options = {
        "heads": heads,
        "kv_heads": groups if groups < heads or draw.chance() else None,
        "causal": draw.chance(),
        "window": draw.one_of(None, None, 1, 3, 70),
        "positions": draw.one_of(None, None, "rotary", "alibi"),
    }
    layer = MultiHeadAttention(*attention_arrays(draw, D, D, heads, groups), **options)
    return [layer], (draw.array(N, L, D), any_mask(draw, N, heads, L, L))


@row(CrossAttention)
def cross_attention(draw: Draw) -> Drawn:
    N, L, S, D, C = draw.one_of(draw.size(), 0), draw.size(), draw.one_of(1, 4, 130), draw.size(), draw.size()
    groups = draw.size(1, 2)
    heads = groups * draw.one_of(1, 2)
    layer = CrossAttention(*attention_arrays(draw, D, C, heads, groups), heads=heads, kv_heads=groups)
    masks = draw.bools(N, L) if draw.chance() else None, any_mask(draw, N, heads, L, S)
    return [layer], (draw.array(N, L, D), draw.array(N, S, C), *masks)


@row(Embedding)
def embedding(draw: Draw) -> Drawn:
    V, D = draw.size(), draw.one_of(1, 3, 70)
    return [Embedding(draw.array(V, D))], (draw.integers(0, V, *draw.shape()),)


@row(EmbeddingBag)
def embedding_bag(draw: Draw) -> Drawn:
    V, D = draw.size(), draw.one_of(1, 3, 70)
    shape = draw.one_of(draw.size(), draw.size(), 0), draw.one_of(1, 2, 7)
    weights = draw.array(*shape) if draw.chance(0.2) else None
    reduction = "sum" if weights is not None else draw.one_of("sum", "mean")
    bags = draw.integers(0, shape[1] + 1, shape[0]) if draw.chance(0.2) else None
    return [EmbeddingBag(draw.array(V, D), reduction)], (draw.integers(0, V, *shape), bags, weights)


@row(Embedding, PositionalEmbedding)
def embedding_with_positions(draw: Draw) -> Drawn:
    V, D, L = draw.size(), draw.one_of(1, 3, 70), draw.size()
    layers = [Embedding(draw.array(V, D)), PositionalEmbedding(draw.array(L + draw.size(0, 2), D))]
    return layers, (draw.integers(0, V, draw.one_of(draw.size(), draw.size(), 0), L),)


def recurrent(kind: type, draw: Draw) -> Drawn:
    """In all options: padded or not, either direction, from zeros or from states, given or kept."""
    N, L, D, H = draw.one_of(draw.size(), draw.size(), draw.size(), 0), draw.one_of(1, 2, 5), draw.size(), draw.size()
    columns, has_bias = len(kind.order) * H, draw.one_of(True, True, False)
    weights = [draw.array(rows, columns, scale=0.7) for rows in (D, H)]
    biases = [draw.array(columns) if has_bias else None for name in kind.parameters[2:] if name[0] == "b"]
    peepholes = [draw.array(H) for name in kind.parameters[2:] if name[0] == "p"]
    flags = ("stateful", "return_sequences", "return_state", "reverse")
    layer = kind(*weights, *biases, *peepholes, **{flag: draw.chance() for flag in flags})
    mask = draw.one_of(None, draw.bools(N, L), draw.integers(0, L + 1, N))
    states = [draw.array(N, H) if draw.chance() else None for _ in layer.state]
    if layer.stateful and draw.chance():
        for name in layer.state:
            setattr(layer, name, draw.array(N, H))
    return [layer], (draw.array(N, L, D), mask, *states)


for kind in (RNN, LSTM, GRU, PeepholeLSTM):
    row(kind)(partial(recurrent, kind))
