"""A training step as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import finalize

import cupy

from xpnet.errors import DtypeError, StateError
from xpnet.kernels.cupy import captures
from xpnet.kernels.cupy.launch import launch_each
from xpnet.kernels.recording import WHO, Recording

CELLS = 4096
AT_ONCE = 8
CUDA_ERRORS = (cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError)
WORKSPACE = 32 << 20  # bytes; what cuBLAS takes by itself on the largest devices


class Graph(Recording):
    """The launches of ``step(*arrays)``, captured and not yet run; each call runs them, on arrays of the same kind.

    What a replay writes lies in a pool of its own, which no other array gets; results are copies of it.

    Raises: ``StateError`` for a step that cannot be captured, ``DtypeError`` for results that are not arrays.
    """

    def __init__(self, step: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
        super().__init__()
        self.inputs = tuple([cupy.array(array, order="C") for array in arrays])
        self.memory = cupy.zeros(CELLS)
        self.pool = cupy.cuda.MemoryPool()
        self.workspace = cupy.empty(WORKSPACE, dtype=cupy.uint8)
        stream = cupy.cuda.Stream(non_blocking=True)
        with captures.captured(stream, self.workspace), cupy.cuda.using_allocator(self.pool.malloc), stream:
            stream.begin_capture()
            try:
                with self.running():
                    self.result = step(*self.inputs)
            except BaseException as error:
                with suppress(*CUDA_ERRORS):  # it is broken, and has to end all the same
                    cupy.cuda.runtime.graphDestroy(cupy.cuda.runtime.streamEndCapture(stream.ptr))
                if isinstance(error, CUDA_ERRORS):
                    must, remedy = "a step must stay on the device", "read values, and what else waits, outside of it"
                    raise StateError(WHO, must, error, remedy) from error
                if isinstance(error, NotImplementedError):
                    must, remedy = "a step must do what CuPy can capture", "flatten products to two axes; no solvers"
                    raise StateError(WHO, must, error, remedy) from error
                raise
            graph = cupy.cuda.runtime.streamEndCapture(stream.ptr)
        try:
            _check_copies(graph)
            self.run = cupy.cuda.runtime.graphInstantiate(graph)
        finally:
            cupy.cuda.runtime.graphDestroy(graph)
        finalize(self, cupy.cuda.runtime.graphExecDestroy, self.run).atexit = False  # CUDA may be gone before
        if self.size > CELLS:
            raise StateError(WHO, f"a step must have at most {CELLS} numbers that change", self.size, "split it")
        self.outputs = self.result if isinstance(self.result, tuple | list) else (self.result,)
        if not all(type(output) is cupy.ndarray for output in self.outputs):
            got = ", ".join(type(output).__name__ for output in self.outputs)
            raise DtypeError(WHO, "a step must return an array or arrays", got, "return the loss")

    def __call__(self, *arrays: Any) -> Any:
        for own, array in zip(self.inputs, arrays, strict=True):
            own[...] = array
        values = self.values()
        for start in range(0, len(values), AT_ONCE):
            some = values[start : start + AT_ONCE]
            memory, rest = self.memory[start : start + len(some)], [0.0] * (AT_ONCE - len(some))
            launch_each("numbers", "give", memory.dtype, len(some), memory, len(some), *some, *rest)
        cupy.cuda.runtime.graphLaunch(self.run, cupy.cuda.get_current_stream().ptr)
        self.moved()
        copies = tuple([output.copy() for output in self.outputs])
        return copies if isinstance(self.result, tuple | list) else copies[0]


def _check_copies(graph: int) -> None:
    """Raise StateError for a copy from the host, where something else may be when it is replayed."""
    from cuda.bindings import runtime

    def done(result: tuple[Any, ...]) -> Any:
        error, *values = result
        if error != runtime.cudaError_t.cudaSuccess:
            must, remedy = "the copies of a step must be known", "report it, this is a fault of xpnet"
            raise StateError(WHO, must, error.name, remedy)
        return values

    handle = runtime.cudaGraph_t(graph)
    _, count = done(runtime.cudaGraphGetNodes(handle))
    nodes = done(runtime.cudaGraphGetNodes(handle, count))[0] if count else ()
    for node in nodes:
        if done(runtime.cudaGraphNodeGetType(node))[0] == runtime.cudaGraphNodeType.cudaGraphNodeTypeMemcpy:
            source = done(runtime.cudaGraphMemcpyNodeGetParams(node))[0].srcPtr.ptr
            kind = done(runtime.cudaPointerGetAttributes(source))[0].type
            if kind in (runtime.cudaMemoryType.cudaMemoryTypeHost, runtime.cudaMemoryType.cudaMemoryTypeUnregistered):
                must, got = "a step must find all it needs on the device", "a copy from the host"
                remedy = "make arrays before the step"
                raise StateError(WHO, must, got, remedy)
