"""Ranks that are threads of one process: what every backend is tried on, where real ranks would cost seconds each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

import xpnet as xn
from xpnet.backend import Backend
from xpnet.distributed import Group
from xpnet.distributed.communicator import DONE, Pending


class Meeting:
    """Where the threads leave what the others take."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.left: list[Any] = [None] * size
        self.barrier = threading.Barrier(size, timeout=60.0)
        self.calls: list[list[str]] = [[] for _ in range(size)]


class ThreadCommunicator:
    """The communicator of one thread; ``meeting.calls`` has the names of its calls in order."""

    local_rank = 0
    host = "here"

    def __init__(self, rank: int, meeting: Meeting) -> None:
        self.rank, self.size, self.meeting = rank, meeting.size, meeting

    def _all(self, name: str, value: Any) -> list[Any]:
        self.meeting.calls[self.rank].append(name)
        self.meeting.left[self.rank] = value
        self.meeting.barrier.wait()
        found = list(self.meeting.left)
        self.meeting.barrier.wait()
        return found

    def broadcast(self, array: Any, root: int = 0) -> None:
        array[...] = self._all("broadcast", array.copy())[root]

    def allreduce(self, array: Any, wire: str | None = None) -> Pending:
        sent = array.copy() if wire is None else array.astype(np.float16).astype(array.dtype)
        array[...] = sum(self._all(f"allreduce {array.shape[0]}", sent))
        return DONE

    def reduce_scatter(self, array: Any) -> Any:
        each = array.shape[0] // self.size
        assert each * self.size == array.shape[0]
        return sum(self._all(f"reduce_scatter {array.shape[0]}", array))[self.rank * each :][:each].copy()

    def allgather(self, part: Any) -> Any:
        parts = self._all("allgather", part)
        return (
            type(part).__array_namespace__(part).concat(parts) if isinstance(part, np.ndarray) else cupy_concat(parts)
        )

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        return self._all("broadcast_object", value)[root]

    def gather_objects(self, value: Any) -> list[Any]:
        return self._all("gather_objects", value)

    def barrier(self) -> None:
        self._all("barrier", None)

    def abort(self, reason: str) -> NoReturn:
        raise SystemExit(reason)

    def close(self) -> None:
        pass


def cupy_concat(parts: list[Any]) -> Any:
    import cupy

    return cupy.concatenate(parts)


def on_ranks(size: int, backend: Backend, run: Callable[[Group], Any], bucket_bytes: int = 256) -> list[Any]:
    """What a function of a group returns on each of so many ranks; small buckets, so that there are several."""
    return run_ranks(size, backend, run, bucket_bytes)[0]


def run_ranks(
    size: int, backend: Backend, run: Callable[[Group], Any], bucket_bytes: int = 256
) -> tuple[list[Any], list[list[str]]]:
    """The same, and the calls that each rank has made."""
    meeting = Meeting(size)
    found: list[Any] = [None] * size
    errors: list[BaseException] = []

    def work(rank: int) -> None:
        try:
            with xn.use_backend(backend):
                group = Group(ThreadCommunicator(rank, meeting), bucket_bytes)
                with group.opened():
                    found[rank] = run(group)
        except BaseException as error:
            errors.append(error)
            meeting.barrier.abort()

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return found, meeting.calls
