"""The products of matrices, and the extension ``linalg``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from xpnet.typing import Array, Axis, Dtype

Axes = int | tuple[Sequence[int], Sequence[int]]


class Products(Protocol):
    """The products that are both in the namespace itself and in ``linalg``."""

    @staticmethod
    def matmul(x1: Array, x2: Array, /) -> Array:
        """``y = x1 x2``; ``dx1 = dout x2ᵀ``, ``dx2 = x1ᵀ dout``."""

    @staticmethod
    def matrix_transpose(x: Array, /) -> Array:
        """``y = xᵀ`` of the last two axes; ``dx = doutᵀ``."""

    @staticmethod
    def tensordot(x1: Array, x2: Array, /, *, axes: Axes = 2) -> Array:
        """Return products summed over pairs of axes; ``dx1`` and ``dx2`` sum dout and the other over the rest."""

    @staticmethod
    def vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
        """``y = Σ conj(x1) x2``; ``dx1 = conj(dout) x2``, ``dx2 = dout x1``."""


class Linalg(Products, Protocol):
    """Inverses, decompositions and norms of the matrices in the last two axes."""

    @staticmethod
    def cholesky(x: Array, /, *, upper: bool = False) -> Array:
        """Return ``L`` with ``x = L Lᴴ``; ``dx`` is symmetric, from ``Lᴴ dL``."""

    @staticmethod
    def cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
        """``y = x1 × x2``; ``dx1 = x2 × dout``, ``dx2 = dout × x1``."""

    @staticmethod
    def det(x: Array, /) -> Array:
        """``y = det x``; ``dx = dout y x⁻ᵀ``."""

    @staticmethod
    def diagonal(x: Array, /, *, offset: int = 0) -> Array:
        """``yᵢ = xᵢᵢ``; ``dx`` has dout on the diagonal, else 0."""

    @staticmethod
    def eig(x: Array, /) -> Any:
        """Return complex ``λ, V`` with ``x V = V λ``; ``dx = V⁻ᴴ (diag dλ + E) Vᴴ``, E from dV over the gaps of λ."""

    @staticmethod
    def eigh(x: Array, /) -> Any:
        """Return ``λ, V`` with ``x V = V λ``, x symmetric; ``dx = V (diag dλ + (Vᴴ dV) / (λⱼ - λᵢ)) Vᴴ``."""

    @staticmethod
    def eigvals(x: Array, /) -> Array:
        """Return complex ``λ`` with ``x V = V λ``; ``dx = V⁻ᴴ diag(dλ) Vᴴ``."""

    @staticmethod
    def eigvalsh(x: Array, /) -> Array:
        """Return ``λ`` with ``x V = V λ``, x symmetric; ``dx = V diag(dλ) Vᴴ``."""

    @staticmethod
    def inv(x: Array, /) -> Array:
        """``y = x⁻¹``; ``dx = -yᵀ dout yᵀ``."""

    @staticmethod
    def matrix_norm(
        x: Array,
        /,
        *,
        keepdims: bool = False,
        ord: float | Literal["fro", "nuc"] | None = "fro",  # noqa: A002
    ) -> Array:
        """``y = ‖x‖`` of each matrix; ``dx = dout x / y`` for the Frobenius norm."""

    @staticmethod
    def matrix_power(x: Array, n: int, /) -> Array:
        """``y = xⁿ``; ``dx = Σ (xᵀ)ᵏ dout (xᵀ)ⁿ⁻¹⁻ᵏ``."""

    @staticmethod
    def matrix_rank(x: Array, /, *, rtol: float | Array | None = None) -> Array:
        """Return the rank of each matrix; a constant."""

    @staticmethod
    def outer(x1: Array, x2: Array, /) -> Array:
        """``yᵢⱼ = x1ᵢ x2ⱼ``; ``dx1 = dout x2``, ``dx2 = doutᵀ x1``."""

    @staticmethod
    def pinv(x: Array, /, *, rtol: float | Array | None = None) -> Array:
        """``y = x⁺``; ``dx = -yᵀ dout yᵀ`` plus the part outside the range of x."""

    @staticmethod
    def qr(x: Array, /, *, mode: Literal["reduced", "complete"] = "reduced") -> Any:
        """Return ``Q, R`` with ``x = Q R``; ``dx = (dQ + Q sym(R dRᴴ - dQᴴ Q)) R⁻ᴴ``."""

    @staticmethod
    def slogdet(x: Array, /) -> Any:
        """Return the sign and ``y = log |det x|``; ``dx = dout x⁻ᵀ``."""

    @staticmethod
    def solve(x1: Array, x2: Array, /) -> Array:
        """``y = x1⁻¹ x2``; ``dx2 = x1⁻ᵀ dout``, ``dx1 = -dx2 yᵀ``."""

    @staticmethod
    def svd(x: Array, /, *, full_matrices: bool = True) -> Any:
        """Return ``U, S, Vᴴ`` with ``x = U S Vᴴ``; ``dx = U diag(dS) Vᴴ`` plus the part that rotates the vectors."""

    @staticmethod
    def svdvals(x: Array, /) -> Array:
        """Return ``S`` with ``x = U S Vᴴ``; ``dx = U diag(dout) Vᴴ``."""

    @staticmethod
    def trace(x: Array, /, *, offset: int = 0, dtype: Dtype = None) -> Array:
        """``y = Σ xᵢᵢ``; ``dx`` has dout on the diagonal, else 0."""

    @staticmethod
    def vector_norm(x: Array, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Array:  # noqa: A002
        """``y = (Σ |x|ᵖ)^(1/p)``; ``dx = dout sign(x) (|x| / y)ᵖ⁻¹``."""
