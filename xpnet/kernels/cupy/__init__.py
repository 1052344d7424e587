"""CUDA bodies of the kernels, for CuPy arrays."""

from xpnet.kernels.cupy import activation, convolution, loss, noise, normalization, pooling

__all__ = ["activation", "convolution", "loss", "noise", "normalization", "pooling"]
