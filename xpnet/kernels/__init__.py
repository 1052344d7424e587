"""Functions on arrays that the standard lacks; each has a reference written in the standard alone."""

from xpnet.kernels.dispatch import Kernel, kernel
from xpnet.kernels.noise import dropout_mask
from xpnet.kernels.standard.embedding import scatter_add
from xpnet.kernels.standard.erf import erf

__all__ = ["Kernel", "dropout_mask", "erf", "kernel", "scatter_add"]
