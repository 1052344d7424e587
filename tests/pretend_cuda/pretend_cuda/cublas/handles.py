"""Handles of cuBLAS: a stream and modes. Whoever computes with one waits for its stream first."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from cupy_backends.cuda.api import runtime

from pretend_cuda.trace import note_product

INVALID_VALUE = 7
_NAMES = {INVALID_VALUE: "CUBLAS_STATUS_INVALID_VALUE", 15: "CUBLAS_STATUS_NOT_SUPPORTED"}


class CUBLASError(RuntimeError):
    """An error of cuBLAS."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(_NAMES.get(status, str(status)))

    def __reduce__(self) -> Any:
        return type(self), (self.status,)


@dataclass
class _Handle:
    stream: int = 0
    pointers: int = 0
    math: int = 0


_handles: dict[int, _Handle] = {}
_numbers = itertools.count(1)


def create() -> int:
    number = next(_numbers)
    _handles[number] = _Handle()
    return number


def destroy(handle: int, _handles: dict[int, _Handle] = _handles) -> None:  # also when this module is gone, at exit
    _handles.pop(handle, None)


def getVersion(handle: int) -> int:
    return int(runtime.runtimeGetVersion()) * 10


def getPointerMode(handle: int) -> int:
    return _handles[handle].pointers


def setPointerMode(handle: int, mode: int) -> None:
    _handles[handle].pointers = mode


def setStream(handle: int, stream: int) -> None:
    if runtime.streamIsCapturing(stream):  # as CuPy does; cuBLAS itself could
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
    _handles[handle].stream = stream
    runtime.pretend_finish(stream)


def getStream(handle: int) -> int:
    return _handles[handle].stream


def setMathMode(handle: int, mode: int) -> None:
    _handles[handle].math = mode


def getMathMode(handle: int) -> int:
    return _handles[handle].math


def ready(handle: int, traced: str | None = None) -> None:
    """What each call of CuPy's module does before it goes to cuBLAS; ``traced`` names it, products name themselves."""
    from cupy.cuda import get_current_stream

    setStream(handle, get_current_stream().ptr)
    if traced:
        note_product(traced)
