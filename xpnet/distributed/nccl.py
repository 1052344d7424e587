"""NCCL, by CuPy, for arrays of GPUs, one GPU for each rank."""

from __future__ import annotations

from typing import Any, NoReturn, Self

import cupy

from xpnet.backend import Backend
from xpnet.distributed.communicator import Pending
from xpnet.distributed.mpi import MPICommunicator
from xpnet.distributed.store import Store
from xpnet.distributed.wire import check_wire, packed, unpacked
from xpnet.errors import DtypeError, ShapeError
from xpnet.typing import Array


class NCCLCommunicator:
    """The ranks of a job over NCCL, after MPI or a store of objects has connected them.

    Its calls run on a stream of their own: each waits for the work launched before it, and work launched after
    ``wait`` waits for the call. The host waits for nothing.
    """

    def __init__(self, base: MPICommunicator | Store, backend: Backend) -> None:
        from cupy.cuda import nccl

        self.nccl = nccl
        self.over = f"NCCL {nccl.get_version()}"
        self.base = base
        self.watch = base.watch
        self.rank, self.size = base.rank, base.size
        self.local_rank, self.host = base.local_rank, base.host
        self.backend, self.device = backend, backend.device
        name = base.broadcast_object(nccl.get_unique_id() if self.rank == 0 else None)
        with self.device:
            self.comm = nccl.NcclCommunicator(self.size, name, self.rank)
            self.stream = cupy.cuda.Stream(non_blocking=True)
        self.types = {
            "int8": nccl.NCCL_INT8,
            "uint8": nccl.NCCL_UINT8,
            "int32": nccl.NCCL_INT32,
            "uint32": nccl.NCCL_UINT32,
            "int64": nccl.NCCL_INT64,
            "uint64": nccl.NCCL_UINT64,
            "float16": nccl.NCCL_FLOAT16,
            "float32": nccl.NCCL_FLOAT32,
            "float64": nccl.NCCL_FLOAT64,
        }

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Write the root's values into the array of every rank."""
        with self._call(f"broadcast{_size(array)} from rank {root}", array) as call:
            self.comm.bcast(*self._of(array), root, self.stream.ptr)
        call.wait()

    def allreduce(self, array: Array, wire: str | None = None) -> Pending:
        """Start to write the sum over all ranks into the array, and return at once."""
        check_wire(wire)
        with self._call(f"allreduce{_size(array)}{f' as {wire}' if wire else ''}", array) as call:
            if wire is None and array.dtype == cupy.float16:
                self._allreduce_packed(array, "float16")
            elif wire is None:
                pointer, *rest = self._of(array)
                self.comm.allReduce(pointer, pointer, *rest, self.nccl.NCCL_SUM, self.stream.ptr)
            else:
                self._allreduce_packed(array, wire)
        return call

    def _allreduce_packed(self, array: Any, wire: str) -> None:
        """Add in 16 bits: each rank adds its slice of all arrays, in the order of the ranks, and sends it to all."""
        length = -(-array.size // self.size)
        sent = cupy.zeros((self.size, length), cupy.uint16)
        sent.reshape(-1)[: array.size] = packed(cupy, array, wire)
        received = cupy.empty_like(sent)
        self.nccl.groupStart()
        for other in range(self.size):
            self.comm.send(*self._bytes(sent[other]), other, self.stream.ptr)
            self.comm.recv(*self._bytes(received[other]), other, self.stream.ptr)
        self.nccl.groupEnd()
        own = packed(cupy, unpacked(cupy, received, wire).sum(axis=0), wire)
        pointer, *rest = self._bytes(own)
        self.comm.allGather(pointer, sent.data.ptr, *rest, self.stream.ptr)
        array[:] = unpacked(cupy, sent.reshape(-1)[: array.size], wire)

    def reduce_scatter(self, array: Array) -> Array:
        """Return this rank's slice of the sum over all ranks."""
        if array.shape[0] % self.size:
            remedy = "pad it with zeros"
            raise ShapeError("reduce_scatter", f"the length must be a multiple of {self.size}", array.shape[0], remedy)
        with self._call(f"reduce_scatter{_size(array)}", array) as call:
            part = cupy.empty(array.shape[0] // self.size, array.dtype)
            source, target = self._of(array)[0], self._of(part)
            self.comm.reduceScatter(source, *target, self.nccl.NCCL_SUM, self.stream.ptr)
        call.wait()
        found: Array = part
        return found

    def allgather(self, part: Array) -> Array:
        """Return the slices of all ranks, concatenated."""
        with self._call(f"allgather{_size(part)}", part) as call:
            whole = cupy.empty(part.shape[0] * self.size, part.dtype)
            source, *rest = self._of(part)
            self.comm.allGather(source, whole.data.ptr, *rest, self.stream.ptr)
        call.wait()
        found: Array = whole
        return found

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """Return the root's value on every rank."""
        return self.base.broadcast_object(value, root)

    def gather_objects(self, value: Any) -> list[Any]:
        """Return the values of all ranks on every rank."""
        return self.base.gather_objects(value)

    def barrier(self) -> None:
        """Return when every rank has made this call."""
        self.base.barrier()

    def abort(self, reason: str) -> NoReturn:
        """End all processes of the job, with the rank, its host and the reason on the terminal."""
        self.base.abort(reason)

    def close(self) -> None:
        """Leave the job after the last call of this rank; return when every rank has left."""
        self.stream.synchronize()
        self.base.close()
        self.comm.destroy()

    def _call(self, name: str, array: Any) -> Launched:
        return Launched(self, name, array)

    def _of(self, array: Any) -> tuple[int, int, int]:
        """Return the address of an array, its number of elements, and its type in NCCL."""
        kind = self.types.get(array.dtype.name)
        if kind is None:
            raise DtypeError("distributed", f"dtype must be one of {', '.join(self.types)}", array.dtype, "cast it")
        return array.data.ptr, array.size, kind

    def _bytes(self, array: Any) -> tuple[int, int, int]:
        return array.data.ptr, array.nbytes, self.nccl.NCCL_UINT8


class Launched:
    """A call on the stream of a communicator, launched in the ``with`` block; ``wait`` makes later work wait for it."""

    def __init__(self, over: NCCLCommunicator, name: str, array: Any) -> None:
        self.over = over
        self.name = name
        self.array: Any = array
        self.ended: Any = None

    def __enter__(self) -> Self:
        stream = self.over.stream
        with self.over.device:
            stream.wait_event(cupy.cuda.get_current_stream().record())
        stream.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        stream = self.over.stream
        stream.__exit__(*error)
        self.ended = stream.record()
        ended = self.ended
        self.over.watch.begin(self.name, lambda: bool(ended.done))

    def wait(self) -> None:
        """Make work that is launched from now on wait for the call."""
        with self.over.device:
            cupy.cuda.get_current_stream().wait_event(self.ended)
        self.array = None


def _size(array: Any) -> str:
    return f" of {array.shape[0]:,} {array.dtype}"
