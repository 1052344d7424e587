"""cuBLAS by NumPy, in place of CuPy's module of the same name."""

from __future__ import annotations

from typing import Any

import numpy as np

from pretend_cuda.absent import absent
from pretend_cuda.cublas.handles import (
    CUBLASError,
    create,
    destroy,
    getMathMode,
    getPointerMode,
    getStream,
    getVersion,
    setMathMode,
    setPointerMode,
    setStream,
)
from pretend_cuda.cublas.operands import TYPES
from pretend_cuda.cublas.products import Products, gemmEx, gemmStridedBatchedEx, sgemmEx
from pretend_cuda.cublas.solves import Solves
from pretend_cuda.cublas.vectors import Vectors, reduction, scal, sizes

__all__ = [
    "CUBLASError",
    "create",
    "destroy",
    "gemmEx",
    "gemmStridedBatchedEx",
    "getMathMode",
    "getPointerMode",
    "getStream",
    "getVersion",
    "setMathMode",
    "setPointerMode",
    "setStream",
    "sgemmEx",
]

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


def _functions(letter: str, kind: int) -> dict[str, Any]:
    """What cuBLAS has for one dtype, under the names with its letter."""
    dtype = TYPES[kind]
    real = np.dtype(dtype.char.lower())
    products, vectors, solves = Products(dtype, kind), Vectors(dtype), Solves(dtype)
    methods = (
        *(products.gemm, products.gemmBatched, products.gemmStridedBatched, products.geam, products.dgmm),
        *(products.syrk, vectors.gemv, vectors.axpy),
        *(solves.trsm, solves.getrfBatched, solves.getriBatched, solves.getrsBatched),
    )
    found: dict[str, Any] = {letter + method.__name__: method for method in methods}
    to_real = {"c": "sc", "z": "dz"}.get(letter, letter)
    found |= {
        f"{letter}scal": scal(dtype, dtype),
        f"i{letter}amax": reduction("amax", dtype, np.int32, lambda values: np.argmax(sizes(values)) + 1),
        f"i{letter}amin": reduction("amin", dtype, np.int32, lambda values: np.argmin(sizes(values)) + 1),
        f"{to_real}asum": reduction("asum", dtype, real, lambda values: np.sum(sizes(values))),
        f"{to_real}nrm2": reduction("nrm2", dtype, real, np.linalg.norm),
    }
    if letter in "sd":
        return found | {f"{letter}dot": vectors.dot, f"{letter}ger": vectors.ger}
    complex_only = {"dotu": vectors.dot, "dotc": vectors.dotc, "geru": vectors.ger, "gerc": vectors.gerc}
    return found | {letter + name: function for name, function in complex_only.items()}


for _letter, _kind in (("s", 0), ("d", 1), ("c", 4), ("z", 5)):
    globals().update(_functions(_letter, _kind))
csscal, zdscal = scal(TYPES[4], TYPES[0]), scal(TYPES[5], TYPES[1])


def __getattr__(name: str) -> Any:
    return absent("cublas", name)
