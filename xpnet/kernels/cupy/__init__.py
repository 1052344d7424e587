"""CUDA bodies of the kernels, for CuPy arrays."""

from xpnet.kernels.cupy import (
    activation,
    affine,
    attention,
    convolution,
    embedding,
    erf,
    joint,
    loss,
    noise,
    normalization,
    pooling,
)

__all__ = [
    "activation",
    "affine",
    "attention",
    "convolution",
    "embedding",
    "erf",
    "joint",
    "loss",
    "noise",
    "normalization",
    "pooling",
]
