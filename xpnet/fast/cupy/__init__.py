"""CUDA bodies, for CuPy's arrays."""

from xpnet.fast.cupy import (
    activation,
    affine,
    convolution,
    loss,
    noise,
    optimizer,
    pooled_convolution,
    pooling,
    softmax,
)

__all__ = [
    "activation",
    "affine",
    "convolution",
    "loss",
    "names",
    "noise",
    "optimizer",
    "pooled_convolution",
    "pooling",
    "softmax",
]


def names() -> tuple[str, ...]:
    return ("cupy",)
