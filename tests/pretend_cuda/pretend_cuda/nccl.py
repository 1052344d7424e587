"""NCCL between processes of one machine, in place of CuPy's module of the same name: arrays travel in shared memory.

A call returns when it is done. Ranks whose calls differ, which NCCL would let hang or mix up, are told so.
"""

from __future__ import annotations

import os
import pickle
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from cupy_backends.cuda.api import runtime

from pretend_cuda.views import view

available = True
NCCL_SUM, NCCL_PROD, NCCL_MAX, NCCL_MIN, NCCL_AVG = range(5)
NCCL_INT8, NCCL_UINT8, NCCL_INT32, NCCL_UINT32, NCCL_INT64, NCCL_UINT64 = range(6)
NCCL_FLOAT16, NCCL_FLOAT32, NCCL_FLOAT64, NCCL_BFLOAT16 = range(6, 10)
NCCL_CHAR, NCCL_INT, NCCL_HALF, NCCL_FLOAT, NCCL_DOUBLE = 0, 2, 6, 7, 8
NCCL_ERROR_INVALID_ARGUMENT, NCCL_ERROR_INVALID_USAGE = 4, 5
DTYPES = (np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64, np.float16, np.float32, np.float64)
REDUCTIONS = (np.add, np.multiply, np.maximum, np.minimum)
HOME = Path("/dev/shm")
PAUSE = 2e-4  # seconds between two looks at the shared memory

_group = threading.local()


class NcclError(RuntimeError):
    """An error of NCCL."""

    def __init__(self, status: int, about: str) -> None:
        self.status = status
        super().__init__(f"NCCL_ERROR {status}: {about}")


def get_build_version() -> int:
    return 22700


def get_version() -> int:
    return 22700


def get_unique_id() -> tuple[int, ...]:
    return tuple(secrets.token_bytes(8)) + (0,) * 120


def groupStart() -> None:
    _group.waiting = getattr(_group, "waiting", [])
    _group.depth = getattr(_group, "depth", 0) + 1


def groupEnd() -> None:
    _group.depth -= 1
    if not _group.depth:
        waiting, _group.waiting = _group.waiting, []
        for receives in (False, True):  # what is sent needs nobody who takes it
            for late, call in waiting:
                if late == receives:
                    call()


def _now_or_at_end(late: bool, call: Callable[[], None]) -> None:
    if getattr(_group, "depth", 0):
        _group.waiting.append((late, call))
    else:
        call()


class NcclCommunicator:
    """The ranks of one identifier, each a process with a device of its own."""

    def __init__(self, ndev: int, commId: tuple[int, ...], rank: int) -> None:
        if not 0 <= rank < ndev:
            raise NcclError(NCCL_ERROR_INVALID_ARGUMENT, f"rank {rank} of {ndev}")
        self._size, self._rank, self._device = ndev, rank, int(runtime.getDevice())
        self._folder = HOME / f"pretend_nccl_{bytes(commId[:8]).hex()}"
        self._folder.mkdir(exist_ok=True)
        self._calls, self._sent, self._received = 0, [0] * ndev, [0] * ndev
        devices = self._exchange("init", self._device)
        if len(set(devices)) < ndev:
            raise NcclError(NCCL_ERROR_INVALID_USAGE, f"Duplicate GPU detected: ranks are on devices {devices}")

    def size(self) -> int:
        return self._size

    def rank_id(self) -> int:
        return self._rank

    def device_id(self) -> int:
        return self._device

    def check_async_error(self) -> None: ...

    def destroy(self) -> None:
        """Take away what this rank has left; the last one takes the folder away."""
        for path in self._folder.glob(f"{self._calls - 1}.{self._rank}"):
            path.unlink(missing_ok=True)
        (self._folder / f"gone.{self._rank}").touch()
        if len(list(self._folder.glob("gone.*"))) == self._size:
            with suppress(OSError):  # another one does so at this moment
                for path in self._folder.iterdir():
                    path.unlink(missing_ok=True)
                self._folder.rmdir()

    abort = destroy

    def allReduce(self, sendbuf: int, recvbuf: int, count: int, datatype: int, op: int, stream: int) -> None:
        self._collective(("allReduce", count, datatype, op), sendbuf, recvbuf, count, _reduced(op), count, stream)

    def reduce(self, sendbuf: int, recvbuf: int, count: int, datatype: int, op: int, root: int, stream: int) -> None:
        call = ("reduce", count, datatype, op, root)
        target = recvbuf if self._rank == root else 0
        self._collective(call, sendbuf, target, count, _reduced(op), count, stream)

    def broadcast(self, sendbuff: int, recvbuff: int, count: int, datatype: int, root: int, stream: int) -> None:
        call = ("broadcast", count, datatype, root)
        self._collective(call, sendbuff, recvbuff, count, lambda parts: parts[root], count, stream)

    def bcast(self, buff: int, count: int, datatype: int, root: int, stream: int) -> None:
        self.broadcast(buff, buff, count, datatype, root, stream)

    def reduceScatter(self, sendbuf: int, recvbuf: int, recvcount: int, datatype: int, op: int, stream: int) -> None:
        call, total = ("reduceScatter", recvcount, datatype, op), recvcount * self._size
        own = slice(self._rank * recvcount, (self._rank + 1) * recvcount)
        self._collective(call, sendbuf, recvbuf, total, lambda parts: _reduced(op)(parts)[own], recvcount, stream)

    def allGather(self, sendbuf: int, recvbuf: int, count: int, datatype: int, stream: int) -> None:
        call = ("allGather", count, datatype)
        self._collective(call, sendbuf, recvbuf, count, np.concatenate, count * self._size, stream)

    def send(self, sendbuf: int, count: int, datatype: int, peer: int, stream: int) -> None:
        def call() -> None:
            runtime.pretend_finish(stream)
            self._put(f"to.{self._rank}.{peer}.{self._sent[peer]}", view(sendbuf, DTYPES[datatype], (count,)))
            self._sent[peer] += 1

        _now_or_at_end(False, call)

    def recv(self, recvbuf: int, count: int, datatype: int, peer: int, stream: int) -> None:
        def call() -> None:
            path = self._folder / f"to.{peer}.{self._rank}.{self._received[peer]}"
            found = _get(path)
            path.unlink()
            self._received[peer] += 1
            if (found.size, found.dtype) != (count, DTYPES[datatype]):
                what = f"rank {peer} sends {found.size} {found.dtype}, not {count} {np.dtype(DTYPES[datatype])}"
                raise NcclError(NCCL_ERROR_INVALID_USAGE, what)
            runtime.pretend_finish(stream)
            view(recvbuf, DTYPES[datatype], (count,))[...] = found

        _now_or_at_end(True, call)

    def _collective(
        self,
        call: tuple[Any, ...],
        source: int,
        target: int,
        count: int,
        combine: Callable[[list[np.ndarray]], np.ndarray],
        length: int,
        stream: int,
    ) -> None:
        if runtime.streamIsCapturing(stream):
            raise NotImplementedError("pretend_cuda: NCCL in a capture is not emulated")
        dtype = DTYPES[call[2]]

        def run() -> None:
            runtime.pretend_finish(stream)
            parts = self._exchange(call, view(source, dtype, (count,)).copy())
            if target:
                view(target, dtype, (length,))[...] = combine(parts)

        _now_or_at_end(True, run)

    def _exchange(self, call: Any, value: Any) -> list[Any]:
        """The values of all ranks, who make the same call."""
        self._put(f"{self._calls}.{self._rank}", (call, value))
        told = [_get(self._folder / f"{self._calls}.{rank}") for rank in range(self._size)]
        # Whoever has come to this call has read those of the one before it.
        (self._folder / f"{self._calls - 1}.{self._rank}").unlink(missing_ok=True)
        self._calls += 1
        for rank, (other, _) in enumerate(told):
            if other != call:
                raise NcclError(NCCL_ERROR_INVALID_USAGE, f"rank {rank} calls {other}, rank {self._rank} {call}")
        return [found for _, found in told]

    def _put(self, name: str, value: Any) -> None:
        part = self._folder / f"part.{self._rank}"
        part.write_bytes(pickle.dumps(value))
        os.replace(part, self._folder / name)


def _get(path: Path) -> Any:
    while True:
        try:
            return pickle.loads(path.read_bytes())
        except FileNotFoundError:
            time.sleep(PAUSE)


def _reduced(op: int) -> Callable[[Iterable[np.ndarray]], np.ndarray]:
    def combine(parts: Iterable[np.ndarray]) -> np.ndarray:
        stacked = np.stack(list(parts))
        if op == NCCL_AVG:
            return stacked.mean(axis=0).astype(stacked.dtype)
        return REDUCTIONS[op].reduce(stacked, axis=0, dtype=stacked.dtype)

    return combine
