"""Compiled bodies for NumPy's arrays."""

from xpnet.fast.numba import affine, loss, optimizer

__all__ = ["affine", "loss", "optimizer"]
