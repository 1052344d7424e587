"""Systems of equations: a triangle at once, and many small systems at a time."""

from __future__ import annotations

import numpy as np

from pretend_cuda.cublas.handles import ready
from pretend_cuda.cublas.operands import matrix, number, pointers, turned
from pretend_cuda.views import view

LEFT, UPPER, UNIT = 0, 1, 1  # CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_UPPER, CUBLAS_DIAG_UNIT


def factored(given: np.ndarray, pivots: np.ndarray | None) -> int:
    """LU in place, rows exchanged where pivots are asked for; the number, from 1, of the first pivot that is zero."""
    info = 0
    for j in range(given.shape[0]):
        p = j + int(np.argmax(np.abs(given[j:, j]))) if pivots is not None else j
        if pivots is not None:
            pivots[j] = p + 1
            given[[j, p]] = given[[p, j]]
        if given[j, j] == 0:
            info = info or j + 1
            continue
        given[j + 1 :, j] /= given[j, j]
        given[j + 1 :, j + 1 :] -= np.outer(given[j + 1 :, j], given[j, j + 1 :])
    return info


class Solves:
    """The solvers of one dtype, under their names without its letter."""

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype

    def trsm(self, handle: int, *given: int) -> None:
        """``op(a) x = alpha b``, or ``x op(a) = alpha b``, in the place of b."""
        side, uplo, turn, diag, m, n, alpha, a, lda, b, ldb = given
        ready(handle, "trsm")
        size = m if side == LEFT else n
        triangle = (np.triu if uplo == UPPER else np.tril)(matrix(a, self.dtype, size, size, lda))
        if diag == UNIT:
            np.fill_diagonal(triangle, 1)
        triangle, target = turned(triangle, turn), matrix(b, self.dtype, m, n, ldb)
        right = number(alpha, self.dtype) * target
        target[...] = np.linalg.solve(triangle, right) if side == LEFT else np.linalg.solve(triangle.T, right.T).T

    def getrfBatched(self, handle: int, *given: int) -> None:
        n, matrices, lda, pivots, info, count = given
        ready(handle, "getrfBatched")
        infos = view(info, np.int32, (count,))
        rows = view(pivots, np.int32, (count, n)) if pivots else [None] * count
        for i, pointer in enumerate(pointers(matrices, count)):
            infos[i] = factored(matrix(pointer, self.dtype, n, n, lda), rows[i])

    def getriBatched(self, handle: int, *given: int) -> None:
        n, matrices, lda, pivots, results, ldc, info, count = given
        ready(handle, "getriBatched")
        infos, one = view(info, np.int32, (count,)), np.eye(n, dtype=self.dtype)
        for i, (source, target) in enumerate(zip(pointers(matrices, count), pointers(results, count), strict=True)):
            both = matrix(source, self.dtype, n, n, lda)
            lower, upper = np.tril(both, -1) + one, np.triu(both)
            order = np.arange(n)
            for j, p in enumerate(view(pivots, np.int32, (count, n))[i] - 1 if pivots else ()):
                order[[j, p]] = order[[p, j]]
            infos[i] = next((j + 1 for j in range(n) if upper[j, j] == 0), 0)
            if not infos[i]:
                inverse = np.linalg.solve(upper, np.linalg.solve(lower, one[order]))
                matrix(target, self.dtype, n, n, ldc)[...] = inverse

    def getrsBatched(self, handle: int, *given: int) -> int:
        turn, n, columns, matrices, lda, pivots, targets, ldb, info, count = given
        ready(handle, "getrsBatched")
        for i, (source, target) in enumerate(zip(pointers(matrices, count), pointers(targets, count), strict=True)):
            both = matrix(source, self.dtype, n, n, lda)
            whole = (np.tril(both, -1) + np.eye(n, dtype=self.dtype)) @ np.triu(both)
            for j, p in reversed(list(enumerate(view(pivots, np.int32, (count, n))[i] - 1 if pivots else ()))):
                whole[[j, p]] = whole[[p, j]]
            right = matrix(target, self.dtype, n, columns, ldb)
            singular = any(both.diagonal() == 0)  # a GPU divides by it and goes on
            right[...] = np.nan if singular else np.linalg.solve(turned(whole, turn), right)
        view(info, np.int32, (1,))[0] = 0
        return 0
