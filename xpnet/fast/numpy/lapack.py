"""LAPACK's routines of the library that NumPy multiplies with, which NumPy itself offers only as whole solutions.

They compute in the dtype of the array, as torch and CuPy do; NumPy converts float32 to float64 and back.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.threads import blas

LETTERS = {"f": "s", "d": "d", "F": "c", "D": "z"}  # the letters of dtypes, NumPy's and LAPACK's
SPELLINGS = ("scipy_{}_64_", "{}_64_", "{}_")  # of OpenBLAS, with 64 or 32 bits in an integer
BLOCK = 64  # columns that getri takes at once


@cache
def works() -> bool:
    """Return whether the library is here and factorises a matrix; its integers may have 32 bits."""
    if _library() is None:
        return False
    lu, pivots = np.asarray([[0.0, 4.0], [2.0, 6.0]]), np.zeros(2, np.int64)
    return factorise(lu, pivots) == 0 and lu.tolist() == [[4.0, 0.0], [6.0, 2.0]] and swaps(pivots) == 1


@cache
def _library() -> tuple[Any, str] | None:
    """Return OpenBLAS and the spelling of its routines, or None."""
    for controller in blas():
        if controller.internal_api == "openblas":
            for spelling in SPELLINGS:
                if hasattr(controller.dynlib, spelling.format("dgetrf")):
                    return controller.dynlib, spelling
    return None


@cache
def routine(name: str, char: str) -> Callable[..., Any]:
    found = _library()
    if found is None:
        raise ImportError("LAPACK")  # ``works`` is asked first
    library, spelling = found
    function: Any = getattr(library, spelling.format(LETTERS[char] + name))
    function.restype = None
    return function  # type: ignore[no-any-return]


def call(name: str, like: Host, *given: Any, reports: bool = True) -> int:
    """Call a routine, and return its ``info``: 0 if all went well.

    Fortran takes everything by address, and after the rest the length of each text.
    """
    info = ctypes.c_int64(0)
    texts = [x for x in given if type(x) is bytes]
    arguments = [
        x.ctypes if isinstance(x, np.ndarray) else x if type(x) is bytes else ctypes.byref(ctypes.c_int64(x))
        for x in given
    ]
    ends = [ctypes.byref(info)] if reports else []
    routine(name, like.dtype.char)(*arguments, *ends, *[ctypes.c_size_t(len(text)) for text in texts])
    return ctypes.c_int32(info.value).value  # the lower half is all that 32 bits write


def factorise(lu: Host, pivots: Host) -> int:
    """Overwrite a matrix whose rows are the columns of a by its factors; return the number of the first pivot 0."""
    n = lu.shape[-1]
    return call("getrf", lu, n, n, lu, n, pivots)


def swaps(pivots: Host) -> int:
    """Return how many rows the factors exchanged."""
    n = pivots.size
    narrow = pivots.view(np.int32)[:n]
    rows = narrow if n > 1 and narrow[1] else pivots  # an integer of 64 bits begins with two halves, one of them 0
    return int(np.count_nonzero(rows != np.arange(1, n + 1)))


def solve_by_factors(lu: Host, pivots: Host, x: Host, transposed: bool) -> None:
    """Overwrite right-hand sides, whose rows are columns of b, by the solutions."""
    n = lu.shape[-1]
    call("getrs", lu, b"T" if transposed else b"N", n, x.size // n, lu, n, pivots, x, n)


def invert_by_factors(lu: Host, pivots: Host) -> None:
    """Overwrite the factors by the inverse, of which rows are columns."""
    n = lu.shape[-1]
    work = np.empty(BLOCK * n, lu.dtype)
    call("getri", lu, n, lu, n, pivots, work, work.size)


def cholesky(y: Host) -> int:
    """Overwrite a symmetric matrix by its lower factor; the upper triangle is left as it is."""
    n = y.shape[-1]
    return call("potrf", y, b"U", n, y, n)


def solve_lower(L: Host, x: Host, adjoint: bool) -> None:
    """Overwrite the columns of x by ``L⁻¹ x`` or ``L⁻ᴴ x``; both lie in memory row by row."""
    n, k = x.shape
    call("trsm", L, b"R", b"U", b"C" if adjoint else b"N", b"N", k, n, np.ones(1, L.dtype), L, n, x, k, reports=False)


def eigh(vectors: Host) -> Host | None:
    """Overwrite a symmetric matrix, whose rows are the columns of a, by its eigenvectors; return the eigenvalues.

    The result is None if they do not converge.
    """
    n, real = vectors.shape[-1], vectors.real.dtype
    values, whole = np.empty(n, real), np.empty(3 + 5 * n, np.int64)
    square, own = np.empty(1 + 6 * n + 2 * n * n, vectors.dtype), np.empty(1 + 5 * n + 2 * n * n, real)
    of_complex = (own, own.size) if vectors.dtype.char in "FD" else ()
    name = "heevd" if of_complex else "syevd"
    info = call(name, vectors, b"V", b"L", n, vectors, n, values, square, square.size, *of_complex, whole, whole.size)
    return values if info == 0 else None
