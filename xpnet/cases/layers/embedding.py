"""Cases of the tables of vectors."""

import numpy as np

from xpnet.cases.case import Case, Host, integers, normal
from xpnet.layers import Embedding, EmbeddingBag, PositionalEmbedding, PositionalEncoding


def with_waves(x: Host) -> Host:
    _, L, D = x.shape
    angles = np.arange(L)[:, None] / 10000.0 ** (2 * (np.arange(D) // 2) / D)
    return np.asarray(x + np.where(np.arange(D) % 2 == 0, np.sin(angles), np.cos(angles)))


def shortened(x: Host, W: Host) -> Host:
    long = np.linalg.norm(W, axis=1, keepdims=True)
    return np.asarray(np.where((x == 1)[..., None], 0.0, (W * np.minimum(1.0, 0.9 / long))[x]))


def mean_of_bags(x: Host, lengths: Host, W: Host) -> Host:
    rows = [[W[v] for v in row[:length] if v != 1] for row, length in zip(x, lengths, strict=True)]
    return np.stack([np.mean(row, axis=0) if row else np.zeros(W.shape[1]) for row in rows])


def weighted_bags(x: Host, offsets: Host, weights: Host, W: Host) -> Host:
    return np.stack([part.sum(axis=0) for part in np.split(weights[:, None] * W[x], offsets[1:])])


CASES = (
    Case("Embedding", Embedding, (integers("x", 5, 3, 4),), lambda x, W: W[x], (normal("W", 5, 2),)),
    Case(
        "Embedding, options",
        Embedding,
        (integers("x", 5, 3, 4),),
        shortened,
        (normal("W", 5, 2),),
        {"padding_idx": 1, "max_norm": 0.9},
    ),
    Case(
        "EmbeddingBag",
        EmbeddingBag,
        (integers("x", 5, 3, 4), np.asarray([4, 0, 2])),
        mean_of_bags,
        (normal("W", 5, 2),),
        {"padding_idx": 1},
    ),
    Case(
        "EmbeddingBag, offsets",
        EmbeddingBag,
        (integers("x", 5, 6), np.asarray([0, 2, 2, 5]), normal("w", 6)),
        weighted_bags,
        (normal("W", 5, 2),),
        {"reduction": "sum"},
    ),
    Case(
        "PositionalEmbedding",
        PositionalEmbedding,
        (normal("x", 2, 3, 4),),
        lambda x, W: x + W[:3],
        (normal("W", 5, 4),),
    ),
    Case("PositionalEncoding", PositionalEncoding, (normal("x", 2, 3, 5),), with_waves),
)
