"""Faster bodies of kernels on NumPy."""

from xpnet.kernels.numpy import activation, affine, convolution, loss, optimizer, pooling

__all__ = ["activation", "affine", "convolution", "loss", "optimizer", "pooling"]
