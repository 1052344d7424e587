"""What CuPy cannot do while a stream is captured, done in another way: matrix products, and joins of many arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from xpnet.backend import array_namespace
from xpnet.errors import BackendError

CALLS = {"gemmEx": "gemm_ex", "gemmStridedBatchedEx": "gemm_strided_batched_ex"}
AT_ONCE = 8  # for more arrays CuPy sends a table of their places from the host


@contextmanager
def captured(stream: Any, workspace: Any) -> Iterator[None]:
    """Let ``a @ b``, ``concat`` and ``stack`` be captured.

    Products go to a cuBLAS handle of their own, on a stream and with a workspace that the graph keeps. CuPy refuses to
    call cuBLAS then, nvmath-python does not; CuPy looks its calls up by name in a module, with the arguments of C.

    Raises: ``BackendError`` without nvmath-python.
    """
    try:
        from nvmath.bindings import cublas as bindings
    except ImportError as error:
        must, remedy = "nvmath-python must be installed, for matrix products", "pip install nvmath-python"
        raise BackendError("capture", must, error, remedy) from error
    from cupy_backends.cuda.libs import cublas

    xp = array_namespace(workspace)
    handle = bindings.create()
    try:
        bindings.set_stream(handle, stream.ptr)
        bindings.set_workspace(handle, workspace.data.ptr, workspace.nbytes)  # after the stream, which takes it away
        products = {name: _with(handle, getattr(bindings, binding)) for name, binding in CALLS.items()}
        joins = {"concat": _by_parts(xp.concat, xp.concat), "stack": _by_parts(xp.stack, xp.concat)}
        with _replaced(cublas, products), _replaced(xp, joins):
            yield
    finally:
        bindings.destroy(handle)


def _with(handle: int, call: Any) -> Any:
    return lambda _, *arguments: call(handle, *arguments)


def _by_parts(join: Callable[..., Any], concat: Callable[..., Any]) -> Callable[..., Any]:
    """The join of a few arrays as one of any number."""

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
