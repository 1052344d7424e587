"""Matrix products in a CUDA graph: CuPy refuses to call cuBLAS while a stream is captured; nvmath-python does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from xpnet.errors import BackendError

CALLS = {"gemmEx": "gemm_ex", "gemmStridedBatchedEx": "gemm_strided_batched_ex"}


@contextmanager
def captured(stream: Any, workspace: Any) -> Iterator[None]:
    """Let ``a @ b`` go to a cuBLAS handle of its own, on a stream and with a workspace that the graph keeps.

    CuPy looks its two calls up by name in a module, with the arguments of C; there they are replaced.

    Raises: ``BackendError`` without nvmath-python.
    """
    from cupy_backends.cuda.libs import cublas

    try:
        from nvmath.bindings import cublas as bindings
    except ImportError as error:
        must, remedy = "nvmath-python must be installed, for matrix products", "pip install nvmath-python"
        raise BackendError("capture", must, error, remedy) from error

    handle = bindings.create()
    bindings.set_stream(handle, stream.ptr)
    bindings.set_workspace(handle, workspace.data.ptr, workspace.nbytes)  # after the stream, which takes it away
    before = {name: getattr(cublas, name) for name in CALLS}
    try:
        for name, binding in CALLS.items():
            setattr(cublas, name, _with(handle, getattr(bindings, binding)))
        yield
    finally:
        for name, call in before.items():
            setattr(cublas, name, call)
        bindings.destroy(handle)


def _with(handle: int, call: Any) -> Any:
    return lambda _, *arguments: call(handle, *arguments)
