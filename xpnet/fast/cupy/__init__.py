"""CUDA bodies, for CuPy's arrays."""

from xpnet.fast.cupy import (
    activation,
    affine,
    attention,
    convolution,
    embedding,
    loss,
    noise,
    normalization,
    optimizer,
    pooled_convolution,
    pooling,
    softmax,
    transformer,
)

__all__ = [
    "activation",
    "affine",
    "attention",
    "convolution",
    "embedding",
    "loss",
    "names",
    "noise",
    "normalization",
    "optimizer",
    "pooled_convolution",
    "pooling",
    "softmax",
    "transformer",
]


def names() -> tuple[str, ...]:
    return ("cupy",)
