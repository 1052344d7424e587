"""Compiled bodies for NumPy's arrays."""

from xpnet.fast.numba import activation, affine, loss

__all__ = ["activation", "affine", "loss"]
