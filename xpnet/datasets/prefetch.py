"""Prefetching: a thread takes the next items of an iterator while the present one is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any

from xpnet.backend.threads import has_threads

AHEAD = 2
"""The default number of items that are made in the background."""

THREADS = 4
"""The number of threads that call functions."""

PATIENCE = 5.0
"""The seconds to wait for the end of a thread that is still inside a loader."""


def prefetched(source: Iterator[Any], ahead: int = AHEAD) -> Iterator[Any]:
    """Yield the items of an iterator, in order, while the next ones are made in the background.

    One thread takes items from the iterator. An item that is a function stands for its result: several are called at
    once, in a few more threads. An error in any of them is raised here, in its turn. The threads end when this iterator
    ends, for whatever reason. With ``ahead=0`` there are none, nor where Python has no threads.
    """
    if not ahead or not has_threads():
        for item in source:
            yield item() if callable(item) else item
        return
    ready: Queue[Future[Any] | None] = Queue(ahead)
    over = Event()
    pool = ThreadPoolExecutor(THREADS, "xpnet loader")

    def take() -> None:
        future: Future[Any]
        try:
            for item in source:
                if callable(item):
                    future = pool.submit(copy_context().run, item)
                else:
                    future = Future()
                    future.set_result(item)
                ready.put(future)
                if over.is_set():
                    return
            ready.put(None)
        except BaseException as error:
            future = Future()
            future.set_exception(error)
            ready.put(future)

    # the thread also uses the backend that was chosen for the block
    thread = Thread(target=copy_context().run, args=(take,), name="xpnet loader", daemon=True)
    thread.start()
    try:
        while (future := waited_for(ready)) is not None:
            yield future.result()
    finally:
        over.set()
        with suppress(Empty):
            while True:
                ready.get_nowait()  # the thread may be waiting for room
        thread.join(PATIENCE)
        pool.shutdown(wait=not thread.is_alive(), cancel_futures=True)


def waited_for(queue: Queue[Any]) -> Any:
    """Return the next item of a queue; Ctrl-C interrupts the wait on every system."""
    while True:
        with suppress(Empty):
            return queue.get(timeout=1.0)
