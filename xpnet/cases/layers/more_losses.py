"""Cases of the losses of likelihoods, margins, distances and sequences."""

from functools import partial
from itertools import groupby, product
from typing import Any

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.cases.layers.activation import softmax
from xpnet.layers import (
    ContrastiveLoss,
    CosineEmbeddingLoss,
    CTCLoss,
    FocalLoss,
    HingeLoss,
    KLDivergence,
    MultiMarginLoss,
    NegativeLogLikelihood,
    TripletLoss,
)

SCORES, LABELS, WEIGHTS = normal("x", 3, 4), np.asarray([3, 1, 0]), np.asarray([0.5, 2.0, 1.0])
CLASS_WEIGHTS = np.asarray([0.5, 2.0, 1.5, 0.25])
SIGNS = np.where(normal("t", 3, 4) > 0.0, 1.0, -1.0)
PAIRS = normal("x", 3, 2), normal("z", 3, 2)


def likelihood(x: Host, t: Host) -> Any:
    return -np.mean(np.sum((0.9 * np.eye(4)[t] + 0.025) * x, axis=1))


def focal(x: Host, t: Host) -> Any:
    y = softmax(x)[np.arange(3), t]
    v = CLASS_WEIGHTS[t] * (t != 1)
    return np.sum(v * -((1.0 - y) ** 1.5) * np.log(y)) / np.sum(v)


def multi_margin(x: Host, t: Host, w: Host) -> Any:
    over = np.maximum(0.0, 0.7 - x[np.arange(3), t][:, None] + x) ** 2 * (1.0 - np.eye(4)[t])
    return np.sum(w * (t != 1) * np.mean(over, axis=1)) / np.sum(w * (t != 1))


def unit(x: Host) -> Host:
    return np.asarray(x / np.sqrt(np.sum(x * x, axis=1, keepdims=True) + 1e-12))


def cosine_embedding(x: Host, z: Host, t: Host) -> Any:
    c = np.sum(unit(x) * unit(z), axis=1)
    return np.mean(np.where(t == 1, 1.0 - c, np.maximum(0.0, c + 0.2)))


def distance(d: Host) -> Host:
    return np.asarray(np.sqrt(np.sum(d * d, axis=1) + 1e-12))


def triplet(x: Host, p: Host, q: Host) -> Any:
    return np.mean(np.maximum(0.0, distance(x - p) - distance(x - q) + 1.0))


def contrastive(x: Host, z: Host, w: Host) -> Any:
    y = softmax(unit(x) @ unit(z).T / 0.5)
    return -np.sum(w * np.log(np.diagonal(y))) / np.sum(w)


def ctc(x: Host, t: Host, w: Host, lengths: Host) -> Any:
    """Add the likelihoods of all sequences of classes that give the labels."""
    total = 0.0
    for scores, labels, weight, length in zip(softmax(x), t, w, lengths, strict=True):
        chance = 0.0
        for path in product(range(x.shape[2]), repeat=int(length)):
            if [label for label, _ in groupby(path) if label] == [label for label in labels if label >= 0]:
                chance += np.prod(scores[np.arange(length), list(path)])
        total -= weight * np.log(chance)
    return total / np.sum(w)


of_samples = partial(Case, needs_samples=True)
CASES = (
    of_samples(
        "NegativeLogLikelihood",
        NegativeLogLikelihood,
        (SCORES, LABELS),
        likelihood,
        options={"label_smoothing": 0.1},
    ),
    of_samples(
        "FocalLoss",
        FocalLoss,
        (SCORES, LABELS),
        focal,
        options={"focus": 1.5, "class_weights": (0.5, 2.0, 1.5, 0.25), "ignore_index": 1},
    ),
    of_samples(
        "KLDivergence",
        KLDivergence,
        (SCORES, softmax(normal("t", 3, 4))),
        lambda x, t: np.mean(np.sum(t * (np.log(t) - x), axis=1)),
    ),
    of_samples(
        "HingeLoss",
        HingeLoss,
        (SCORES, SIGNS, WEIGHTS),
        lambda x, t, w: np.sum(w[:, None] * np.maximum(0.0, 0.7 - t * x)) / (4.0 * np.sum(w)),
        options={"margin": 0.7},
    ),
    of_samples(
        "MultiMarginLoss",
        MultiMarginLoss,
        (SCORES, LABELS, WEIGHTS),
        multi_margin,
        options={"margin": 0.7, "power": 2, "ignore_index": 1},
    ),
    of_samples(
        "MultiMarginLoss, power 1",
        MultiMarginLoss,
        (SCORES, LABELS),
        lambda x, t: (np.sum(np.maximum(0.0, 1.0 - x[np.arange(3), t][:, None] + x)) - 3.0) / 12.0,
    ),
    of_samples(
        "CosineEmbeddingLoss",
        CosineEmbeddingLoss,
        (*PAIRS, np.asarray([1, -1, -1])),
        cosine_embedding,
        options={"margin": -0.2},
    ),
    of_samples("TripletLoss", TripletLoss, (*PAIRS, normal("q", 3, 2)), triplet),
    of_samples("ContrastiveLoss", ContrastiveLoss, (*PAIRS, WEIGHTS), contrastive, options={"temperature": 0.5}),
    of_samples(
        "CTCLoss",
        CTCLoss,
        (normal("x", 2, 4, 3), np.asarray([[1, 1], [2, -1]]), np.asarray([0.5, 1.0]), np.asarray([4, 3])),
        ctc,
    ),
)
