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
    """Return ``x = a⁻¹ b``.

    >>> solve(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[2.0], [3.0]]))
    array([[1.],
           [2.]])
    """
    x: Array = array_namespace(a, b).linalg.solve(a, b)
    return x


@kernel(1)
def inv(a: Array) -> Array:
    """Return ``a⁻¹``.

    >>> inv(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    y: Array = array_namespace(a).linalg.inv(a)
    return y


@kernel(1)
def det(a: Array) -> Array:
    """Return the determinant.

    >>> round(float(det(np.array([[2.0, 0.0], [1.0, 3.0]]))), 4)
    6.0
    """
    y: Array = array_namespace(a).linalg.det(a)
    return y


@kernel(1)
def slogdet(a: Array) -> tuple[Array, Array]:
    """Return the sign of the determinant and the logarithm of its absolute value.

    >>> sign, log = slogdet(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> float(sign), float(log)
    (-1.0, 0.0)
    """
    sign, log = array_namespace(a).linalg.slogdet(a)
    return sign, log


@kernel(1)
def cholesky(a: Array, *, upper: bool = False) -> Array:
    """Return the lower L with ``a = L Lᴴ``, or ``Lᴴ``.

    >>> cholesky(np.array([[4.0, 2.0], [2.0, 2.0]]))
    array([[2., 0.],
           [1., 1.]])
    """
    y: Array = array_namespace(a).linalg.cholesky(a, upper=upper)
    return y


@kernel(2)
def solve_lower(L: Array, b: Array, adjoint: bool) -> Array:
    """Return ``x = L⁻¹ b``, or ``L⁻ᴴ b``, for a lower triangular L.

    Shapes: ``L (..., n, n)``, ``b, x (..., n, k)``.

    >>> solve_lower(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[2.0], [3.0]]), False)
    array([[1.],
           [2.]])
    """
    xp = array_namespace(L, b)
    if adjoint:
        L = xp.matrix_transpose(xp.conj(L) if dtype_kind(L) == "complex" else L)
    x: Array = xp.linalg.solve(L, b)
    return x


@kernel(1)
def eigh(a: Array) -> tuple[Array, Array]:
    """Return the eigenvalues and eigenvectors of symmetric matrices.

    >>> values, vectors = eigh(np.array([[2.0, 0.0], [0.0, 1.0]]))
    >>> values
    array([1., 2.])
    """
    values, vectors = array_namespace(a).linalg.eigh(a)
    return values, vectors


@kernel(1)
def eigvalsh(a: Array) -> Array:
    """Return the eigenvalues of symmetric matrices; a body may keep their vectors for ``eigh``.

    >>> eigvalsh(np.array([[2.0, 0.0], [0.0, 1.0]]))
    array([1., 2.])
    """
    y: Array = array_namespace(a).linalg.eigvalsh(a)
    return y


@kernel(1)
def thin_svd(a: Array) -> tuple[Array, Array, Array]:
    """Return ``U, S, Vᴴ`` without the vectors beyond the smaller side of the matrix.

    >>> U, S, Vh = thin_svd(np.array([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]]))
    >>> U.shape, S, Vh.shape
    ((3, 2), array([3., 2.]), (2, 2))
    """
    parts: Any = array_namespace(a).linalg.svd(a, full_matrices=False)
    return tuple(parts)


@kernel(1)
def svdvals(a: Array) -> Array:
    """Return the singular values; a body may keep their vectors for ``thin_svd``.

    >>> svdvals(np.array([[3.0, 0.0], [0.0, 2.0]]))
    array([3., 2.])
    """
    y: Array = array_namespace(a).linalg.svdvals(a)
    return y
