"""CUDA bodies of the kernels, for CuPy arrays."""

from xpnet.kernels.cupy import activation, affine, attention, embedding, erf, loss, normalization

__all__ = ["activation", "affine", "attention", "embedding", "erf", "loss", "normalization"]
