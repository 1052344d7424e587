"""Faster bodies of kernels on NumPy."""

from xpnet.kernels.numpy import embedding, erf

__all__ = ["embedding", "erf"]
