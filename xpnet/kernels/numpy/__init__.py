"""Faster bodies of kernels on NumPy."""

from xpnet.fast.numpy.choice import compiled
from xpnet.kernels.dispatch import BEFORE
from xpnet.kernels.numpy import (
    activation,
    affine,
    convolution,
    embedding,
    joint,
    loss,
    optimizer,
    pooling,
    reduction,
)

__all__ = [
    "activation",
    "affine",
    "convolution",
    "embedding",
    "joint",
    "loss",
    "optimizer",
    "pooling",
    "reduction",
]

BEFORE["numpy"] = compiled
