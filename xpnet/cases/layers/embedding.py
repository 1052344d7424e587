"""Cases of the tables of vectors."""

import numpy as np

from xpnet.cases.case import Case, Host, integers, normal
from xpnet.layers import Embedding, PositionalEmbedding, PositionalEncoding


def with_waves(x: Host) -> Host:
    _, L, D = x.shape
    angles = np.arange(L)[:, None] / 10000.0 ** (2 * (np.arange(D) // 2) / D)
    return np.asarray(x + np.where(np.arange(D) % 2 == 0, np.sin(angles), np.cos(angles)))


CASES = (
    Case("Embedding", Embedding, (integers("x", 5, 3, 4),), lambda x, W: W[x], (normal("W", 5, 2),)),
    Case(
        "PositionalEmbedding",
        PositionalEmbedding,
        (normal("x", 2, 3, 4),),
        lambda x, W: x + W[:3],
        (normal("W", 5, 4),),
    ),
    Case("PositionalEncoding", PositionalEncoding, (normal("x", 2, 3, 5),), with_waves),
)
