"""The memory in which MPI reads and writes an array: on the host, on a GPU, or in a pinned copy on the host."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from xpnet.backend import array_namespace, library_name
from xpnet.errors import LibraryError
from xpnet.typing import Array

SWITCH = "XPNET_CUDA_AWARE"


class Memory(Protocol):
    """The memory of an array, made when a call begins, in the thread and on the stream that computed the array."""

    xp: Any
    """The library whose arrays the buffers are."""

    def buffer(self) -> Any:
        """Return a context with an array for MPI to read and write; at its end, the array has the written values."""


class OfHost:
    """The memory of an array of the host, shared with NumPy."""

    xp: Any = np

    def __init__(self, array: Array) -> None:
        self.host = on_host(array)

    @contextmanager
    def buffer(self) -> Iterator[Any]:
        """Yield the array itself."""
        yield self.host


class OfGpu:
    """The memory of a CuPy array, for an MPI library that can access it."""

    def __init__(self, array: Any, cupy: Any) -> None:
        self.xp = cupy
        self.array = array
        with array.device:
            self.made = cupy.cuda.get_current_stream().record()

    @contextmanager
    def buffer(self) -> Iterator[Any]:
        """Yield the array when its values are computed."""
        self.made.synchronize()
        with self.array.device:
            yield self.array
            self.xp.cuda.get_current_stream().synchronize()


class Staged(OfGpu):
    """The memory of a CuPy array, accessed through a pinned copy on the host."""

    def __init__(self, array: Any, cupy: Any) -> None:
        super().__init__(array, cupy)
        self.cupy, self.xp = cupy, np

    @contextmanager
    def buffer(self) -> Iterator[Any]:
        """Yield the copy, and copy the written values back."""
        from cupyx import empty_pinned

        with self.array.device:
            stream = self.cupy.cuda.Stream(non_blocking=True)
            stream.wait_event(self.made)
            pinned = empty_pinned(self.array.shape, self.array.dtype)
            self.array.get(out=pinned, stream=stream)
            stream.synchronize()
            yield pinned
            self.array.set(pinned, stream=stream)
            stream.synchronize()


def memory_of(array: Array) -> Memory:
    """Return the memory of an array, on the host or on a GPU."""
    if library_name(array_namespace(array)) != "cupy":
        return OfHost(array)
    import cupy

    return OfGpu(array, cupy) if cuda_aware() else Staged(array, cupy)


def on_host(array: Array) -> np.ndarray[Any, Any]:
    """Return an array of the host as NumPy's, in the same memory.

    Raises: ``LibraryError`` if it belongs to a library whose arrays are not writable.
    """
    host = array if isinstance(array, np.ndarray) else np.from_dlpack(array)  # type: ignore[arg-type]
    if not host.flags.writeable:
        got = f"those of {library_name(array_namespace(array))}"
        raise LibraryError("distributed", "arrays must be writable", got, "copy them into a NumPy array")
    return host


@cache
def cuda_aware() -> bool:
    """Return whether the MPI library accepts arrays of a GPU: as it reports, or by ``XPNET_CUDA_AWARE``, 1 or 0."""
    if SWITCH in os.environ:
        return os.environ[SWITCH] == "1"
    with suppress(OSError, AttributeError):
        loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libmpi" in line}
        return any(ctypes.CDLL(path).MPIX_Query_cuda_support() == 1 for path in loaded)
    return False
