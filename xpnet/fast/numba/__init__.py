"""Compiled bodies for NumPy's arrays."""

from xpnet.fast.numba import affine, loss, pooled_convolution

__all__ = ["affine", "loss", "pooled_convolution"]
