"""Communication between ranks: the protocol that a single process, MPI and NCCL implement."""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

from xpnet.backend import Backend
from xpnet.typing import Array


class Pending(Protocol):
    """A sum that was started and may not be complete.

    >>> gradient = np.array([1.0, 2.0])
    >>> pending = connect().allreduce(gradient)
    >>> pending.wait()  # until here it must not be used
    >>> gradient
    array([1., 2.])
    """

    def wait(self) -> None:
        """Return when the array holds the sum.

        On a GPU, work that is launched afterwards uses the sum; the host does not wait for it.
        """


class Objects(Protocol):
    """Ranks that exchange small objects of the host; every rank makes the same calls in the same order."""

    rank: int
    size: int
    local_rank: int
    """The index of this rank among the ranks of its machine."""
    host: str

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """Return the root's value on every rank."""

    def gather_objects(self, value: Any) -> list[Any]:
        """Return the values of all ranks on every rank, in the order of the ranks."""

    def barrier(self) -> None:
        """Return when every rank has made this call."""

    def abort(self, reason: str) -> NoReturn:
        """End all processes of the job, with the rank, its host and the reason on the terminal."""

    def close(self) -> None:
        """Leave the job after the last call of this rank; return when every rank has left."""


class Communicator(Objects, Protocol):
    """The ranks of a job, seen from one of them.

    Arrays are flat, contiguous, of the communicator's library and on its device, and of one length and dtype on all
    ranks: on MPI those of NumPy, of another library if they are writable, or of CuPy; on NCCL those of CuPy.

    >>> communicator = connect()  # a process that mpiexec has not started is the only rank
    >>> gradient = np.array([1.0, 2.0])
    >>> communicator.allreduce(gradient).wait()
    >>> gradient, communicator.gather_objects("rank 0")
    (array([1., 2.]), ['rank 0'])
    """

    backend: Backend
    """The backend of this rank, on its own GPU if it has one."""
    over: str
    """The library that transfers the arrays."""

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Write the root's values into the array of every rank."""

    def allreduce(self, array: Array, wire: str | None = None) -> Pending:
        """Start to write the sum over all ranks into the array, and return at once.

        With ``wire`` float16 or bfloat16 the values are sent in 16 bits and added in float32. The sum has the same bits
        on every rank. The array must not be used before ``wait``.
        """

    def reduce_scatter(self, array: Array) -> Array:
        """Return this rank's slice of the sum over all ranks; the length of the array must be a multiple of size."""

    def allgather(self, part: Array) -> Array:
        """Return the slices of all ranks, concatenated."""


class Done:
    """A sum that is already complete."""

    def wait(self) -> None:
        """Return immediately."""


DONE = Done()
