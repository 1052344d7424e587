"""Substitutes for calls that CuPy cannot make while a stream is captured: matrix products and joins of many arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import finalize

import cupy

from xpnet.backend import array_namespace
from xpnet.errors import BackendError

WORKSPACE = 32 << 20  # bytes, as cuBLAS allocates by default on the largest devices
CALLS = {"gemmEx": "gemm_ex", "gemmStridedBatchedEx": "gemm_strided_batched_ex"}
COMPUTE = {0: 68, 4: 68, 1: 70, 5: 70}
"""cudaDataType of float32, complex64, float64, complex128 -> cublasComputeType: batched products take the first."""

AT_ONCE = 8  # for more arrays CuPy copies a table of their addresses from the host


@contextmanager
def capturing(graph: Any, stream: Any) -> Iterator[None]:
    """Make ``a @ b``, ``concat`` and ``stack`` work while a stream is captured for a graph.

    Products go to a cuBLAS handle with a workspace, both of which the graph keeps. CuPy refuses to call cuBLAS during a
    capture, but nvmath-python does not; CuPy looks up its calls by name in a module, with the arguments of C.

    Raises: ``BackendError`` without nvmath-python.
    """
    try:
        from nvmath.bindings import cublas as bindings

        handle = bindings.create()
    except (ImportError, RuntimeError) as error:
        must, remedy = "nvmath-python must work, for matrix products", "pip install nvmath-python"
        raise BackendError("capture", must, error, remedy) from error
    finalize(graph, bindings.destroy, handle).atexit = False
    from cupy_backends.cuda.libs import cublas

    graph.workspace = cupy.empty(WORKSPACE, dtype=cupy.uint8)
    bindings.set_stream(handle, stream.ptr)
    bindings.set_workspace(handle, graph.workspace.data.ptr, WORKSPACE)  # after set_stream, which resets it
    products = {name: _with(handle, getattr(bindings, binding)) for name, binding in CALLS.items()}
    xp = array_namespace(graph.workspace)
    joins = {"concat": _by_parts(xp.concat, xp.concat), "stack": _by_parts(xp.stack, xp.concat)}
    with _replaced(cublas, products), _replaced(xp, joins):
        yield


def _with(handle: int, call: Any) -> Any:
    def product(_: int, *arguments: Any) -> None:
        *rest, compute, algorithm = arguments
        call(handle, *rest, COMPUTE.get(compute, compute), algorithm)

    return product


def _by_parts(join: Callable[..., Any], concat: Callable[..., Any]) -> Callable[..., Any]:
    """Return a join of any number of arrays, made from one of a few."""

    def joined(arrays: Any, *, axis: int = 0) -> Any:
        parts = [join(arrays[i : i + AT_ONCE], axis=axis) for i in range(0, len(arrays), AT_ONCE)]
        while len(parts) > 1:
            parts = [concat(parts[i : i + AT_ONCE], axis=axis) for i in range(0, len(parts), AT_ONCE)]
        return parts[0]

    return joined


@contextmanager
def _replaced(module: Any, functions: dict[str, Any]) -> Iterator[None]:
    before = {name: getattr(module, name) for name in functions}
    vars(module).update(functions)
    try:
        yield
    finally:
        vars(module).update(before)
