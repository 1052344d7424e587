"""Functions on arrays that the standard lacks; each has a reference written in the standard alone."""

from xpnet.kernels.dispatch import Kernel, kernel, libraries_for
from xpnet.kernels.erf import erf
from xpnet.kernels.matrices import (
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    slogdet,
    solve,
    solve_lower,
    svdvals,
    thin_svd,
)
from xpnet.kernels.noise import dropout_mask
from xpnet.kernels.rows import put_rows, sum_of_rows
from xpnet.kernels.scatter import scatter_add

__all__ = [
    "Kernel",
    "cholesky",
    "det",
    "dropout_mask",
    "eigh",
    "eigvalsh",
    "erf",
    "inv",
    "kernel",
    "libraries_for",
    "put_rows",
    "scatter_add",
    "slogdet",
    "solve",
    "solve_lower",
    "sum_of_rows",
    "svdvals",
    "thin_svd",
]
