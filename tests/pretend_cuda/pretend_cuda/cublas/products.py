"""Products of matrices: gemm in all its forms, and its relatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from pretend_cuda.cublas.handles import INVALID_VALUE, CUBLASError, ready
from pretend_cuda.cublas.operands import TYPES, Operand, matrix, number, pointers, turned, vector
from pretend_cuda.trace import note_product

LEFT, UPPER = 0, 1  # CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_UPPER
IN_FLOAT64, IN_FLOAT16 = (70, 71, 1, 5), (64, 65, 2)
"""Values of cublasComputeType_t; batched products are told a cudaDataType in its place."""


def computed_in(compute: int, c_kind: int) -> np.dtype:
    """The dtype of alpha, beta and the sums."""
    if compute in IN_FLOAT16:
        raise NotImplementedError("pretend_cuda: products summed in float16 are not emulated")
    is_complex = TYPES[c_kind] in (np.dtype("complex64"), np.dtype("complex128"))
    if compute in IN_FLOAT64:
        return np.dtype("complex128" if is_complex else "float64")
    return np.dtype("complex64" if is_complex else "float32")


def products(
    operations: tuple[int, int],
    sizes: tuple[int, int, int],
    scalars: tuple[int, int],
    operands: tuple[Operand, Operand, Operand],
    dtype: np.dtype,
    count: int = 1,
) -> None:
    """``c = alpha op(a) op(b) + beta c`` for ``count`` matrices of each, where beta = 0 does not read c.

    Raises:
        CUBLASError: where the columns of a matrix would lie in one another.
    """
    (turn_a, turn_b), (m, n, k), (a, b, c) = operations, sizes, operands
    rows_a, rows_b = (k, m) if turn_a else (m, k), (n, k) if turn_b else (k, n)
    if a.lead < max(1, rows_a[0]) or b.lead < max(1, rows_b[0]) or c.lead < max(1, m):
        raise CUBLASError(INVALID_VALUE)
    if not (m and n and count):
        return
    alpha, beta = (number(scalar, dtype) for scalar in scalars)
    with np.errstate(all="ignore"):
        left, right = turned(a.read(count, *rows_a, dtype), turn_a), turned(b.read(count, *rows_b, dtype), turn_b)
        result = alpha * np.matmul(left, right)
        if beta != 0:
            result = result + beta * c.read(count, m, n, dtype)
        c.write(result)
    read = m * k * a.itemsize + k * n * b.itemsize + (m * n * c.itemsize if beta != 0 else 0)
    name = "gemm" if count == 1 else f"gemm of {count}"
    note_product(name, count * read, count * m * n * c.itemsize, (m, n, k))


def gemmEx(handle: int, *given: int) -> None:
    ta, tb, m, n, k, alpha, a, a_kind, lda, b, b_kind, ldb, beta, c, c_kind, ldc, compute, _ = given
    ready(handle)
    operands = Operand(a, a_kind, lda), Operand(b, b_kind, ldb), Operand(c, c_kind, ldc)
    products((ta, tb), (m, n, k), (alpha, beta), operands, computed_in(compute, c_kind))


def sgemmEx(handle: int, *given: int) -> None:
    gemmEx(handle, *given, 68, -1)  # CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT


def gemmStridedBatchedEx(handle: int, *given: int) -> None:
    ta, tb, m, n, k, alpha, a, a_kind, lda, sa, b, b_kind, ldb, sb, beta, c, c_kind, ldc, sc, count, compute, _ = given
    ready(handle)
    operands = Operand(a, a_kind, lda, sa), Operand(b, b_kind, ldb, sb), Operand(c, c_kind, ldc, sc)
    products((ta, tb), (m, n, k), (alpha, beta), operands, computed_in(compute, c_kind), count)


class Products:
    """The products of one dtype, under their names without its letter."""

    def __init__(self, dtype: np.dtype, kind: int) -> None:
        self.dtype, self.kind = dtype, kind

    def gemm(self, handle: int, *given: int) -> None:
        ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc = given
        ready(handle)
        operands = Operand(a, self.kind, lda), Operand(b, self.kind, ldb), Operand(c, self.kind, ldc)
        products((ta, tb), (m, n, k), (alpha, beta), operands, self.dtype)

    def gemmBatched(self, handle: int, *given: int) -> None:
        ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, count = given
        ready(handle)  # before the addresses are read, which are on the device too
        for each in zip(*(pointers(address, count) for address in (a, b, c)), strict=True):
            self.gemm(handle, ta, tb, m, n, k, alpha, each[0], lda, each[1], ldb, beta, each[2], ldc)

    def gemmStridedBatched(self, handle: int, *given: int) -> None:
        ta, tb, m, n, k, alpha, a, lda, sa, b, ldb, sb, beta, c, ldc, sc, count = given
        ready(handle)
        operands = Operand(a, self.kind, lda, sa), Operand(b, self.kind, ldb, sb), Operand(c, self.kind, ldc, sc)
        products((ta, tb), (m, n, k), (alpha, beta), operands, self.dtype, count)

    def geam(self, handle: int, *given: int) -> None:
        """``c = alpha op(a) + beta op(b)``, where a factor of 0 does not read its matrix."""
        ta, tb, m, n, alpha, a, lda, beta, b, ldb, c, ldc = given
        ready(handle, "geam")
        result: Any = np.zeros((m, n), self.dtype)
        for factor, address, lead, turn in ((alpha, a, lda, ta), (beta, b, ldb, tb)):
            scale = number(factor, self.dtype)
            if scale != 0:
                shape = (n, m) if turn else (m, n)
                result = result + scale * turned(matrix(address, self.dtype, *shape, lead), turn)
        matrix(c, self.dtype, m, n, ldc)[...] = result

    def dgmm(self, handle: int, *given: int) -> None:
        """``c = diag(x) a``, or ``a diag(x)``."""
        side, m, n, a, lda, x, step, c, ldc = given
        ready(handle, "dgmm")
        values = matrix(a, self.dtype, m, n, lda)
        diagonal = vector(x, self.dtype, m if side == LEFT else n, step)
        matrix(c, self.dtype, m, n, ldc)[...] = values * (diagonal[:, None] if side == LEFT else diagonal)

    def syrk(self, handle: int, *given: int) -> None:
        """``c = alpha a a^T + beta c``, one triangle of it."""
        uplo, turn, n, k, alpha, a, lda, beta, c, ldc = given
        ready(handle, "syrk")
        left = matrix(a, self.dtype, k, n, lda).T if turn else matrix(a, self.dtype, n, k, lda)
        target, scale = matrix(c, self.dtype, n, n, ldc), number(beta, self.dtype)
        result = number(alpha, self.dtype) * (left @ left.T)
        if scale != 0:
            result = result + scale * target
        half = (np.triu if uplo == UPPER else np.tril)(np.ones((n, n), bool))
        target[half] = result[half]
