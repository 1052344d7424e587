"""The part of nvmath.bindings.cublas with which products are captured: cuBLAS without CuPy's refusal."""

from __future__ import annotations

import numpy as np
from cupy_backends.cuda.api import runtime

from pretend_cuda.cublas import handles
from pretend_cuda.cublas.operands import Operand
from pretend_cuda.cublas.products import computed_in, products
from pretend_cuda.views import view

_streams: dict[int, int] = {}


def create() -> int:
    handle = handles.create()
    _streams[handle] = 0
    return handle


def destroy(handle: int) -> None:
    _streams.pop(handle, None)
    handles.destroy(handle)


def set_stream(handle: int, stream: int) -> None:
    _streams[handle] = stream


def set_workspace(handle: int, workspace: int, size: int) -> None:
    if runtime.pointerGetMemoryType(workspace) != runtime.memoryTypeDevice:
        raise ValueError("the workspace must be memory of the device")


def _kept(pointer: int, dtype: np.dtype) -> np.ndarray:
    """A number on the host, read now: a replay does not look there again."""
    return view(pointer, dtype, (1,)).copy()


def gemm_ex(handle: int, *given: int) -> None:
    ta, tb, m, n, k, alpha, a, a_kind, lda, b, b_kind, ldb, beta, c, c_kind, ldc, compute, _ = given
    operands = Operand(a, a_kind, lda), Operand(b, b_kind, ldb), Operand(c, c_kind, ldc)
    _submit(handle, (ta, tb), (m, n, k), (alpha, beta), operands, compute)


def gemm_strided_batched_ex(handle: int, *given: int) -> None:
    ta, tb, m, n, k, alpha, a, a_kind, lda, sa, b, b_kind, ldb, sb, beta, c, c_kind, ldc, sc, count, compute, _ = given
    operands = Operand(a, a_kind, lda, sa), Operand(b, b_kind, ldb, sb), Operand(c, c_kind, ldc, sc)
    _submit(handle, (ta, tb), (m, n, k), (alpha, beta), operands, compute, count)


def _submit(
    handle: int,
    operations: tuple[int, int],
    sizes: tuple[int, int, int],
    scalars: tuple[int, int],
    operands: tuple[Operand, Operand, Operand],
    compute: int,
    count: int = 1,
) -> None:
    """Multiply on the stream of the handle, now or when its graph is launched."""
    if compute < 64:
        raise ValueError(f"{compute} is no cublasComputeType_t")
    dtype = computed_in(compute, operands[2].kind)
    alpha, beta = (_kept(scalar, dtype) for scalar in scalars)

    def multiply() -> None:
        products(operations, sizes, (alpha.ctypes.data, beta.ctypes.data), operands, dtype, count)

    runtime.pretend_submit(_streams[handle], multiply)
