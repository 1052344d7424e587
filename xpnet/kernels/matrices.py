"""Functions of matrices whose derivatives need the same factors as their values.

The references call the standard's functions, and factorise anew each time. A body may keep the factors of a matrix and
use them again, for another of these functions or for the transposed matrix.
"""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, dtype_kind
from xpnet.kernels.dispatch import kernel
from xpnet.typing import Array


@kernel(2)
def solve(a: Array, b: Array) -> Array:
    """Return ``x = a⁻¹ b``."""
    x: Array = array_namespace(a, b).linalg.solve(a, b)
    return x


@kernel(1)
def inv(a: Array) -> Array:
    """Return ``a⁻¹``."""
    y: Array = array_namespace(a).linalg.inv(a)
    return y


@kernel(1)
def det(a: Array) -> Array:
    """Return the determinant."""
    y: Array = array_namespace(a).linalg.det(a)
    return y


@kernel(1)
def slogdet(a: Array) -> tuple[Array, Array]:
    """Return the sign of the determinant and the logarithm of its absolute value."""
    sign, log = array_namespace(a).linalg.slogdet(a)
    return sign, log


@kernel(1)
def cholesky(a: Array, *, upper: bool = False) -> Array:
    """Return the lower L with ``a = L Lᴴ``, or ``Lᴴ``."""
    y: Array = array_namespace(a).linalg.cholesky(a, upper=upper)
    return y


@kernel(2)
def solve_lower(L: Array, b: Array, adjoint: bool) -> Array:
    """Return ``x = L⁻¹ b``, or ``L⁻ᴴ b``, for a lower triangular L.

    Shapes: ``L (..., n, n)``, ``b, x (..., n, k)``.
    """
    xp = array_namespace(L, b)
    if adjoint:
        L = xp.matrix_transpose(xp.conj(L) if dtype_kind(L) == "complex" else L)
    x: Array = xp.linalg.solve(L, b)
    return x


@kernel(1)
def eigh(a: Array) -> tuple[Array, Array]:
    """Return the eigenvalues and eigenvectors of symmetric matrices."""
    values, vectors = array_namespace(a).linalg.eigh(a)
    return values, vectors


@kernel(1)
def eigvalsh(a: Array) -> Array:
    """Return the eigenvalues of symmetric matrices; a body may keep their vectors for ``eigh``."""
    y: Array = array_namespace(a).linalg.eigvalsh(a)
    return y


@kernel(1)
def thin_svd(a: Array) -> tuple[Array, Array, Array]:
    """Return ``U, S, Vᴴ`` without the vectors beyond the smaller side of the matrix."""
    parts: Any = array_namespace(a).linalg.svd(a, full_matrices=False)
    return tuple(parts)


@kernel(1)
def svdvals(a: Array) -> Array:
    """Return the singular values; a body may keep their vectors for ``thin_svd``."""
    y: Array = array_namespace(a).linalg.svdvals(a)
    return y
