"""Vectors, and matrices with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pretend_cuda.cublas.handles import ready
from pretend_cuda.cublas.operands import matrix, number, turned, vector
from pretend_cuda.views import view


class Vectors:
    """The functions on vectors of one dtype, under their names without its letter."""

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype

    def gemv(self, handle: int, *given: int) -> None:
        """``y = alpha op(a) x + beta y``."""
        turn, m, n, alpha, a, lda, x, step_x, beta, y, step_y = given
        ready(handle, "gemv")
        left, scale = turned(matrix(a, self.dtype, m, n, lda), turn), number(beta, self.dtype)
        target = vector(y, self.dtype, left.shape[0], step_y)
        result = number(alpha, self.dtype) * (left @ vector(x, self.dtype, left.shape[1], step_x))
        target[...] = result if scale == 0 else result + scale * target

    def ger(self, handle: int, *given: int, conjugated: bool = False) -> None:
        """``a += alpha x y^T``."""
        m, n, alpha, x, step_x, y, step_y, a, lda = given
        ready(handle, "ger")
        right = vector(y, self.dtype, n, step_y)
        outer = np.outer(vector(x, self.dtype, m, step_x), right.conj() if conjugated else right)
        matrix(a, self.dtype, m, n, lda)[...] += number(alpha, self.dtype) * outer

    def gerc(self, handle: int, *given: int) -> None:
        self.ger(handle, *given, conjugated=True)

    def dot(self, handle: int, *given: int, conjugated: bool = False) -> None:
        n, x, step_x, y, step_y, result = given
        ready(handle, "dot")
        left = vector(x, self.dtype, n, step_x)
        product = np.dot(left.conj() if conjugated else left, vector(y, self.dtype, n, step_y))
        view(result, self.dtype, (1,))[0] = product

    def dotc(self, handle: int, *given: int) -> None:
        self.dot(handle, *given, conjugated=True)

    def axpy(self, handle: int, *given: int) -> None:
        """``y += alpha x``."""
        n, alpha, x, step_x, y, step_y = given
        ready(handle, "axpy")
        vector(y, self.dtype, n, step_y)[...] += number(alpha, self.dtype) * vector(x, self.dtype, n, step_x)


def scal(dtype: np.dtype, by: np.dtype) -> Callable[..., None]:
    """``x *= alpha``, where alpha may be real."""

    def scaled(handle: int, n: int, alpha: int, x: int, step: int) -> None:
        ready(handle, "scal")
        vector(x, dtype, n, step)[...] *= number(alpha, by)

    return scaled


def reduction(
    name: str, dtype: np.dtype, result_dtype: Any, function: Callable[[np.ndarray], Any]
) -> Callable[..., None]:
    """A function of a vector, 0 where it is empty."""

    def reduced(handle: int, n: int, x: int, step: int, result: int) -> None:
        ready(handle, name)
        view(result, result_dtype, (1,))[0] = function(vector(x, dtype, n, step)) if n else 0

    return reduced


def sizes(values: np.ndarray) -> Any:
    """What BLAS takes for the size of a number: ``|re| + |im|``."""
    return abs(values.real) + abs(values.imag)
