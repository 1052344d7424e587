"""MPI, by mpi4py: for arrays of the host, and for those of a GPU where the MPI library takes them."""

from __future__ import annotations

import socket
from typing import Any, NoReturn

import numpy as np

from xpnet.backend import array_namespace, library_name
from xpnet.distributed.communicator import Pending
from xpnet.distributed.wire import check_wire, packed, unpacked
from xpnet.errors import LibraryError, ShapeError
from xpnet.typing import Array


class MPICommunicator:
    """The ranks that ``mpiexec`` has started, over a communicator of mpi4py of its own."""

    def __init__(self, comm: Any) -> None:
        from mpi4py import MPI

        self.mpi = MPI
        self.comm = comm.Dup()
        self.rank: int = comm.Get_rank()
        self.size: int = comm.Get_size()
        local = comm.Split_type(MPI.COMM_TYPE_SHARED)
        self.local_rank: int = local.Get_rank()
        local.Free()
        self.host = socket.gethostname()

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Write the root's values into the array of every rank."""
        self.comm.Bcast(on_host(array), root)

    def allreduce(self, array: Array, wire: str | None = None) -> Pending:
        """Start to write the sum over all ranks into the array, and return at once."""
        check_wire(wire)
        host = on_host(array)
        if host.dtype == np.float16:
            wire = "float16"  # which MPI cannot add
        if wire is None:
            return Request(self.comm.Iallreduce(self.mpi.IN_PLACE, host), host)
        return Packed(self, host, wire)

    def reduce_scatter(self, array: Array) -> Array:
        """Return the own slice of the sum over all ranks."""
        host = on_host(array)
        if host.size % self.size:
            remedy = "fill it up with zeros"
            raise ShapeError("reduce_scatter", f"the length must be a multiple of {self.size}", host.size, remedy)
        part = np.empty(host.size // self.size, host.dtype)
        self.comm.Reduce_scatter_block(host, part)
        return like(part, array)

    def allgather(self, part: Array) -> Array:
        """Return the slices of all ranks, one after another."""
        host = on_host(part)
        whole = np.empty(host.size * self.size, host.dtype)
        self.comm.Allgather(host, whole)
        return like(whole, part)

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """Return the root's value on every rank."""
        return self.comm.bcast(value, root)

    def gather_objects(self, value: Any) -> list[Any]:
        """Return the values of all ranks on every rank."""
        found: list[Any] = self.comm.allgather(value)
        return found

    def barrier(self) -> None:
        """Return when every rank has come here."""
        self.comm.Barrier()

    def abort(self, reason: str) -> NoReturn:
        """End all processes of the job, with the rank, its host and the reason on the terminal."""
        print(f"rank {self.rank} on {self.host}: {reason}", flush=True)  # noqa: T201
        self.comm.Abort(1)
        raise SystemExit(1)

    def close(self) -> None:
        """Leave the job, when this rank has made its last call."""
        self.comm.Free()


class Request:
    """A sum of MPI; it holds the memory of the array until the sum is there."""

    def __init__(self, request: Any, memory: Any) -> None:
        self.request = request
        self.memory = memory

    def wait(self) -> None:
        """Return when the array holds the sum."""
        self.request.Wait()
        self.memory = None


class Packed:
    """A sum in 16 bits: each rank adds its slice of all arrays, in the order of the ranks, and gives it to all."""

    def __init__(self, over: MPICommunicator, host: np.ndarray[Any, Any], wire: str) -> None:
        self.over = over
        self.host = host
        self.wire = wire
        length = -(-host.size // over.size)
        self.sent = np.zeros(length * over.size, np.uint16)
        self.sent[: host.size] = packed(np, host, wire)
        self.received = np.empty_like(self.sent)
        self.request = over.comm.Ialltoall(self.sent, self.received)

    def wait(self) -> None:
        """Return when the array holds the sum."""
        self.request.Wait()
        own = unpacked(np, self.received.reshape(self.over.size, -1), self.wire).sum(axis=0)
        self.over.comm.Allgather(packed(np, own, self.wire), self.sent)
        self.host[:] = unpacked(np, self.sent[: self.host.size], self.wire)


def on_host(array: Array) -> np.ndarray[Any, Any]:
    """Return an array of the host as NumPy's, in the same memory.

    Raises: ``LibraryError`` where it is of a library whose arrays nobody can write to.
    """
    host = array if isinstance(array, np.ndarray) else np.from_dlpack(array)  # type: ignore[arg-type]
    if not host.flags.writeable:
        got = f"those of {library_name(array_namespace(array))}"
        raise LibraryError("distributed", "arrays must be writable", got, "put the numbers into an array of NumPy")
    return host


def like(host: np.ndarray[Any, Any], array: Array) -> Array:
    """Return numbers of the host as an array of the other's library, on its device."""
    if isinstance(array, np.ndarray):
        return host
    found: Array = array_namespace(array).asarray(host, device=array.device)
    return found
