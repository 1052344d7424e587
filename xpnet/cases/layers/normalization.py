"""Cases of the normalizations."""

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import BatchNormalization, GroupNormalization, LayerNormalization, RMSNormalization


def standardized(x: Host, *axes: int) -> Host:
    deviation = x - np.mean(x, axis=axes, keepdims=True)
    return np.asarray(deviation / np.sqrt(np.mean(deviation**2, axis=axes, keepdims=True) + 1e-5))


def to_channels(values: Host) -> Host:
    return values.reshape(-1, 1, 1)


def group_normalized(x: Host, gamma: Host, beta: Host) -> Host:
    xhat = standardized(x.reshape(x.shape[0], 2, -1), 2).reshape(x.shape)
    return np.asarray(to_channels(gamma) * xhat + to_channels(beta))


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
)
