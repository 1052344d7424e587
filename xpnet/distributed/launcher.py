"""The launcher of this process: mpiexec, srun, or environment variables by which several processes find each other."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, replace
from typing import NoReturn

from xpnet.errors import BackendError, XpnetError

WHO = "distributed"
HOW = "mpiexec -n 4 python -m mpi4py -m xpnet train --distributed"

# The variables in which each launcher passes a process its rank, the number of ranks, and its rank on its machine.
LAUNCHERS = {
    "MPICH": ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    "Open MPI": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    "srun": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
    "variables": ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
}
PRINTING = 2.0  # seconds in which one rank reports the error before a launcher ends it because another has ended


@dataclass(frozen=True)
class Launch:
    """The values that a launcher has passed to this process; rank 0 listens at ``MASTER_ADDR`` and ``MASTER_PORT``."""

    launcher: str
    rank: int
    size: int
    local_rank: int
    address: str = ""
    port: int = 0


def launched() -> Launch | None:
    """Return the values that the launcher has passed to this process, or None without a launcher."""
    for launcher, (rank, size, local_rank) in LAUNCHERS.items():
        if rank not in os.environ or size not in os.environ:
            continue
        local = _number(local_rank) if local_rank in os.environ else 0
        told = Launch(launcher, _number(rank), _number(size), local)
        if launcher != "variables":
            return told
        if "MASTER_ADDR" in os.environ and "MASTER_PORT" in os.environ:
            return replace(told, address=os.environ["MASTER_ADDR"], port=_number("MASTER_PORT"))
    return None


def _number(name: str) -> int:
    text = os.environ[name]
    if not text.isdecimal():
        raise BackendError(WHO, f"the variable {name} must be a whole number", repr(text), "start the job again")
    return int(text)


def refuse(error: XpnetError, launch: Launch | None) -> NoReturn:
    """Raise the error on the first rank of each machine; end the other ranks, which would only repeat it."""
    if launch is None or launch.rank == 0:
        raise error
    if launch.local_rank == 0:
        error.set_who(f"rank {launch.rank} on {socket.gethostname()}: {error.who}")
        raise error
    time.sleep(PRINTING)
    raise SystemExit(1)
