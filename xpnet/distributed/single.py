"""A job of a single process."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any, NoReturn

from xpnet.backend import Backend, get_backend
from xpnet.distributed.communicator import DONE, Pending
from xpnet.typing import Array


class SingleCommunicator:
    """The communicator of a single process, where every sum is the array itself."""

    rank = 0
    size = 1
    local_rank = 0
    over = "nothing: one process"

    def __init__(self, backend: Backend | None = None) -> None:
        self.backend = backend or get_backend()
        self.host = socket.gethostname()

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Do nothing, since the root is the only rank."""

    def allreduce(self, array: Array, wire: str | None = None) -> Pending:
        """Do nothing: no value is sent, so that ``wire`` does not round any."""
        return DONE

    def reduce_scatter(self, array: Array) -> Array:
        """Return the array itself."""
        return array

    def allgather(self, part: Array) -> Array:
        """Return the array itself."""
        return part

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """Return the value."""
        return value

    def gather_objects(self, value: Any) -> list[Any]:
        """Return the value in a list."""
        return [value]

    def barrier(self) -> None:
        """Return immediately."""

    def abort(self, reason: str) -> NoReturn:
        """End the process, with the reason on the terminal."""
        print(f"error: {reason}", file=sys.stderr, flush=True)  # noqa: T201
        os._exit(1)

    def close(self) -> None:
        """Do nothing, since no other rank could wait for this one."""
