"""Compiled bodies for NumPy's arrays."""

from xpnet.fast.numba import (
    activation,
    affine,
    attention,
    convolution,
    loss,
    normalization,
    optimizer,
    pooled_convolution,
)

__all__ = [
    "activation",
    "affine",
    "attention",
    "convolution",
    "loss",
    "normalization",
    "optimizer",
    "pooled_convolution",
]
