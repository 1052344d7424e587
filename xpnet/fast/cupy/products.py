"""Products for which CuPy's own ``@`` would copy: of transposed matrices in a batch, and added to an array."""

from __future__ import annotations

import os
from math import prod
from typing import Any

import cupy
import numpy as np

TYPES = {"float16": 2, "float32": 0, "float64": 1}
"""cudaDataType of the arrays, and of the computation of batches."""
COMPUTE = {"float16": 68, "float32": 77 if os.environ.get("CUPY_TF32") == "1" else 68, "float64": 70}
"""cublasComputeType; CuPy's products in TF32 are chosen by this variable."""
WIDE = {0: 0, 1: 1, 2: 0}
DEFAULT = -1  # the algorithm


def batched(
    a: Any, b: Any, turn_a: bool = False, turn_b: bool = False, scale: float = 1.0, onto: Any = None, more: float = 0.0
) -> Any:
    """Return ``scale a b`` for matrices along leading axes, either of which may be transposed first.

    All may be rows of larger matrices, which lie at equal distances. With ``onto`` the result is ``scale a b + more c``
    in the place of c.
    """
    columns, (rows, inner) = _sizes(a, b, turn_a, turn_b)
    c = cupy.empty((*a.shape[:-2], rows, columns), a.dtype) if onto is None else onto
    kind = TYPES[a.dtype.name]
    numbers = np.asarray([scale, more], "float64" if kind == 1 else "float32")
    if not c.size or not inner:
        if onto is None:
            c.fill(0)
        return c
    of_a, of_b, of_c = ((x.data.ptr, kind, x.strides[-2] // x.itemsize, x.strides[-3] // x.itemsize) for x in (a, b, c))
    by, onto_it = numbers[:1].ctypes.data, numbers[1:].ctypes.data
    turned = (int(turn_b), int(turn_a))  # cuBLAS has matrices in columns: it computes the transpose of c
    count = prod(a.shape[:-2])
    _cublas().gemmStridedBatchedEx(
        *(_handle(), *turned, columns, rows, inner, by, *of_b, *of_a, onto_it, *of_c, count, WIDE[kind], DEFAULT)
    )
    return c


def add_product(a: Any, b: Any, c: Any) -> None:
    """Compute ``c ← c + a bᵀ`` for matrices in C order."""
    columns, (rows, inner) = _sizes(a, b, False, True)
    kind = TYPES[a.dtype.name]
    one = np.ones((), "float64" if kind == 1 else "float32")
    if not c.size or not inner:
        return
    of_a, of_b = ((x.data.ptr, kind, x.shape[-1]) for x in (a, b))
    number, result = one.ctypes.data, (c.data.ptr, kind, columns)
    _cublas().gemmEx(
        *(_handle(), 1, 0, columns, rows, inner, number, *of_b, *of_a, number, *result, COMPUTE[a.dtype.name], DEFAULT)
    )


def _sizes(a: Any, b: Any, turn_a: bool, turn_b: bool) -> tuple[int, tuple[int, int]]:
    rows, inner = a.shape[:-3:-1] if turn_a else a.shape[-2:]
    return b.shape[-2 if turn_b else -1], (rows, inner)


def _cublas() -> Any:
    """Import cuBLAS at each product, as CuPy does: a capture replaces its functions."""
    from cupy_backends.cuda.libs import cublas

    return cublas


def _handle() -> int:
    handle: int = cupy.cuda.device.get_cublas_handle()
    return handle
