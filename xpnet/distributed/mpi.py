"""MPI, by mpi4py, for arrays of the host, and for those of a GPU if there is no NCCL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NoReturn

import numpy as np

from xpnet.backend import array_namespace, get_backend
from xpnet.distributed.communicator import Pending
from xpnet.distributed.memory import memory_of
from xpnet.distributed.watch import FAILED, Watch
from xpnet.distributed.wire import check_wire, packed, unpacked
from xpnet.errors import ShapeError
from xpnet.typing import Array

LOOKS = 200  # tests of a call that may end at once
PAUSE = 2e-5  # seconds between the tests after them


class MPICommunicator:
    """The ranks that ``mpiexec`` has started.

    One thread makes all calls of MPI, in the order in which they were begun, so that a sum proceeds while the program
    computes, whether or not the MPI library makes progress by itself.
    """

    def __init__(self, comm: Any, local_rank: int, watch: Watch) -> None:
        from mpi4py import MPI

        self.backend = get_backend()
        self.mpi = MPI
        self.over = library_of_mpi(MPI)
        self.comm = comm
        self.watch = watch
        watch.end_job = lambda: MPI.COMM_WORLD.Abort(FAILED)
        self.rank: int = comm.Get_rank()
        self.size: int = comm.Get_size()
        self.local_rank = local_rank
        self.host = watch.own.host
        self.calls: SimpleQueue[Call | None] = SimpleQueue()
        self.thread: threading.Thread | None = None
        if MPI.Query_thread() >= MPI.THREAD_SERIALIZED:
            self.thread = threading.Thread(target=self._run, name="xpnet MPI", daemon=True)
            self.thread.start()

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Write the root's values into the array of every rank."""
        memory = memory_of(array)

        def run() -> None:
            with memory.buffer() as buffer:
                self._made(memory.xp, "bcast", buffer, root)

        self._begin(f"broadcast{_size(array)} from rank {root}", run).wait()

    def allreduce(self, array: Array, wire: str | None = None) -> Pending:
        """Start to write the sum over all ranks into the array, and return at once."""
        check_wire(wire)
        memory = memory_of(array)
        if array.dtype == memory.xp.float16:
            wire = "float16"  # MPI cannot add float16

        def run() -> None:
            with memory.buffer() as buffer:
                if wire is None:
                    self._made(memory.xp, "allreduce", self.mpi.IN_PLACE, buffer)
                else:
                    self._allreduce_packed(memory.xp, buffer, wire)

        return self._begin(f"allreduce{_size(array)}{f' as {wire}' if wire else ''}", run)

    def _allreduce_packed(self, xp: Any, buffer: Any, wire: str) -> None:
        """Add in 16 bits: each rank adds its slice of all arrays, in the order of the ranks, and sends it to all."""
        length = -(-buffer.size // self.size)
        sent = xp.zeros(length * self.size, xp.uint16)
        sent[: buffer.size] = packed(xp, buffer, wire)
        received = xp.empty_like(sent)
        self._settle(xp)
        self._made(xp, "alltoall", sent, received)
        own = packed(xp, unpacked(xp, received.reshape(self.size, length), wire).sum(axis=0), wire)
        self._settle(xp)
        self._made(xp, "allgather", own, sent)
        buffer[:] = unpacked(xp, sent[: buffer.size], wire)

    def reduce_scatter(self, array: Array) -> Array:
        """Return this rank's slice of the sum over all ranks."""
        if array.shape[0] % self.size:
            remedy = "pad it with zeros"
            raise ShapeError("reduce_scatter", f"the length must be a multiple of {self.size}", array.shape[0], remedy)
        memory = memory_of(array)

        def run() -> Any:
            with memory.buffer() as buffer:
                part = memory.xp.empty(buffer.size // self.size, buffer.dtype)
                self._made(memory.xp, "reduce_scatter_block", buffer, part)
                return part

        return _like(self._begin(f"reduce_scatter{_size(array)}", run).wait(), array)

    def allgather(self, part: Array) -> Array:
        """Return the slices of all ranks, concatenated."""
        memory = memory_of(part)

        def run() -> Any:
            with memory.buffer() as buffer:
                whole = memory.xp.empty(buffer.size * self.size, buffer.dtype)
                self._made(memory.xp, "allgather", buffer, whole)
                return whole

        return _like(self._begin(f"allgather{_size(part)}", run).wait(), part)

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """Return the root's value on every rank."""
        return self._begin("broadcast_object", lambda: self.comm.bcast(value, root)).wait()

    def gather_objects(self, value: Any) -> list[Any]:
        """Return the values of all ranks on every rank."""
        found: list[Any] = self._begin("gather_objects", lambda: self.comm.allgather(value)).wait()
        return found

    def barrier(self) -> None:
        """Return when every rank has made this call."""
        self._begin("barrier", lambda: self._made(np, "barrier")).wait()

    def abort(self, reason: str) -> NoReturn:
        """End all processes of the job, with the rank, its host and the reason on the terminal."""
        self.watch.abort(reason)

    def close(self) -> None:
        """Leave the job after the last call of this rank; return when every rank has left."""
        self.watch.leave()
        self.calls.put(None)

    def _begin(self, name: str, run: Callable[[], Any]) -> Call:
        call = Call(run)
        self.watch.begin(name)
        if self.thread is None:
            self._make(call)
        else:
            self.calls.put(call)
        return call

    def _run(self) -> None:
        while (call := self.calls.get()) is not None:
            self._make(call)
            del call  # and with it the array that it gave, until the next one comes

    def _make(self, call: Call) -> None:
        call.run()
        self.watch.end()

    def _made(self, xp: Any, name: str, *buffers: Any) -> None:
        """Make a call of MPI on buffers, and sleep between tests of whether it has ended.

        A blocking call of MPI would occupy a core, and may take it from the very ranks that it waits for.
        """
        if xp is not np:  # not every MPI can add arrays of a GPU in a non-blocking call
            getattr(self.comm, name.capitalize())(*buffers)
            return
        request = getattr(self.comm, f"I{name}")(*buffers)
        looks = 0
        while not request.Test():
            looks += 1
            if looks > LOOKS:
                time.sleep(PAUSE)

    def _settle(self, xp: Any) -> None:
        if xp is not np:  # MPI reads the results of the GPU
            xp.cuda.get_current_stream().synchronize()


def library_of_mpi(mpi: Any) -> str:
    """Return the name and version of the MPI library, ``MPICH 5.0.2``."""
    line = mpi.Get_library_version().partition(",")[0].splitlines()[0]
    return " ".join(line.strip("\0").replace("Version:", "").split())


class Call:
    """A call of MPI that has begun; ``wait`` returns its result, or raises its error."""

    def __init__(self, run: Callable[[], Any]) -> None:
        self.body: Callable[[], Any] | None = run
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Make the call, and release the memory that it has used."""
        body, self.body = self.body, None
        try:
            if body is not None:
                self.result = body()
        except BaseException as error:
            self.error = error
        self.done.set()

    def wait(self) -> Any:
        """Return the result when the call has ended."""
        self.done.wait()
        if self.error is not None:
            raise self.error
        return self.result


def _size(array: Any) -> str:
    return f" of {array.shape[0]:,} {array.dtype}"


def _like(found: Any, array: Array) -> Array:
    """Return an array of the host, or of CuPy, in the library and on the device of another array."""
    same = type(found) is type(array)
    like: Array = found if same else array_namespace(array).asarray(found, device=array.device)
    return like
