"""The part of cuSOLVER that cupy.linalg calls, by SciPy's LAPACK. Matrices are in columns; info tells what failed."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from cupy_backends.cuda.api import runtime
from scipy.linalg import get_lapack_funcs, lapack

from pretend_cuda.absent import absent
from pretend_cuda.cublas.operands import matrix, pointers
from pretend_cuda.views import view

CUSOLVER_EIG_MODE_NOVECTOR, CUSOLVER_EIG_MODE_VECTOR = 0, 1
LOWER = 0  # CUBLAS_FILL_MODE_LOWER
TYPES = {0: "float32", 1: "float64", 4: "complex64", 5: "complex128"}
_streams: dict[int, int] = {}
_numbers = itertools.count(1)


class CUSOLVERError(RuntimeError):
    """An error of cuSOLVER."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"CUSOLVER_STATUS {status}")

    def __reduce__(self) -> Any:
        return type(self), (self.status,)


# ---------------------------------------------------------------- handles
def create() -> int:
    number = next(_numbers)
    _streams[number] = 0
    return number


def destroy(handle: int, _streams: dict[int, int] = _streams) -> None:  # also when this module is gone, at exit
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


def destroyParams(params: int) -> None: ...


# ---------------------------------------------------------------- factors and solutions
def _tell(info: int, value: int) -> None:
    view(info, np.int32, (1,))[0] = value


def _buffer_size(*arguments: Any) -> int:
    return 1


def xgeev_bufferSize(*arguments: Any) -> tuple[int, int]:
    return 1, 1


def xgeev(handle: int, params: int, jobvl: int, jobvr: int, *given: int) -> None:
    """Eigenvalues and right eigenvectors; of a real matrix, pairs of columns hold the parts of complex vectors."""
    n, kind, a, lda, complex_kind, w, _, _, _, _, vectors, ldv, *_, info = given
    if jobvl != CUSOLVER_EIG_MODE_NOVECTOR:
        raise NotImplementedError("pretend_cuda: xgeev computes no left eigenvectors, as cuSOLVER does not yet")
    _ready(handle)
    dtype, complex_dtype = np.dtype(TYPES[kind]), np.dtype(TYPES[complex_kind])
    wanted = jobvr == CUSOLVER_EIG_MODE_VECTOR
    values = matrix(a, dtype, n, n, lda)
    geev = get_lapack_funcs("geev", (values,))
    *found, _, right, status = geev(values, compute_vl=0, compute_vr=wanted)
    view(w, complex_dtype, (n,))[...] = found[0] if len(found) == 1 else found[0] + 1j * found[1]
    if wanted:
        matrix(vectors, dtype, n, n, ldv)[...] = right
    _tell(info, status)


class Solver:
    """The routines of one dtype, under their names without its letter."""

    def __init__(self, letter: str, dtype: np.dtype) -> None:
        self.letter, self.dtype = letter, dtype

    def lapack(self, name: str) -> Any:
        """LAPACK's routine for the dtype."""
        return getattr(lapack, self.letter + name)

    def potrf(self, handle: int, *given: int) -> None:
        uplo, n, a, lda, _, _, info = given
        _ready(handle)
        values = matrix(a, self.dtype, n, n, lda)
        factor, status = self.lapack("potrf")(values, lower=uplo == LOWER, clean=False)
        half = (np.tril if uplo == LOWER else np.triu)(np.ones((n, n), bool))
        values[half] = factor[half]
        _tell(info, status)

    def potrfBatched(self, handle: int, *given: int) -> None:
        uplo, n, matrices, lda, info, count = given
        _ready(handle)  # before the addresses are read, which are on the device too
        for i, pointer in enumerate(pointers(matrices, count)):
            self.potrf(handle, uplo, n, pointer, lda, 0, 0, info + 4 * i)

    def getrf(self, handle: int, *given: int) -> None:
        m, n, a, lda, _, pivots, info = given
        _ready(handle)
        values = matrix(a, self.dtype, m, n, lda)
        values[...], order, status = self.lapack("getrf")(values)
        if pivots:
            view(pivots, np.int32, (min(m, n),))[...] = order + 1
        _tell(info, status)

    def getrs(self, handle: int, *given: int) -> None:
        turn, n, columns, a, lda, pivots, b, ldb, info = given
        _ready(handle)
        right, order = matrix(b, self.dtype, n, columns, ldb), view(pivots, np.int32, (n,)) - 1
        right[...], status = self.lapack("getrs")(matrix(a, self.dtype, n, n, lda), order, right, trans=turn)
        _tell(info, status)

    def geqrf(self, handle: int, *given: int) -> None:
        m, n, a, lda, tau, _, _, info = given
        _ready(handle)
        values = matrix(a, self.dtype, m, n, lda)
        values[...], scales, _, status = self.lapack("geqrf")(values)
        view(tau, self.dtype, (min(m, n),))[...] = scales
        _tell(info, status)

    def orgqr(self, handle: int, *given: int) -> None:
        m, n, k, a, lda, tau, _, _, info = given
        _ready(handle)
        values = matrix(a, self.dtype, m, n, lda)
        name = "orgqr" if self.letter in "sd" else "ungqr"
        values[...], _, status = self.lapack(name)(values, view(tau, self.dtype, (k,)))
        _tell(info, status)

    def ormqr(self, handle: int, *given: int) -> None:
        side, turn, m, n, k, a, lda, tau, c, ldc, _, _, info = given
        _ready(handle)
        values, target = matrix(a, self.dtype, n if side else m, k, lda), matrix(c, self.dtype, m, n, ldc)
        name, turned = ("ormqr", "T") if self.letter in "sd" else ("unmqr", "C")
        scales, work = view(tau, self.dtype, (k,)), 64 * max(m, n)
        target[...], _, status = self.lapack(name)("LR"[side], turned if turn else "N", values, scales, target, work)
        _tell(info, status)

    def gesvd(self, handle: int, *given: int) -> None:
        job_u, job_vt, m, n, a, lda, s, u, ldu, vt, ldvt, _, _, _, info = given
        _ready(handle)
        k, jobs = min(m, n), (chr(job_u), chr(job_vt))
        values = matrix(a, self.dtype, m, n, lda)
        left, singular, right = np.linalg.svd(values, full_matrices="A" in jobs)
        view(s, self.dtype.char.lower(), (k,))[...] = singular
        if jobs[0] in "AS":
            matrix(u, self.dtype, m, m if jobs[0] == "A" else k, ldu)[...] = left
        if jobs[1] in "AS":
            matrix(vt, self.dtype, n if jobs[1] == "A" else k, n, ldvt)[...] = right
        if jobs[0] == "O":
            values[:, :k] = left[:, :k]
        elif jobs[1] == "O":
            values[:k] = right[:k]
        _tell(info, 0)


def _functions(letter: str, dtype: str) -> dict[str, Any]:
    """What cuSOLVER has for one dtype, under the names with its letter."""
    solver = Solver(letter, np.dtype(dtype))
    named = {name: getattr(solver, name) for name in ("potrf", "potrfBatched", "getrf", "getrs", "geqrf", "gesvd")}
    named |= {"orgqr": solver.orgqr, "ormqr": solver.ormqr}
    if letter in "cz":
        named |= {"ungqr": named.pop("orgqr"), "unmqr": named.pop("ormqr")}
    sizes = {f"{letter}{name}_bufferSize": _buffer_size for name in named}
    return sizes | {letter + name: function for name, function in named.items()}


for _letter, _dtype in (("s", "f"), ("d", "d"), ("c", "F"), ("z", "D")):
    globals().update(_functions(_letter, _dtype))


def xsyevd_bufferSize(*arguments: Any) -> tuple[int, int]:
    return 1, 1


def xsyevd(handle: int, *given: int) -> None:
    _, jobz, uplo, n, a_kind, a, lda, w_kind, w, _, _, _, _, _, info = given
    _ready(handle)
    values = matrix(a, TYPES[a_kind], n, n, lda)
    found, vectors = np.linalg.eigh(values, "U" if uplo else "L")
    view(w, TYPES[w_kind], (n,))[...] = found
    if jobz == CUSOLVER_EIG_MODE_VECTOR:
        values[...] = vectors
    _tell(info, 0)


def __getattr__(name: str) -> Any:
    return absent("cusolver", name)
