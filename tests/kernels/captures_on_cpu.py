"""Streams that are captured, without a GPU: work is noted, and done when the graph is launched."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from cuda_on_cpu import RawKernel


class CUDARuntimeError(RuntimeError):
    pass


class CUDADriverError(RuntimeError):
    pass


class Tape:
    """What was noted since ``begin_capture``, and all memory that was allocated, which stays as in a pool."""

    now: Tape | None = None
    launched = 0

    def __init__(self) -> None:
        self.work: list[Callable[[], Any]] = []
        self.memory: list[Any] = []
        self.products = 0
        self.nodes: list[int] = []
        """The address that each node copies from; 0 for what is no copy."""

    def launch(self) -> None:
        assert Tape.now is None
        Tape.launched += 1
        for act in self.work:
            act()


TAPES: dict[int, Tape] = {}
HOST = 4096
TO_HOST = 8192  # for a node that copies there


def end_capture(stream: int) -> int:
    tape, Tape.now = Tape.now, None
    assert tape is not None
    assert Stream.current.ptr == stream
    TAPES[id(tape)] = tape
    return id(tape)


def act(now: Callable[[], Any]) -> None:
    """Do something on the device: at once, or at each launch of the graph that is captured."""
    if Tape.now is None:
        now()
    else:
        Tape.now.work.append(now)
        Tape.now.nodes.append(0)


def waits(*_: Any) -> Any:
    if Tape.now is not None:
        raise CUDARuntimeError("cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing")


def sent() -> None:
    """A copy from the host, which a graph makes again when the host has other plans."""
    if Tape.now is not None:
        Tape.now.nodes.append(HOST)


def ends(node: int) -> Any:
    source, end = (1, HOST) if node == TO_HOST else (node, 1)
    return SimpleNamespace(srcPtr=SimpleNamespace(ptr=source), dstPtr=SimpleNamespace(ptr=end))


def looking() -> Any:
    """As ``cuda.bindings.runtime``, for a look at the nodes of a graph: what succeeds is 0, and a list of results."""
    kinds = SimpleNamespace(cudaMemoryTypeHost=1, cudaMemoryTypeUnregistered=0, cudaMemoryTypeDevice=2)
    return SimpleNamespace(
        cudaError_t=SimpleNamespace(cudaSuccess=0),
        cudaGraphNodeType=SimpleNamespace(cudaGraphNodeTypeMemcpy=1),
        cudaMemoryType=kinds,
        cudaGraph_t=lambda address: TAPES[address],
        cudaGraphGetNodes=lambda tape, count=0: (0, tape.nodes[:count], len(tape.nodes)),
        cudaGraphNodeGetType=lambda node: (0, int(node > 0)),
        cudaGraphMemcpyNodeGetParams=lambda node: (0, ends(node)),
        cudaPointerGetAttributes=lambda address: (0, SimpleNamespace(type=1 if address == HOST else 2)),
    )


class Launched(RawKernel):
    """A kernel whose launch is noted in a capture."""

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
        kept = [array.view(np.ndarray) if isinstance(array, np.ndarray) else array for array in args]
        for value, (kind, name) in zip(kept, self.arguments, strict=True):
            self.passed(kind, name, value)
        act(lambda: RawKernel.__call__(self, grid, block, tuple(kept)))


class Device:
    def __init__(self, number: int) -> None:
        self.id = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __enter__(self) -> None:
        """The only one there is."""

    def __exit__(self, *_: object) -> None:
        """Still the only one."""

    synchronize = waits


class Stream:
    current: Any = None

    def __init__(self, non_blocking: bool = False) -> None:
        assert non_blocking, "the default stream cannot be captured beside others"
        self.ptr = id(self)

    def __enter__(self) -> Self:
        Stream.current = self
        return self

    def __exit__(self, *_: object) -> None:
        Stream.current = None

    def begin_capture(self) -> None:
        assert Stream.current is self
        Tape.now = Tape()


@contextmanager
def using_allocator(allocator: Any) -> Any:
    assert Tape.now is None
    cuda = sys.modules["cupy"].cuda  # type: ignore[attr-defined]
    cuda.allocator = allocator
    yield
    cuda.allocator = None
