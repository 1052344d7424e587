"""Bodies of kernels on jax; they are traced by its transformations, too."""

from xpnet.kernels.jax import erf

__all__ = ["erf"]
