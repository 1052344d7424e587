"""CUDA bodies of the kernels, for CuPy arrays."""

from xpnet.kernels.cupy import (
    activation,
    affine,
    convolution,
    embedding,
    erf,
    joint,
    loss,
    noise,
    optimizer,
    pooling,
)

__all__ = [
    "activation",
    "affine",
    "convolution",
    "embedding",
    "erf",
    "joint",
    "loss",
    "noise",
    "optimizer",
    "pooling",
]
