"""Transfers of host arrays to a CUDA device while it works, from pinned memory and on a separate stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

MOST = 4  # copies under way, after which the host waits


class Sent(NamedTuple):
    """A batch under way: its pinned memory, its arrays on the device, and the event of its arrival."""

    pinned: list[Any]
    arrays: list[Any]
    dtypes: list[Any]
    arrived: Any


def copied_ahead(
    library: Any, empty_pinned: Callable[..., Any], device: Any, batches: Iterable[list[tuple[Any, Any]]]
) -> Iterator[tuple[Any, ...]]:
    """Yield batches on a device from pairs of a host array and a dtype, and copy the next one meanwhile.

    A copy waits for all that was launched before it, so that memory is not overwritten while it may still be read.
    Pinned memory is kept until its copy has arrived.
    """
    with device:
        stream = library.cuda.Stream(non_blocking=True)
    under_way: deque[tuple[Any, list[Any]]] = deque()
    waiting: Sent | None = None
    try:
        for batch in batches:
            while under_way and (under_way[0][0].done or len(under_way) >= MOST):
                under_way.popleft()[0].synchronize()
            with device:
                sent = _send(library, empty_pinned, batch, stream)
                received = None if waiting is None else _received(library, waiting)
            under_way.append((sent.arrived, sent.pinned))
            waiting = sent
            if received is not None:
                yield received
        if waiting is not None:
            with device:
                received = _received(library, waiting)
            yield received
    finally:
        stream.synchronize()  # before the memory of a batch that nobody took goes to others


def _send(library: Any, empty_pinned: Callable[..., Any], batch: list[tuple[Any, Any]], stream: Any) -> Sent:
    pinned = [empty_pinned(host.shape, host.dtype) for host, _ in batch]
    for memory, (host, _) in zip(pinned, batch, strict=True):
        memory[...] = host
    arrays = [library.empty(memory.shape, memory.dtype) for memory in pinned]
    stream.wait_event(library.cuda.get_current_stream().record())
    for array, memory in zip(arrays, pinned, strict=True):
        array.set(memory, stream=stream)
    return Sent(pinned, arrays, [dtype for _, dtype in batch], stream.record())


def _received(library: Any, sent: Sent) -> tuple[Any, ...]:
    """Return the arrays, which the current stream may use from now on."""
    library.cuda.get_current_stream().wait_event(sent.arrived)
    pairs = zip(sent.arrays, sent.dtypes, strict=True)
    return tuple([array if dtype is None else array.astype(dtype, copy=False) for array, dtype in pairs])
