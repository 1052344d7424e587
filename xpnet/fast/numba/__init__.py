"""Compiled bodies for NumPy's arrays."""

from xpnet.fast.numba import affine, loss

__all__ = ["affine", "loss"]
