"""NumPy bodies of functions of matrices: factors are computed once, and used for values and derivatives.

``remembered`` finds what was computed of the same array before, by its memory, and compares the values: nothing is
assumed of arrays that somebody wrote to. It keeps no array alive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np

from xpnet import kernels
from xpnet.fast.numpy import lapack
from xpnet.fast.numpy.blocks import Host

LEAST = 24  # rows; smaller matrices take longer to pass to LAPACK than NumPy takes for all
MOST = 4  # arrays of which something is remembered

Key = tuple[int, tuple[int, ...], tuple[int, ...], str]


class Memory:
    """A copy of an array, and what was computed of it."""

    def __init__(self, owner: Host, values: Host, forget: Callable[[Any], None]) -> None:
        self.owner = ref(owner, forget)
        self.values = values
        self.results: dict[str, Any] = {}


_memories: dict[Key, Memory] = {}


def remembered(what: str, a: Host, compute: Callable[[Host], Any], transposed: bool = False) -> Any:
    """Return ``compute(a)``, or what it returned for the same array before; None if asked for an unknown transposed."""
    key = _key(a)
    memory = _memories.get(key)
    if memory is not None and np.array_equal(memory.values, a):
        found = memory.results.get(what)
        if found is not None:
            return found
    elif transposed:
        return None
    else:
        memory = _memory(key, a)
    if transposed:
        return None
    memory.results[what] = found = compute(a)
    return found


def _key(a: Host) -> Key:
    return a.__array_interface__["data"][0], a.shape, a.strides, a.dtype.char


def _memory(key: Key, a: Host) -> Memory:
    owner = a
    while isinstance(owner.base, np.ndarray):
        owner = owner.base

    def forget(gone: Any) -> None:
        memory = _memories.get(key)
        if memory is not None and memory.owner is gone:
            _memories.pop(key, None)

    memory = Memory(owner, a.copy(), forget)
    _memories.pop(key, None)
    _memories[key] = memory
    for old in list(_memories)[:-MOST]:
        _memories.pop(old, None)
    return memory


def copies(parts: tuple[Host, ...]) -> tuple[Host, ...]:
    """Return copies, which a caller may write to."""
    return tuple([part.copy() for part in parts])


def mt(a: Host) -> Host:
    return a.swapaxes(-1, -2)


def suits(a: Host, *others: Host) -> bool:
    """Return whether LAPACK takes the matrices, and is worth the call."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2] or a.shape[-1] < LEAST or not a.size:
        return False
    dtype = a.dtype
    if dtype.char not in lapack.LETTERS or not dtype.isnative or any(b.dtype != dtype for b in others):
        return False
    return lapack.works()


class Factors:
    """The factors of matrices, ``a = P L U``; in memory they lie column by column, as LAPACK has them."""

    def __init__(self, a: Host) -> None:
        self.lu = np.array(mt(a), order="C")
        self.pivots = np.zeros(a.shape[:-1], np.int64)
        self.singular = np.asarray([lapack.factorise(*pair) > 0 for pair in self.pairs()]).reshape(a.shape[:-2])

    def pairs(self) -> zip[tuple[Host, Host]]:
        """Return the factors and pivots of each matrix."""
        n = self.lu.shape[-1]
        return zip(self.lu.reshape(-1, n, n), self.pivots.reshape(-1, n), strict=True)

    def check(self) -> None:
        """Raise NumPy's error for singular matrices."""
        if self.singular.any():
            raise np.linalg.LinAlgError("Singular matrix")

    def solve(self, b: Host, transposed: bool) -> Host:
        self.check()
        n = self.lu.shape[-1]
        vector = b.ndim == 1
        x = np.array(b if vector else mt(b), order="C")
        for (lu, pivots), columns in zip(self.pairs(), x.reshape(self.singular.size, -1, n), strict=True):
            lapack.solve_by_factors(lu, pivots, columns, transposed)
        return x if vector else np.ascontiguousarray(mt(x))

    def inverse(self) -> Host:
        self.check()
        y = self.lu.copy()
        for inverse, (_, pivots) in zip(y.reshape(-1, *y.shape[-2:]), self.pairs(), strict=True):
            lapack.invert_by_factors(inverse, pivots)
        return mt(y)

    def determinant(self) -> tuple[Host, Host]:
        """Return the sign and the logarithm of the absolute value, in double precision."""
        diagonal = np.diagonal(self.lu, axis1=-2, axis2=-1)
        wide = diagonal.astype(np.result_type(diagonal.dtype, np.float64))
        odd = np.asarray([lapack.swaps(pivots) % 2 for _, pivots in self.pairs()]).reshape(self.singular.shape)
        sizes = np.abs(wide)
        with np.errstate(divide="ignore", invalid="ignore"):
            if wide.dtype.char == "D":
                signs = np.prod(wide / sizes, axis=-1)
            else:
                signs = np.where(np.count_nonzero(wide < 0, axis=-1) % 2, -1.0, 1.0)
            log = np.sum(np.log(sizes), axis=-1)
        sign = np.where(self.singular, 0.0, np.where(odd, -signs, signs))
        return sign, np.where(self.singular, -np.inf, log)


def factors(a: Host) -> tuple[Factors, bool]:
    """Return the factors of the matrices or, if these are known, of the transposed ones, and whether they are."""
    known = remembered("factors", mt(a), Factors, transposed=True)
    return (known, True) if known is not None else (remembered("factors", a, Factors), False)


@kernels.solve.on("numpy")
def solve(a: Host, b: Host) -> Any:
    single = a.ndim == 2 and b.ndim == 1
    if not suits(a, b) or not b.size or (not single and b.shape[:-1] != a.shape[:-1]):
        return kernels.solve.reference(a, b)
    if single and b.shape != a.shape[:1]:
        return kernels.solve.reference(a, b)
    known, transposed = factors(a)
    return known.solve(b, transposed)


@kernels.inv.on("numpy")
def inv(a: Host) -> Any:
    if not suits(a):
        return kernels.inv.reference(a)
    known, transposed = factors(a)
    return mt(known.inverse()) if transposed else known.inverse()


@kernels.slogdet.on("numpy")
def slogdet(a: Host) -> Any:
    if not suits(a):
        return kernels.slogdet.reference(a)
    sign, log = factors(a)[0].determinant()
    return sign.astype(a.dtype)[()], log.astype(a.real.dtype)[()]


@kernels.det.on("numpy")
def det(a: Host) -> Any:
    if not suits(a):
        return kernels.det.reference(a)
    sign, log = factors(a)[0].determinant()
    return (sign * np.exp(log)).astype(a.dtype)[()]


@kernels.cholesky.on("numpy")
def cholesky(a: Host, *, upper: bool = False) -> Any:
    if not suits(a):
        return kernels.cholesky.reference(a, upper=upper)
    y = np.array(mt(a).conj() if upper else a, order="C")
    for one in y.reshape(-1, *y.shape[-2:]):
        if lapack.cholesky(one):
            raise np.linalg.LinAlgError("Matrix is not positive definite")
    L = np.tril(y)
    return mt(L).conj() if upper else L


@kernels.solve_lower.on("numpy")
def solve_lower(L: Host, b: Host, adjoint: bool) -> Any:
    if not suits(L, b) or not b.size or b.ndim < 2 or b.shape[:-1] != L.shape[:-1]:
        return kernels.solve_lower.reference(L, b, adjoint)
    if not np.diagonal(L, axis1=-2, axis2=-1).all():
        raise np.linalg.LinAlgError("Singular matrix")
    x, L = np.array(b, order="C"), np.ascontiguousarray(L)
    for one, columns in zip(L.reshape(-1, *L.shape[-2:]), x.reshape(-1, *x.shape[-2:]), strict=True):
        lapack.solve_lower(one, columns, adjoint)
    return x


@kernels.eigh.on("numpy")
def eigh(a: Host) -> Any:
    return copies(remembered("eigh", a, _eigh))


@kernels.eigvalsh.on("numpy")
def eigvalsh(a: Host) -> Any:
    return remembered("eigh", a, _eigh)[0].copy()


def _eigh(a: Host) -> tuple[Host, Host]:
    if a.dtype.char not in "fF" or not suits(a):  # what is left is LAPACK's own in NumPy
        values, vectors = np.linalg.eigh(a)
        return values, vectors
    vectors = np.array(mt(a), order="C")
    found = [lapack.eigh(one) for one in vectors.reshape(-1, *a.shape[-2:])]
    if any(one is None for one in found):
        raise np.linalg.LinAlgError("Eigenvalues did not converge")
    return np.asarray(found).reshape(a.shape[:-1]), mt(vectors)


@kernels.thin_svd.on("numpy")
def thin_svd(a: Host) -> Any:
    return copies(remembered("svd", a, _thin_svd))


@kernels.svdvals.on("numpy")
def svdvals(a: Host) -> Any:
    return remembered("svd", a, _thin_svd)[1].copy()


def _thin_svd(a: Host) -> tuple[Host, Host, Host]:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return u, s, vh
