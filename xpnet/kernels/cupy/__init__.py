"""CUDA bodies of the kernels, for CuPy arrays."""

from xpnet.kernels.cupy import activation, affine, embedding, erf, loss

__all__ = ["activation", "affine", "embedding", "erf", "loss"]
