"""Faster bodies of kernels on NumPy."""

from xpnet.kernels.numpy import activation, affine, convolution, joint, loss, optimizer, pooling, reduction

__all__ = ["activation", "affine", "convolution", "joint", "loss", "optimizer", "pooling", "reduction"]
