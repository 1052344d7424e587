"""What the pretended device was asked to do: ``with pretend_cuda.trace() as events: …``.

An event is recorded when the device does the work: in a lazy stream when somebody waits for it, of a graph at each
launch of it. The bytes of a kernel are those of the device's memory that its threads touch, each counted once: read,
if it was read before the launch wrote it, and written. So a kernel that reads a row three times is not charged for it,
and one that reads what it does not need is. Those of a product are those of its matrices.

Work of cuFFT, cuSOLVER and Thrust is not recorded; of cuBLAS products are, and other calls by their names alone.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

KINDS = ("launch", "product", "copy", "fill", "allocation", "release", "wait", "graph")


@dataclass(frozen=True)
class Event:
    """Something that the device did.

    ``kind`` is one of ``KINDS``: the launch of a kernel; a product of cuBLAS; a copy and a fill; an allocation and a
    release of memory by CUDA itself, not by a pool; a wait of the host; the launch of a graph, before what is in it.
    ``grid``, ``block`` and ``shared`` (bytes) are those of a launch; in a product ``grid`` has the sizes m, n and k.
    """

    kind: str
    name: str
    read: int
    written: int
    grid: tuple[int, ...]
    block: tuple[int, ...]
    shared: int


class _Record(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int32),
        ("grid", ctypes.c_uint32 * 3),
        ("block", ctypes.c_uint32 * 3),
        ("shared", ctypes.c_uint32),
        ("read", ctypes.c_uint64),
        ("written", ctypes.c_uint64),
        ("name", ctypes.c_char * 96),
    )


@cache
def _device() -> ctypes.CDLL:
    from pretend_cuda.finder import Finder

    library = ctypes.CDLL(str(Finder.folder / "libpretend_cuda.so"))
    library.pretend_trace_size.restype = ctypes.c_size_t
    library.pretend_trace_records.restype = ctypes.POINTER(_Record)
    sizes = ctypes.POINTER(ctypes.c_uint32)
    library.pretend_trace_product.argtypes = (ctypes.c_char_p, ctypes.c_uint64, ctypes.c_uint64, sizes)
    return library


@contextmanager
def trace() -> Iterator[list[Event]]:
    """Record what the device does in a block; the events are there when it ends. Traces do not nest.

    Raises:
        RuntimeError: where CuPy does not run on the pretended CUDA.
    """
    from pretend_cuda import installed

    if not installed():
        raise RuntimeError(
            "a trace needs the pretended CUDA: call pretend_cuda.install() before the first import of CuPy"
        )
    device, events = _device(), list[Event]()
    device.pretend_trace(1)
    try:
        yield events
    finally:
        device.pretend_trace(0)
        records, count = device.pretend_trace_records(), device.pretend_trace_size()
        for record in records[:count] if count else ():
            kind, name = KINDS[record.kind], record.name.decode()
            grid, block = tuple(record.grid), tuple(record.block)
            events.append(Event(kind, name, record.read, record.written, grid, block, record.shared))


def note_product(name: str, read: int = 0, written: int = 0, sizes: tuple[int, int, int] = (0, 0, 0)) -> None:
    """Record a call of cuBLAS, by the bytes and the sizes m, n and k of its matrices."""
    _device().pretend_trace_product(name.encode(), read, written, (ctypes.c_uint32 * 3)(*sizes))
