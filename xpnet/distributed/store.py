"""Small objects exchanged between ranks without MPI, through the hub, over TCP."""

from __future__ import annotations

from typing import Any, NoReturn

from xpnet.distributed.watch import Watch


class Store:
    """The ranks that ``RANK``, ``WORLD_SIZE``, ``MASTER_ADDR`` and ``MASTER_PORT`` have connected.

    This is the part of a communicator without arrays, which are sent over NCCL.
    """

    def __init__(self, size: int, local_rank: int, watch: Watch) -> None:
        self.rank = watch.own.rank
        self.size = size
        self.local_rank = local_rank
        self.host = watch.own.host
        self.watch = watch

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """Return the root's value on every rank."""
        return self.gather_objects(value if self.rank == root else None)[root]

    def gather_objects(self, value: Any) -> list[Any]:
        """Return the values of all ranks on every rank."""
        return self.watch.exchange(value)

    def barrier(self) -> None:
        """Return when every rank has made this call."""
        self.watch.exchange(None)

    def abort(self, reason: str) -> NoReturn:
        """End all processes of the job, with the rank, its host and the reason on the terminal."""
        self.watch.abort(reason)

    def close(self) -> None:
        """Leave the job after the last call of this rank; return when every rank has left."""
        self.watch.leave()
