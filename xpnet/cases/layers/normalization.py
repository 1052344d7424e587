"""Cases of the normalizations."""

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import (
    Affine,
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
    SpectralNormalization,
    WeightNormalization,
)
from xpnet.random import Generator


def standardized(x: Host, *axes: int) -> Host:
    deviation = x - np.mean(x, axis=axes, keepdims=True)
    return np.asarray(deviation / np.sqrt(np.mean(deviation**2, axis=axes, keepdims=True) + 1e-5))


def to_channels(values: Host) -> Host:
    return values.reshape(-1, 1, 1)


def group_normalized(x: Host, gamma: Host, beta: Host) -> Host:
    xhat = standardized(x.reshape(x.shape[0], 2, -1), 2).reshape(x.shape)
    return np.asarray(to_channels(gamma) * xhat + to_channels(beta))


def with_longer_weights(layer: WeightNormalization) -> WeightNormalization:
    """Return a layer whose weights are twice as long as at the start."""
    layer.params["scale.g"] = 2.0 * layer.params["scale.g"]
    return layer


SQUARE = np.asarray([[4.0, 0.0, 1.0], [1.0, 0.5, -0.5], [0.5, 1.0, 1.0]])  # of which one singular value is far above

CASES = (
    Case(
        "BatchNormalization",
        BatchNormalization,
        (normal("x", 4, 3),),
        lambda x, gamma, beta: gamma * standardized(x, 0) + beta,
        (normal("gamma", 3), normal("beta", 3)),
        predicted=lambda x, gamma, beta: gamma * x / np.sqrt(1.0 + 1e-5) + beta,
        needs_samples=True,
    ),
    Case(
        "BatchNormalization, images",
        BatchNormalization,
        (normal("x", 2, 2, 1, 2),),
        lambda x, gamma, beta: to_channels(gamma) * standardized(x, 0, 2, 3) + to_channels(beta),
        (normal("gamma", 2), normal("beta", 2)),
        predicted=lambda x, gamma, beta: to_channels(gamma) * x / np.sqrt(1.0 + 1e-5) + to_channels(beta),
        needs_samples=True,
    ),
    Case(
        "GroupNormalization",
        GroupNormalization,
        (normal("x", 2, 4, 1, 2),),
        group_normalized,
        (normal("gamma", 4), normal("beta", 4)),
        {"groups": 2},
    ),
    Case(
        "LayerNormalization",
        LayerNormalization,
        (normal("x", 2, 2, 3),),
        lambda x, gamma, beta: gamma * standardized(x, -1) + beta,
        (normal("gamma", 3), normal("beta", 3)),
    ),
    Case(
        "RMSNormalization",
        RMSNormalization,
        (normal("x", 3, 4),),
        lambda x, gamma: gamma * x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-5),
        (normal("gamma", 4),),
    ),
    Case(
        "InstanceNormalization",
        InstanceNormalization,
        (normal("x", 2, 2, 3),),
        lambda x, gamma, beta: gamma[:, None] * standardized(x, 2) + beta[:, None],
        (normal("gamma", 2), normal("beta", 2)),
    ),
    Case(
        "WeightNormalization",
        WeightNormalization,
        (normal("x", 2, 3),),
        lambda x, W, b: 2.0 * x @ W + b,
        (SQUARE, normal("b", 3)),
        make=lambda W, b: with_longer_weights(WeightNormalization(Affine(W, b))),
    ),
    Case(
        "SpectralNormalization",
        SpectralNormalization,
        (normal("x", 2, 3),),
        lambda x, W, b: x @ W / np.linalg.norm(W, 2) + b,
        (SQUARE, normal("b", 3)),
        make=lambda W, b: SpectralNormalization(Affine(W, b), rng=Generator(0)),
    ),
)
