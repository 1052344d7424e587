"""cuBLAS without a GPU: products of matrices at addresses, and the binding by which they are captured."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from captures_on_cpu import Stream, Tape, act

COMPUTE = {0: 68, 1: 70}
WIDTHS = {0: ctypes.c_float, 1: ctypes.c_double}


class Binding:
    """As ``nvmath.bindings.cublas``: a handle needs a stream, and after it a workspace."""

    def __init__(self) -> None:
        handles: dict[int, list[int]] = {}

        def create() -> int:
            handle = max(handles, default=0) + 1
            handles[handle] = []
            return handle

        def set_stream(handle: int, pointer: int) -> None:
            handles[handle][:] = [pointer]

        def set_workspace(handle: int, pointer: int, size: int) -> None:
            assert len(handles[handle]) == 1
            assert size >= 4 << 20
            handles[handle].append(pointer)

        def calling(name: str) -> Any:
            def call(handle: int, *args: Any) -> None:
                stream, _ = handles[handle]
                assert Stream.current.ptr == stream
                assert Tape.now is not None
                Tape.now.products += 1
                PRODUCTS[name](*args)

            return call

        self.create, self.set_stream, self.set_workspace = create, set_stream, set_workspace
        self.destroy = handles.pop
        self.gemm_ex, self.gemm_strided_batched_ex = map(calling, PRODUCTS)


def gemm_ex(ta: int, tb: int, m: int, n: int, k: int, alpha: int, a: int, ka: int, lda: int, *rest: int) -> None:
    b, kb, ldb, beta, c, kc, ldc, *_ = rest
    gemm_strided_batched_ex(ta, tb, m, n, k, alpha, a, ka, lda, 0, b, kb, ldb, 0, beta, c, kc, ldc, 0, 1, *_)


def gemm_strided_batched_ex(ta: int, tb: int, m: int, n: int, k: int, alpha: int, *rest: int) -> None:
    """``C = A B`` of matrices at addresses, columns first."""
    a, ka, lda, sa, b, kb, ldb, sb, beta, c, kc, ldc, sc, count, compute, algorithm = rest
    assert compute == COMPUTE[ka], "C has no overload that takes the type of the data"
    assert algorithm in (-1, 99)
    assert (value_at(alpha, ka), value_at(beta, ka)) == (1.0, 0.0)

    def multiply() -> None:
        for i in range(count):
            A = matrix(a, ka, lda, sa * i, *((k, m) if ta else (m, k)))
            B = matrix(b, kb, ldb, sb * i, *((n, k) if tb else (k, n)))
            matrix(c, kc, ldc, sc * i, m, n)[...] = (A.T if ta else A) @ (B.T if tb else B)

    act(multiply)


PRODUCTS = {"gemm_ex": gemm_ex, "gemm_strided_batched_ex": gemm_strided_batched_ex}


def value_at(address: int, kind: int) -> float:
    return WIDTHS[kind].from_address(address).value


def matrix(address: int, kind: int, ld: int, offset: int, rows: int, columns: int) -> Any:
    """A matrix with columns one after the other, ``ld`` values apart."""
    width = WIDTHS[kind]
    assert ld >= rows
    memory = (width * (ld * (columns - 1) + rows)).from_address(address + offset * ctypes.sizeof(width))
    values = np.frombuffer(memory, dtype=np.dtype(width))
    return np.lib.stride_tricks.as_strided(values, (rows, columns), (values.itemsize, ld * values.itemsize))
