"""What an iterator gives, taken from it by a thread while the last of it is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any

AHEAD = 2
"""How many are made in the background, unless another number is asked for."""

THREADS = 4
"""The threads in which functions are called."""

PATIENCE = 5.0
"""The seconds for which the end of a thread is waited for that is inside of a loader."""


def prefetched(source: Iterator[Any], ahead: int = AHEAD) -> Iterator[Any]:
    """Yield what an iterator gives, in its order, while the next are made in the background.

    One thread takes items from the iterator. An item that is a function stands for what it returns: several are called
    at once, in a few threads more. What any of them raises is raised here, in its turn. However this ends, the threads
    end with it. With ``ahead=0`` there are none.
    """
    if not ahead:
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

    # the backend that was chosen for a block holds in the thread too
    thread = Thread(target=copy_context().run, args=(take,), name="xpnet loader", daemon=True)
    thread.start()
    try:
        while (future := waited_for(ready)) is not None:
            yield future.result()
    finally:
        over.set()
        with suppress(Empty):
            while True:
                ready.get_nowait()  # the thread may wait for room
        thread.join(PATIENCE)
        pool.shutdown(wait=not thread.is_alive(), cancel_futures=True)


def waited_for(queue: Queue[Any]) -> Any:
    """The next of a queue; Ctrl-C is heard of meanwhile, on every system."""
    while True:
        with suppress(Empty):
            return queue.get(timeout=1.0)
