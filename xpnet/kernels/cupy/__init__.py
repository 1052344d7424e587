"""CUDA bodies of the kernels, for CuPy arrays."""

from xpnet.kernels.cupy import embedding, erf

__all__ = ["embedding", "erf"]
