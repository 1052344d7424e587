"""The choice of a communicator."""

from __future__ import annotations

from xpnet.backend import Backend
from xpnet.distributed.communicator import Communicator
from xpnet.distributed.mpi import MPICommunicator
from xpnet.distributed.single import SingleCommunicator


def connect(backend: Backend, timeout: float = 60.0) -> Communicator:  # noqa: ARG001
    """Return the communicator of this process, for arrays of the backend."""
    try:
        from mpi4py import MPI
    except ImportError:
        return SingleCommunicator()
    return SingleCommunicator() if MPI.COMM_WORLD.Get_size() == 1 else MPICommunicator(MPI.COMM_WORLD)
