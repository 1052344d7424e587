"""Functions on arrays that the standard lacks; each has a reference written in the standard alone."""

from xpnet.kernels.dispatch import Kernel, kernel, libraries_for
from xpnet.kernels.erf import erf
from xpnet.kernels.noise import dropout_mask
from xpnet.kernels.rows import put_rows, sum_of_rows
from xpnet.kernels.scatter import scatter_add

__all__ = [
    "Kernel",
    "dropout_mask",
    "erf",
    "kernel",
    "libraries_for",
    "put_rows",
    "scatter_add",
    "sum_of_rows",
]
