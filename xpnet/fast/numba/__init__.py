"""Compiled bodies for NumPy's arrays."""

from xpnet.fast.numba import affine, attention, loss, normalization

__all__ = ["affine", "attention", "loss", "normalization"]
