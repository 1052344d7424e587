"""The part of cuSOLVER that cupy.linalg calls, by SciPy's LAPACK. Matrices are in columns; info tells what failed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from cupy_backends.cuda.api import runtime
from scipy.linalg import lapack

from pretend_cuda.views import view

CUSOLVER_EIG_MODE_NOVECTOR, CUSOLVER_EIG_MODE_VECTOR = 0, 1
TYPES = {0: "float32", 1: "float64", 4: "complex64", 5: "complex128"}
_streams: dict[int, int] = {}
_numbers = itertools.count(1)


class CUSOLVERError(RuntimeError):
    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"CUSOLVER_STATUS {status}")

    def __reduce__(self) -> Any:
        return type(self), (self.status,)


def create() -> int:
    number = next(_numbers)
    _streams[number] = 0
    return number


def destroy(handle: int, _streams: dict[int, int] = _streams) -> None:
    _streams.pop(handle, None)


spCreate, spDestroy = create, destroy


def setStream(handle: int, stream: int) -> None:
    if runtime.streamIsCapturing(stream):
        raise NotImplementedError("calling cuSOLVER API during stream capture is currently unsupported")
    _streams[handle] = stream
    runtime.pretend_finish(stream)


def getStream(handle: int) -> int:
    return _streams[handle]


def _getVersion() -> tuple[int, int, int]:
    return 12, 0, 0


def _ready(handle: int) -> None:
    from cupy.cuda import get_current_stream

    setStream(handle, get_current_stream().ptr)


def createParams() -> int:
    return 1


def destroyParams(params: int) -> None:
    pass


def _matrix(pointer: int, dtype: Any, rows: int, columns: int, lead: int) -> np.ndarray:
    return view(pointer, dtype, (rows, columns), (1, lead))


def _tell(info: int, value: int) -> None:
    view(info, np.int32, (1,))[0] = value


def _buffer_size(*args: Any) -> int:
    return 1


def _define(letter: str, dtype: np.dtype) -> None:
    def routine(name: str) -> Callable[..., Any]:
        return getattr(lapack, letter + name)

    def potrf(handle, uplo, n, a, lda, work, lwork, info):  # type: ignore[no-untyped-def]
        _ready(handle)
        matrix = _matrix(a, dtype, n, n, lda)
        factor, status = routine("potrf")(matrix, lower=uplo == 0, clean=False)
        half = np.tril(np.ones((n, n), bool)) if uplo == 0 else np.triu(np.ones((n, n), bool))
        matrix[half] = factor[half]
        _tell(info, status)

    def potrf_batched(handle, uplo, n, matrices, lda, info, count):  # type: ignore[no-untyped-def]
        _ready(handle)
        for i, pointer in enumerate(view(matrices, np.uint64, (count,)).tolist()):
            potrf(handle, uplo, n, pointer, lda, 0, 0, info + 4 * i)

    def getrf(handle, m, n, a, lda, work, pivots, info):  # type: ignore[no-untyped-def]
        _ready(handle)
        matrix = _matrix(a, dtype, m, n, lda)
        factor, order, status = routine("getrf")(matrix)
        matrix[...] = factor
        if pivots:
            view(pivots, np.int32, (min(m, n),))[...] = order + 1
        _tell(info, status)

    def getrs(handle, trans, n, count, a, lda, pivots, b, ldb, info):  # type: ignore[no-untyped-def]
        _ready(handle)
        given = _matrix(b, dtype, n, count, ldb)
        order = view(pivots, np.int32, (n,)) - 1
        result, status = routine("getrs")(_matrix(a, dtype, n, n, lda), order, given, trans=trans)
        given[...] = result
        _tell(info, status)

    def geqrf(handle, m, n, a, lda, tau, work, lwork, info):  # type: ignore[no-untyped-def]
        _ready(handle)
        matrix = _matrix(a, dtype, m, n, lda)
        factor, scales, _, status = routine("geqrf")(matrix)
        matrix[...] = factor
        view(tau, dtype, (min(m, n),))[...] = scales
        _tell(info, status)

    generate = "orgqr" if letter in "sd" else "ungqr"
    multiply = "ormqr" if letter in "sd" else "unmqr"

    def orgqr(handle, m, n, k, a, lda, tau, work, lwork, info):  # type: ignore[no-untyped-def]
        _ready(handle)
        matrix = _matrix(a, dtype, m, n, lda)
        result, _, status = routine(generate)(matrix, view(tau, dtype, (k,)))
        matrix[...] = result
        _tell(info, status)

    def ormqr(handle, side, trans, m, n, k, a, lda, tau, c, ldc, work, lwork, info):  # type: ignore[no-untyped-def]
        _ready(handle)
        matrix, target = _matrix(a, dtype, n if side else m, k, lda), _matrix(c, dtype, m, n, ldc)
        operation = "N" if not trans else ("T" if letter in "sd" else "C")
        result, _, status = routine(multiply)(
            "LR"[side], operation, matrix, view(tau, dtype, (k,)), target, 64 * max(m, n)
        )
        target[...] = result
        _tell(info, status)

    def gesvd(handle, job_u, job_vt, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, rwork, info):  # type: ignore
        _ready(handle)
        k = min(m, n)
        matrix = _matrix(a, dtype, m, n, lda)
        letters = chr(job_u), chr(job_vt)
        left, values, right = np.linalg.svd(matrix, full_matrices="A" in letters)
        view(s, dtype.char.lower(), (k,))[...] = values
        if letters[0] in "AS":
            _matrix(u, dtype, m, m if letters[0] == "A" else k, ldu)[...] = left
        if letters[1] in "AS":
            _matrix(vt, dtype, n if letters[1] == "A" else k, n, ldvt)[...] = right
        if letters[0] == "O":
            matrix[:, :k] = left[:, :k]
        elif letters[1] == "O":
            matrix[:k] = right[:k]
        _tell(info, 0)

    names = globals()
    functions = {"potrf": potrf, "getrf": getrf, "getrs": getrs, "geqrf": geqrf, generate: orgqr, multiply: ormqr}
    for name, function in {**functions, "gesvd": gesvd, "potrfBatched": potrf_batched}.items():
        names[letter + name] = function
        names[f"{letter}{name}_bufferSize"] = _buffer_size


for _letter, _dtype in (("s", "f"), ("d", "d"), ("c", "F"), ("z", "D")):
    _define(_letter, np.dtype(_dtype))


def xsyevd_bufferSize(*args: Any) -> tuple[int, int]:
    return 1, 1


def xsyevd(
    handle: int,
    params: int,
    jobz: int,
    uplo: int,
    n: int,
    a_type: int,
    a: int,
    lda: int,
    w_type: int,
    w: int,
    compute: int,
    device_work: int,
    device_size: int,
    host_work: int,
    host_size: int,
    info: int,
) -> None:
    _ready(handle)
    matrix = _matrix(a, TYPES[a_type], n, n, lda)
    values, vectors = np.linalg.eigh(matrix, UPLO="LU"[uplo])
    view(w, TYPES[w_type], (n,))[...] = values
    if jobz == CUSOLVER_EIG_MODE_VECTOR:
        matrix[...] = vectors
    _tell(info, 0)


def __getattr__(name: str) -> Any:
    if name[:1].islower() and not name.startswith("_"):

        def absent(*args: Any) -> None:
            raise NotImplementedError(f"pretend_cuda: cusolver.{name} is not emulated")

        return absent
    raise AttributeError(name)
