"""Bodies of kernels on torch."""

from xpnet.kernels.torch import erf

__all__ = ["erf"]
