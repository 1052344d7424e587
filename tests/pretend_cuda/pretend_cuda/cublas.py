"""cuBLAS by NumPy, in place of CuPy's module of the same name. Matrices are in columns, as Fortran has them."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from cupy_backends.cuda.api import runtime

from pretend_cuda.trace import note_product
from pretend_cuda.views import view

CUBLAS_OP_N, CUBLAS_OP_T, CUBLAS_OP_C = 0, 1, 2
CUBLAS_POINTER_MODE_HOST, CUBLAS_POINTER_MODE_DEVICE = 0, 1
CUBLAS_SIDE_LEFT, CUBLAS_SIDE_RIGHT = 0, 1
CUBLAS_FILL_MODE_LOWER, CUBLAS_FILL_MODE_UPPER = 0, 1
CUBLAS_DIAG_NON_UNIT, CUBLAS_DIAG_UNIT = 0, 1
CUBLAS_GEMM_DEFAULT = CUBLAS_GEMM_DFALT = -1
CUBLAS_GEMM_DEFAULT_TENSOR_OP = CUBLAS_GEMM_DFALT_TENSOR_OP = 99
CUBLAS_DEFAULT_MATH, CUBLAS_TENSOR_OP_MATH = 0, 1
CUBLAS_COMPUTE_16F, CUBLAS_COMPUTE_16F_PEDANTIC = 64, 65
CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_PEDANTIC = 68, 69
CUBLAS_COMPUTE_32F_FAST_16F, CUBLAS_COMPUTE_32F_FAST_16BF, CUBLAS_COMPUTE_32F_FAST_TF32 = 74, 75, 77
CUBLAS_COMPUTE_64F, CUBLAS_COMPUTE_64F_PEDANTIC = 70, 71
CUBLAS_COMPUTE_32I, CUBLAS_COMPUTE_32I_PEDANTIC = 72, 73

S, D, C, Z = (np.dtype(name) for name in ("float32", "float64", "complex64", "complex128"))
BFLOAT16 = "bfloat16"
TYPES: dict[int, Any] = {0: S, 1: D, 2: np.dtype("float16"), 3: np.dtype("int8"), 4: C, 5: Z, 14: BFLOAT16}
"""cudaDataType -> the dtype."""


class CUBLASError(RuntimeError):
    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__({7: "CUBLAS_STATUS_INVALID_VALUE", 15: "CUBLAS_STATUS_NOT_SUPPORTED"}.get(status, str(status)))

    def __reduce__(self) -> Any:
        return type(self), (self.status,)


# ---------------------------------------------------------------- handles
class _Handle:
    def __init__(self) -> None:
        self.stream = self.pointers = self.math = 0


_handles: dict[int, _Handle] = {}
_numbers = itertools.count(1)


def create() -> int:
    number = next(_numbers)
    _handles[number] = _Handle()
    return number


def destroy(handle: int, _handles: dict[int, _Handle] = _handles) -> None:  # also when this module is gone, at exit
    _handles.pop(handle, None)


def getVersion(handle: int) -> int:
    return 130000


def getPointerMode(handle: int) -> int:
    return _handles[handle].pointers


def setPointerMode(handle: int, mode: int) -> None:
    _handles[handle].pointers = mode


def setStream(handle: int, stream: int) -> None:
    if runtime.streamIsCapturing(stream):  # as CuPy does; cuBLAS itself could
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
    _handles[handle].stream = stream
    runtime.pretend_finish(stream)


def getStream(handle: int) -> int:
    return _handles[handle].stream


def setMathMode(handle: int, mode: int) -> None:
    _handles[handle].math = mode


def getMathMode(handle: int) -> int:
    return _handles[handle].math


def _ready(handle: int) -> None:
    """What each call of CuPy's module does before it goes to cuBLAS."""
    from cupy.cuda import get_current_stream

    setStream(handle, get_current_stream().ptr)
    caller = sys._getframe(1).f_code.co_name
    if caller not in ("gemm", "gemmEx", "gemmStridedBatchedEx", "batched", "strided"):  # these note what they multiply
        note_product(caller)


# ---------------------------------------------------------------- what all share
def _one(pointer: int, dtype: Any) -> Any:
    return view(pointer, dtype, (1,))[0]


def _vector(pointer: int, dtype: Any, n: int, step: int) -> np.ndarray:
    if step >= 0:
        return view(pointer, dtype, (n,), (step,)) if n else np.empty(0, dtype)
    return view(pointer, dtype, (n,), (-step,))[::-1]


def _matrix(pointer: int, dtype: Any, rows: int, columns: int, lead: int) -> np.ndarray:
    return view(pointer, dtype, (rows, columns), (1, lead))


def _turned(matrix: np.ndarray, operation: int) -> np.ndarray:
    return (matrix, matrix.swapaxes(-1, -2), matrix.swapaxes(-1, -2).conj())[operation]


def _wide(pointer: int, kind: int, compute: np.dtype, shape: tuple[int, ...], steps: tuple[int, ...]) -> np.ndarray:
    """An array of a cudaDataType, as the dtype in which it is computed."""
    if TYPES[kind] is BFLOAT16:
        bits = view(pointer, np.uint16, shape, steps).astype(np.uint32) << 16
        return bits.view(np.float32).astype(compute, copy=False)
    return view(pointer, TYPES[kind], shape, steps).astype(compute, copy=False)


def _put(pointer: int, kind: int, shape: tuple[int, ...], steps: tuple[int, ...], values: np.ndarray) -> None:
    if TYPES[kind] is BFLOAT16:
        bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
        rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
        view(pointer, np.uint16, shape, steps)[...] = np.where(np.isnan(values), 0x7FFF, rounded)
    else:
        with np.errstate(over="ignore"):
            view(pointer, TYPES[kind], shape, steps)[...] = values


def _products(
    ta: int,
    tb: int,
    m: int,
    n: int,
    k: int,
    alpha: int,
    a: int,
    a_type: int,
    lda: int,
    sa: int,
    b: int,
    b_type: int,
    ldb: int,
    sb: int,
    beta: int,
    c: int,
    c_type: int,
    ldc: int,
    sc: int,
    count: int,
    compute: np.dtype,
) -> None:
    """``c = alpha op(a) op(b) + beta c`` for ``count`` matrices of each, where beta = 0 does not read c."""
    if lda < max(1, k if ta else m) or ldb < max(1, n if tb else k) or ldc < max(1, m):
        raise CUBLASError(7)
    if not (m and n and count):
        return
    rows_a, rows_b = ((k, m) if ta else (m, k)), ((n, k) if tb else (k, n))
    first, second = _one(alpha, compute), _one(beta, compute)
    with np.errstate(all="ignore"):
        left = _turned(_wide(a, a_type, compute, (count, *rows_a), (sa, 1, lda)), ta)
        right = _turned(_wide(b, b_type, compute, (count, *rows_b), (sb, 1, ldb)), tb)
        result = first * np.matmul(left, right)
        shape, steps = (count, m, n), (sc, 1, ldc)
        if second != 0:
            result = result + second * _wide(c, c_type, compute, shape, steps)
        _put(c, c_type, shape, steps, result)
    of_a, of_b, of_c = (2 if TYPES[kind] is BFLOAT16 else TYPES[kind].itemsize for kind in (a_type, b_type, c_type))
    read = count * (m * k * of_a + k * n * of_b + (m * n * of_c if second != 0 else 0))
    note_product("gemm" if count == 1 else f"gemm of {count}", read, count * m * n * of_c, (m, n, k))


def _computed_in(compute: int, c_type: int) -> np.dtype:
    """The dtype of alpha, beta and the sums; batched products are told a cudaDataType in its place."""
    if compute in (CUBLAS_COMPUTE_64F, CUBLAS_COMPUTE_64F_PEDANTIC, 1, 5):
        return Z if TYPES[c_type] == Z else D
    if compute in (CUBLAS_COMPUTE_16F, CUBLAS_COMPUTE_16F_PEDANTIC, 2):
        raise NotImplementedError("pretend_cuda: products summed in float16 are not emulated")
    return C if TYPES[c_type] == C else S


# ---------------------------------------------------------------- products of matrices
def gemmEx(
    handle: int,
    ta: int,
    tb: int,
    m: int,
    n: int,
    k: int,
    alpha: int,
    a: int,
    a_type: int,
    lda: int,
    b: int,
    b_type: int,
    ldb: int,
    beta: int,
    c: int,
    c_type: int,
    ldc: int,
    compute: int,
    algo: int,
) -> None:
    _ready(handle)
    dtype = _computed_in(compute, c_type)
    _products(ta, tb, m, n, k, alpha, a, a_type, lda, 0, b, b_type, ldb, 0, beta, c, c_type, ldc, 0, 1, dtype)


def sgemmEx(
    handle: int,
    ta: int,
    tb: int,
    m: int,
    n: int,
    k: int,
    alpha: int,
    a: int,
    a_type: int,
    lda: int,
    b: int,
    b_type: int,
    ldb: int,
    beta: int,
    c: int,
    c_type: int,
    ldc: int,
) -> None:
    gemmEx(handle, ta, tb, m, n, k, alpha, a, a_type, lda, b, b_type, ldb, beta, c, c_type, ldc, 68, -1)


def gemmStridedBatchedEx(
    handle: int,
    ta: int,
    tb: int,
    m: int,
    n: int,
    k: int,
    alpha: int,
    a: int,
    a_type: int,
    lda: int,
    sa: int,
    b: int,
    b_type: int,
    ldb: int,
    sb: int,
    beta: int,
    c: int,
    c_type: int,
    ldc: int,
    sc: int,
    count: int,
    compute: int,
    algo: int,
) -> None:
    _ready(handle)
    dtype = _computed_in(compute, c_type)
    _products(ta, tb, m, n, k, alpha, a, a_type, lda, sa, b, b_type, ldb, sb, beta, c, c_type, ldc, sc, count, dtype)


def _gemm(dtype: np.dtype, kind: int) -> Callable[..., None]:
    def gemm(handle, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):  # type: ignore[no-untyped-def]
        _ready(handle)
        _products(ta, tb, m, n, k, alpha, a, kind, lda, 0, b, kind, ldb, 0, beta, c, kind, ldc, 0, 1, dtype)

    return gemm


def _gemm_batched(dtype: np.dtype, kind: int) -> Callable[..., None]:
    def batched(handle, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, count):  # type: ignore[no-untyped-def]
        _ready(handle)
        for pa, pb, pc in zip(*(view(p, np.uint64, (count,)).tolist() for p in (a, b, c)), strict=True):
            _products(ta, tb, m, n, k, alpha, pa, kind, lda, 0, pb, kind, ldb, 0, beta, pc, kind, ldc, 0, 1, dtype)

    return batched


def _gemm_strided(dtype: np.dtype, kind: int) -> Callable[..., None]:
    def strided(handle, ta, tb, m, n, k, alpha, a, lda, sa, b, ldb, sb, beta, c, ldc, sc, count):  # type: ignore
        _ready(handle)
        _products(ta, tb, m, n, k, alpha, a, kind, lda, sa, b, kind, ldb, sb, beta, c, kind, ldc, sc, count, dtype)

    return strided


def _geam(dtype: np.dtype) -> Callable[..., None]:
    def geam(handle, ta, tb, m, n, alpha, a, lda, beta, b, ldb, c, ldc):  # type: ignore[no-untyped-def]
        _ready(handle)
        first, second = _one(alpha, dtype), _one(beta, dtype)
        result = np.zeros((m, n), dtype)
        if first != 0:
            result = result + first * _turned(_matrix(a, dtype, *((n, m) if ta else (m, n)), lda), ta)
        if second != 0:
            result = result + second * _turned(_matrix(b, dtype, *((n, m) if tb else (m, n)), ldb), tb)
        _matrix(c, dtype, m, n, ldc)[...] = result

    return geam


def _dgmm(dtype: np.dtype) -> Callable[..., None]:
    def dgmm(handle, side, m, n, a, lda, x, step, c, ldc):  # type: ignore[no-untyped-def]
        _ready(handle)
        matrix = _matrix(a, dtype, m, n, lda)
        if side == CUBLAS_SIDE_LEFT:
            result = _vector(x, dtype, m, step)[:, None] * matrix
        else:
            result = matrix * _vector(x, dtype, n, step)
        _matrix(c, dtype, m, n, ldc)[...] = result

    return dgmm


def _syrk(dtype: np.dtype) -> Callable[..., None]:
    def syrk(handle, uplo, trans, n, k, alpha, a, lda, beta, c, ldc):  # type: ignore[no-untyped-def]
        _ready(handle)
        left = _matrix(a, dtype, k, n, lda).T if trans else _matrix(a, dtype, n, k, lda)
        target = _matrix(c, dtype, n, n, ldc)
        result = _one(alpha, dtype) * (left @ left.T)
        if _one(beta, dtype) != 0:
            result = result + _one(beta, dtype) * target
        half = np.triu(np.ones((n, n), bool)) if uplo == CUBLAS_FILL_MODE_UPPER else np.tril(np.ones((n, n), bool))
        target[half] = result[half]

    return syrk


def _trsm(dtype: np.dtype) -> Callable[..., None]:
    def trsm(handle, side, uplo, trans, diag, m, n, alpha, a, lda, b, ldb):  # type: ignore[no-untyped-def]
        _ready(handle)
        size = m if side == CUBLAS_SIDE_LEFT else n
        matrix = _matrix(a, dtype, size, size, lda)
        matrix = np.triu(matrix) if uplo == CUBLAS_FILL_MODE_UPPER else np.tril(matrix)
        if diag == CUBLAS_DIAG_UNIT:
            np.fill_diagonal(matrix, 1)
        matrix, target = _turned(matrix, trans), _matrix(b, dtype, m, n, ldb)
        given = _one(alpha, dtype) * target
        target[...] = (
            np.linalg.solve(matrix, given) if side == CUBLAS_SIDE_LEFT else np.linalg.solve(matrix.T, given.T).T
        )

    return trsm


# ---------------------------------------------------------------- vectors, and matrices with them
def _gemv(dtype: np.dtype) -> Callable[..., None]:
    def gemv(handle, trans, m, n, alpha, a, lda, x, step_x, beta, y, step_y):  # type: ignore[no-untyped-def]
        _ready(handle)
        matrix = _turned(_matrix(a, dtype, m, n, lda), trans)
        target = _vector(y, dtype, matrix.shape[0], step_y)
        result = _one(alpha, dtype) * (matrix @ _vector(x, dtype, matrix.shape[1], step_x))
        if _one(beta, dtype) != 0:
            result = result + _one(beta, dtype) * target
        target[...] = result

    return gemv


def _ger(dtype: np.dtype, conjugated: bool) -> Callable[..., None]:
    def ger(handle, m, n, alpha, x, step_x, y, step_y, a, lda):  # type: ignore[no-untyped-def]
        _ready(handle)
        right = _vector(y, dtype, n, step_y)
        outer = np.outer(_vector(x, dtype, m, step_x), right.conj() if conjugated else right)
        _matrix(a, dtype, m, n, lda)[...] += _one(alpha, dtype) * outer

    return ger


def _reduce(dtype: np.dtype, result_dtype: Any, function: Callable[[np.ndarray], Any]) -> Callable[..., None]:
    def reduce(handle, n, x, step, result):  # type: ignore[no-untyped-def]
        _ready(handle)
        view(result, result_dtype, (1,))[0] = function(_vector(x, dtype, n, step)) if n else 0

    return reduce


def _dot(dtype: np.dtype, conjugated: bool) -> Callable[..., None]:
    def dot(handle, n, x, step_x, y, step_y, result):  # type: ignore[no-untyped-def]
        _ready(handle)
        left = _vector(x, dtype, n, step_x)
        view(result, dtype, (1,))[0] = np.dot(left.conj() if conjugated else left, _vector(y, dtype, n, step_y))

    return dot


def _axpy(dtype: np.dtype) -> Callable[..., None]:
    def axpy(handle, n, alpha, x, step_x, y, step_y):  # type: ignore[no-untyped-def]
        _ready(handle)
        _vector(y, dtype, n, step_y)[...] += _one(alpha, dtype) * _vector(x, dtype, n, step_x)

    return axpy


def _scal(dtype: np.dtype, by: np.dtype) -> Callable[..., None]:
    def scal(handle, n, alpha, x, step):  # type: ignore[no-untyped-def]
        _ready(handle)
        _vector(x, dtype, n, step)[...] *= _one(alpha, by)

    return scal


# ---------------------------------------------------------------- small systems, many at once
def _pivoted(matrix: np.ndarray, pivots: np.ndarray | None) -> int:
    """LU in place with rows exchanged; the number, from 1, of the first pivot that is zero."""
    info = 0
    for j in range(matrix.shape[0]):
        p = j + int(np.argmax(np.abs(matrix[j:, j]))) if pivots is not None else j
        if pivots is not None:
            pivots[j] = p + 1
            matrix[[j, p]] = matrix[[p, j]]
        if matrix[j, j] == 0:
            info = info or j + 1
            continue
        matrix[j + 1 :, j] /= matrix[j, j]
        matrix[j + 1 :, j + 1 :] -= np.outer(matrix[j + 1 :, j], matrix[j, j + 1 :])
    return info


def _getrf(dtype: np.dtype) -> Callable[..., None]:
    def getrf(handle, n, matrices, lda, pivots, info, count):  # type: ignore[no-untyped-def]
        _ready(handle)
        infos = view(info, np.int32, (count,))
        rows = view(pivots, np.int32, (count, n)) if pivots else [None] * count
        for i, pointer in enumerate(view(matrices, np.uint64, (count,)).tolist()):
            infos[i] = _pivoted(_matrix(pointer, dtype, n, n, lda), rows[i])

    return getrf


def _getri(dtype: np.dtype) -> Callable[..., None]:
    def getri(handle, n, matrices, lda, pivots, results, ldc, info, count):  # type: ignore[no-untyped-def]
        _ready(handle)
        infos = view(info, np.int32, (count,))
        pointers = (view(p, np.uint64, (count,)).tolist() for p in (matrices, results))
        for i, (source, target) in enumerate(zip(*pointers, strict=True)):
            both = _matrix(source, dtype, n, n, lda)
            lower, upper = np.tril(both, -1) + np.eye(n, dtype=dtype), np.triu(both)
            order = np.arange(n)
            if pivots:
                for j, p in enumerate(view(pivots, np.int32, (count, n))[i] - 1):
                    order[[j, p]] = order[[p, j]]
            infos[i] = next((j + 1 for j in range(n) if upper[j, j] == 0), 0)
            if not infos[i]:
                inverse = np.linalg.solve(upper, np.linalg.solve(lower, np.eye(n, dtype=dtype)[order]))
                _matrix(target, dtype, n, n, ldc)[...] = inverse

    return getri


def _getrs(dtype: np.dtype) -> Callable[..., int]:
    def getrs(handle, trans, n, columns, matrices, lda, pivots, targets, ldb, info, count):  # type: ignore
        _ready(handle)
        pointers = (view(p, np.uint64, (count,)).tolist() for p in (matrices, targets))
        for i, (source, target) in enumerate(zip(*pointers, strict=True)):
            both = _matrix(source, dtype, n, n, lda)
            matrix = (np.tril(both, -1) + np.eye(n, dtype=dtype)) @ np.triu(both)
            if pivots:
                for j, p in reversed(list(enumerate(view(pivots, np.int32, (count, n))[i] - 1))):
                    matrix[[j, p]] = matrix[[p, j]]
            given = _matrix(target, dtype, n, columns, ldb)
            if any(both.diagonal() == 0):  # a GPU divides by it and goes on
                given[...] = np.nan
            else:
                given[...] = np.linalg.solve(_turned(matrix, trans), given)
        if info:
            view(info, np.int32, (1,))[0] = 0
        return 0

    return getrs


def _define() -> None:
    names = globals()
    for letter, dtype, kind in (("s", S, 0), ("d", D, 1), ("c", C, 4), ("z", Z, 5)):
        names[f"{letter}gemm"] = _gemm(dtype, kind)
        names[f"{letter}gemmBatched"] = _gemm_batched(dtype, kind)
        names[f"{letter}gemmStridedBatched"] = _gemm_strided(dtype, kind)
        names[f"{letter}geam"], names[f"{letter}dgmm"] = _geam(dtype), _dgmm(dtype)
        names[f"{letter}syrk"], names[f"{letter}trsm"] = _syrk(dtype), _trsm(dtype)
        names[f"{letter}gemv"], names[f"{letter}axpy"] = _gemv(dtype), _axpy(dtype)
        names[f"{letter}scal"] = _scal(dtype, dtype)
        names[f"{letter}getrfBatched"], names[f"{letter}getriBatched"] = _getrf(dtype), _getri(dtype)
        names[f"{letter}getrsBatched"] = _getrs(dtype)
        names[f"i{letter}amax"] = _reduce(dtype, np.int32, lambda v: np.argmax(abs(v.real) + abs(v.imag)) + 1)
        names[f"i{letter}amin"] = _reduce(dtype, np.int32, lambda v: np.argmin(abs(v.real) + abs(v.imag)) + 1)
        real = np.dtype(dtype.char.lower())
        prefix = {"c": "sc", "z": "dz"}.get(letter, letter)
        names[f"{prefix}asum"] = _reduce(dtype, real, lambda v: np.sum(abs(v.real) + abs(v.imag)))
        names[f"{prefix}nrm2"] = _reduce(dtype, real, np.linalg.norm)
        if letter in "sd":
            names[f"{letter}dot"], names[f"{letter}ger"] = _dot(dtype, False), _ger(dtype, False)
        else:
            names[f"{letter}dotu"], names[f"{letter}dotc"] = _dot(dtype, False), _dot(dtype, True)
            names[f"{letter}geru"], names[f"{letter}gerc"] = _ger(dtype, False), _ger(dtype, True)
    names["csscal"], names["zdscal"] = _scal(C, S), _scal(Z, D)


_define()


def __getattr__(name: str) -> Any:
    if name[:1].islower() and not name.startswith("_"):

        def absent(*args: Any) -> None:
            raise NotImplementedError(f"pretend_cuda: cublas.{name} is not emulated")

        return absent
    raise AttributeError(name)
