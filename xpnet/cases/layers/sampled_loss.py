"""Cases of the losses that draw words."""

from functools import partial
from typing import Any

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import NegativeSamplingLoss, SampledSoftmaxLoss
from xpnet.random import Generator

FREQUENCIES = (3.0, 1.0, 0.0, 2.0)
X, W = normal("x", 3, 2), normal("W", 4, 2)
P = np.asarray(FREQUENCIES) ** 0.75 / np.sum(np.asarray(FREQUENCIES) ** 0.75)


def drawn(kind: str, *shape: int) -> Host:
    return np.searchsorted(np.cumsum(P), Generator(0).uniform(shape, f"{kind}1"), side="right")


def negative_sampling(x: Host, t: Host, W: Host) -> Any:
    total = 0.0
    for h, label, words in zip(x, t, drawn("NegativeSamplingLoss", 3, 3), strict=True):
        if label != -1:
            total += np.log1p(np.exp(-h @ W[label]))
            total += sum(np.log1p(np.exp(h @ W[word])) for word in words if word != label)
    return total / np.sum(t != -1)


def sampled_softmax(x: Host, t: Host, weights: Host, W: Host) -> Any:
    total, words = 0.0, drawn("SampledSoftmaxLoss", 1, 3)[0]
    for h, label, weight in zip(x, t, weights, strict=True):
        z = [h @ W[label], *[h @ W[word] - np.log(3.0 * P[word]) for word in words if word != label]]
        total -= weight * (z[0] - np.log(np.sum(np.exp(z))))
    return total / np.sum(weights)


def softmax(x: Host, t: Host, weights: Host, W: Host) -> Any:
    z = x @ W.T
    return np.sum(weights * (np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(3), t])) / np.sum(weights)


def make(kind: type[Any], W: Host, **options: Any) -> Any:
    return kind(W, FREQUENCIES, 3, rng=Generator(0), **options)


CASES = (
    Case(
        "NegativeSamplingLoss",
        NegativeSamplingLoss,
        (X, np.asarray([3, -1, 0])),
        negative_sampling,
        (W,),
        {"ignore_index": -1},
        make=partial(make, NegativeSamplingLoss),
        needs_samples=True,
    ),
    Case(
        "SampledSoftmaxLoss",
        SampledSoftmaxLoss,
        (X, np.asarray([3, 1, 0]), np.asarray([0.5, 2.0, 1.0])),
        sampled_softmax,
        (W,),
        make=partial(make, SampledSoftmaxLoss),
        predicted=softmax,
        needs_samples=True,
    ),
)
