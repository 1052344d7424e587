"""What ranks can do together: the protocol that one process, MPI and NCCL fulfil."""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

from xpnet.backend import Backend
from xpnet.typing import Array


class Pending(Protocol):
    """A sum that was started and may still be on its way."""

    def wait(self) -> None:
        """Return when the array holds the sum.

        On a GPU the work that is launched from then on finds it there; the host does not wait for it.
        """


class Objects(Protocol):
    """Ranks that give each other small objects of the host; every rank makes the same calls in the same order."""

    rank: int
    size: int
    local_rank: int
    """The number of this rank among those of its machine."""
    host: str

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """Return the root's value on every rank."""

    def gather_objects(self, value: Any) -> list[Any]:
        """Return the values of all ranks on every rank, in the order of the ranks."""

    def barrier(self) -> None:
        """Return when every rank has come here."""

    def abort(self, reason: str) -> NoReturn:
        """End all processes of the job, with the rank, its host and the reason on the terminal."""

    def close(self) -> None:
        """Leave the job, when this rank has made its last call; return when every rank has."""


class Communicator(Objects, Protocol):
    """The ranks of a job, seen from one of them.

    Arrays are flat, contiguous, of the communicator's library and on its device, and of one length and dtype on all
    ranks: NumPy's, or another library's that can be written to, on MPI; CuPy's on NCCL, and on MPI too.
    """

    backend: Backend
    """The backend of this rank: on its own GPU, where it has one."""
    over: str
    """By what the arrays travel."""

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Write the root's values into the array of every rank."""

    def allreduce(self, array: Array, wire: str | None = None) -> Pending:
        """Start to write the sum over all ranks into the array, and return at once.

        With ``wire`` float16 or bfloat16 the values travel in 16 bits and are added in float32. The sum has the same
        bits on every rank. The array belongs to the communicator until ``wait``.
        """

    def reduce_scatter(self, array: Array) -> Array:
        """Return the own slice of the sum over all ranks, 1/size of the array; its length is a multiple of size."""

    def allgather(self, part: Array) -> Array:
        """Return the slices of all ranks, one after another."""


class Done:
    """A sum that is there already."""

    def wait(self) -> None:
        """Return at once."""


DONE = Done()
