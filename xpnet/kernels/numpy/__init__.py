"""Faster bodies of kernels on NumPy."""

from xpnet.kernels.numpy import (
    activation,
    affine,
    attention,
    convolution,
    joint,
    loss,
    normalization,
    optimizer,
    pooling,
    reduction,
)

__all__ = [
    "activation",
    "affine",
    "attention",
    "convolution",
    "joint",
    "loss",
    "normalization",
    "optimizer",
    "pooling",
    "reduction",
]
