"""NumPy bodies."""

from xpnet.fast.numpy import (
    activation,
    affine,
    attention,
    convolution,
    embedding,
    loss,
    normalization,
    optimizer,
    pooled_convolution,
    pooling,
    softmax,
)
from xpnet.fast.numpy.choice import available

__all__ = [
    "activation",
    "affine",
    "attention",
    "convolution",
    "embedding",
    "loss",
    "names",
    "normalization",
    "optimizer",
    "pooled_convolution",
    "pooling",
    "softmax",
]


def names() -> tuple[str, ...]:
    """The compiled bodies first, where numba is here and not switched off."""
    return ("numba", "numpy") if available() else ("numpy",)
