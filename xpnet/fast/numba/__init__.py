"""Compiled bodies for NumPy's arrays."""

from xpnet.fast.numba import (
    activation,
    affine,
    attention,
    batch_normalization,
    convolution,
    ctc_loss,
    dropout,
    image_normalization,
    loss,
    normalization,
    optimizer,
    pooled_convolution,
    pooling,
    recurrent,
    scatter,
    transformer,
)

__all__ = [
    "activation",
    "affine",
    "attention",
    "batch_normalization",
    "convolution",
    "ctc_loss",
    "dropout",
    "image_normalization",
    "loss",
    "normalization",
    "optimizer",
    "pooled_convolution",
    "pooling",
    "recurrent",
    "scatter",
    "transformer",
]
