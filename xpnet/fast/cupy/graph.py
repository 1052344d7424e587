"""A training step as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from weakref import finalize

import cupy

from xpnet.capturing import WHO, Capture
from xpnet.errors import DtypeError, StateError
from xpnet.fast.cupy.captures import capturing
from xpnet.fast.cupy.launch import launch_each
from xpnet.typing import Array

CELLS = 4096  # the numbers that change in every step
AT_ONCE = 8
CUDA_ERRORS = (cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError)


class Graph(Capture):
    """The launches of ``step(*arrays)``, captured and not yet run; each call runs them, on arrays of the same kind.

    A replay writes into a separate pool, which no other array uses; results are copies.

    Raises: ``StateError`` for a step that cannot be captured, ``DtypeError`` for results that are not arrays.
    """

    def __init__(self, step: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
        super().__init__()
        self.device = arrays[0].device
        with self.device:
            self._capture(step, arrays)

    def _capture(self, step: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
        self.inputs = tuple([cupy.array(array, order="C") for array in arrays])
        self.cells_of = {dtype: cupy.zeros(CELLS, dtype) for dtype in ("float32", "float64")}
        self.taken = dict.fromkeys(self.cells_of, 0)
        cupy.get_default_memory_pool().free_all_blocks()  # blocks of earlier steps, which this one does not use
        self.pool = growing_pool()
        stream = cupy.cuda.Stream(non_blocking=True)
        with capturing(self, stream), cupy.cuda.using_allocator(self.pool.malloc), stream:
            stream.begin_capture()
            try:
                with self.running():
                    self._run(step)
                graph = cupy.cuda.runtime.streamEndCapture(stream.ptr)
            except BaseException as error:
                with suppress(*CUDA_ERRORS):  # the capture has failed, and must be ended all the same
                    cupy.cuda.runtime.graphDestroy(cupy.cuda.runtime.streamEndCapture(stream.ptr))
                if isinstance(error, CUDA_ERRORS) or _refused_by_cupy(error):
                    must, remedy = "a step must stay on the device", "read values, and wait, only outside of it"
                    raise StateError(WHO, must, error, remedy) from error
                if isinstance(error, NotImplementedError):
                    must, remedy = "CuPy must be able to capture a step", "flatten products to two axes; no solvers"
                    raise StateError(WHO, must, error, remedy) from error
                raise
        try:
            check_copies(graph)
            self.executable = cupy.cuda.runtime.graphInstantiate(graph)
        finally:
            cupy.cuda.runtime.graphDestroy(graph)
        finalize(self, cupy.cuda.runtime.graphExecDestroy, self.executable).atexit = False  # CUDA may end first

    def _run(self, step: Callable[..., Any]) -> None:
        result = step(*self.inputs)
        self.kind = type(result) if isinstance(result, tuple | list) else None
        outputs = (result,) if self.kind is None else tuple(result)
        if not all(type(output) is cupy.ndarray for output in outputs):
            got = ", ".join(type(output).__name__ for output in outputs)
            raise DtypeError(WHO, "a step must return an array or arrays", got, "return the loss")
        self.outputs = tuple([output.copy() for output in outputs])  # before the lasting arrays are restored

    def memory(self, values: Sequence[float], like: Array) -> Array:
        dtype = str(like.dtype)
        start = self.taken[dtype]
        end = self.taken[dtype] = start + len(values)
        if end > CELLS:
            raise StateError(WHO, f"a step must have at most {CELLS} numbers that change", end, "split it")
        cells: Array = self.cells_of[dtype][start:end]
        return cells

    def __call__(self, *arrays: Any) -> Any:
        with self.device:
            return self._replay(arrays)

    def _replay(self, arrays: tuple[Any, ...]) -> Any:
        for own, array in zip(self.inputs, arrays, strict=True):
            own[...] = array
        coming: dict[str, list[float]] = {dtype: [] for dtype in self.cells_of}
        for memory, values in self.values():
            coming[str(memory.dtype)] += map(float, values)
        for dtype, numbers in coming.items():
            for start in range(0, len(numbers), AT_ONCE):
                some = numbers[start : start + AT_ONCE]
                memory, rest = self.cells_of[dtype][start : start + len(some)], [0.0] * (AT_ONCE - len(some))
                launch_each("numbers", "give", memory.dtype, len(some), memory, len(some), *some, *rest)
        cupy.cuda.runtime.graphLaunch(self.executable, cupy.cuda.get_current_stream().ptr)
        self.moved()
        copies = [output.copy() for output in self.outputs]
        return copies[0] if self.kind is None else self.kind(copies)


def growing_pool() -> Any:
    """Return a memory pool that never frees blocks to make room: a graph continues to use blocks that are free now.

    Raises: ``StateError`` from ``malloc`` where the device has no more, or CuPy was told to take no more.
    """
    taken = 0

    def take(size: int) -> Any:
        nonlocal taken
        taken += size
        try:
            if 0 < most < taken:
                raise cupy.cuda.memory.OutOfMemoryError(size, taken - size, most)
            return cupy.cuda.MemoryPointer(cupy.cuda.Memory(size), 0)
        except (cupy.cuda.memory.OutOfMemoryError, cupy.cuda.runtime.CUDARuntimeError) as error:
            must, got = "a step must fit into the memory that is left", f"{size} bytes too many"
            raise StateError(WHO, must, got, "make the batch smaller, or free other arrays") from error

    pool = cupy.cuda.MemoryPool(take)
    most = pool.get_limit()
    pool.set_limit(size=0)  # which frees all unused blocks
    return pool


def _refused_by_cupy(error: BaseException) -> bool:
    """Return whether CuPy itself has refused a copy from or to the host, with a plain RuntimeError that says so."""
    return type(error) is RuntimeError and "the current stream is capturing" in str(error)


def check_copies(graph: int) -> None:
    """Raise StateError for a copy from or to the host, whose content may differ when it is replayed."""
    from cuda.bindings import runtime

    def done(result: tuple[Any, ...]) -> Any:
        error, *values = result
        if error != runtime.cudaError_t.cudaSuccess:
            must, remedy = "the copies of a step must be known", "report it, this is a fault of xpnet"
            raise StateError(WHO, must, error.name, remedy)
        return values

    host = runtime.cudaMemoryType.cudaMemoryTypeHost, runtime.cudaMemoryType.cudaMemoryTypeUnregistered
    handle = runtime.cudaGraph_t(graph)
    _, count = done(runtime.cudaGraphGetNodes(handle))
    nodes = done(runtime.cudaGraphGetNodes(handle, count))[0] if count else ()
    for node in nodes:
        if done(runtime.cudaGraphNodeGetType(node))[0] == runtime.cudaGraphNodeType.cudaGraphNodeTypeMemcpy:
            (copy,) = done(runtime.cudaGraphMemcpyNodeGetParams(node))
            for end in (copy.srcPtr.ptr, copy.dstPtr.ptr):
                if done(runtime.cudaPointerGetAttributes(end))[0].type in host:
                    must, got = "a step must find all it needs on the device", "a copy from the host, or to it"
                    raise StateError(WHO, must, got, "make arrays before the step, and read them after it")
