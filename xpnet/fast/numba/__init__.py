"""Compiled bodies for NumPy's arrays."""

from xpnet.fast.numba import activation, affine, loss, optimizer, pooled_convolution

__all__ = ["activation", "affine", "loss", "optimizer", "pooled_convolution"]
