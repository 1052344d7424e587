"""The part of nvmath.bindings.cublas with which products are captured: cuBLAS without CuPy's refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
from cupy_backends.cuda.api import runtime
from cupy_backends.cuda.libs import cublas

from pretend_cuda.views import view

_handles: dict[int, int] = {}


def create() -> int:
    handle = cublas.create()
    _handles[handle] = 0
    return handle


def destroy(handle: int) -> None:
    _handles.pop(handle, None)
    cublas.destroy(handle)


def set_stream(handle: int, stream: int) -> None:
    _handles[handle] = stream


def set_workspace(handle: int, workspace: int, size: int) -> None:
    if runtime.pointerGetMemoryType(workspace) != 2:
        raise ValueError("the workspace must be memory of the device")


def _scalar(pointer: int, dtype: np.dtype) -> np.ndarray:
    """A number on the host, read now: a replay does not look there again."""
    return view(pointer, dtype, (1,)).copy()


def gemm_ex(
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
    gemm_strided_batched_ex(
        handle, ta, tb, m, n, k, alpha, a, a_type, lda, 0, b, b_type, ldb, 0, beta, c, c_type, ldc, 0, 1, compute, algo
    )


def gemm_strided_batched_ex(
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
    if compute < 64:
        raise ValueError(f"{compute} is no cublasComputeType_t")
    dtype = cublas._computed_in(compute, c_type)
    first, second = _scalar(alpha, dtype), _scalar(beta, dtype)

    def product() -> Any:
        scalars = first.ctypes.data, second.ctypes.data
        cublas._products(
            ta,
            tb,
            m,
            n,
            k,
            scalars[0],
            a,
            a_type,
            lda,
            sa,
            b,
            b_type,
            ldb,
            sb,
            scalars[1],
            c,
            c_type,
            ldc,
            sc,
            count,
            dtype,
        )

    runtime.pretend_submit(_handles[handle], product)
