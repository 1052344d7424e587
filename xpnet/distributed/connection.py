"""The choice of a communicator, by how this process was started and what its arrays are."""

from __future__ import annotations

import platform
import secrets
from typing import Any

import numpy as np

from xpnet.arguments import is_number
from xpnet.backend import Backend, get_backend
from xpnet.distributed.agreement import agree
from xpnet.distributed.communicator import Communicator
from xpnet.distributed.cores import share_cores
from xpnet.distributed.hub import start_hub
from xpnet.distributed.launcher import HOW, WHO, Launch, launched, refuse
from xpnet.distributed.lines import call, identity, listen, meeting
from xpnet.distributed.mpi import MPICommunicator
from xpnet.distributed.single import SingleCommunicator
from xpnet.distributed.watch import Watch
from xpnet.errors import ArgumentError, BackendError, XpnetError

INSTALL = "pip install 'xpnet[mpi]'"


def connect(backend: Backend | None = None, timeout: float = 60.0) -> Communicator:
    """Return the communicator of this process, for arrays of a backend; every process of the job makes this call.

    A process that no launcher has started is the whole job. Ranks of one machine share its cores. A rank that fails,
    falls silent, or does not come where others wait for it ends the job within ``timeout`` seconds.

    Raises: ``BackendError`` where there is no MPI, or another than that of the launcher.
    """
    if not (is_number(timeout) and timeout > 0):
        raise ArgumentError(WHO, "timeout must be positive seconds", repr(timeout), "give a number such as 60.0")
    launch = launched()
    if launch is None or launch.size == 1:
        return SingleCommunicator()
    try:
        communicator, watch = over_mpi(launch, timeout)
    except XpnetError as error:
        refuse(error, launch)
    try:
        agree(communicator, versions(backend or get_backend()))
        share_cores(communicator, watch.own.machine)
    except XpnetError as error:
        watch.abort(str(error))
    return communicator


def over_mpi(launch: Launch, timeout: float) -> tuple[MPICommunicator, Watch]:
    """Return the ranks of MPI, watched."""
    mpi = started_mpi(launch)
    comm = mpi.COMM_WORLD.Dup()
    local = comm.Split_type(mpi.COMM_TYPE_SHARED)
    local_rank = local.Get_rank()
    local.Free()
    own, key = identity(comm.Get_rank()), comm.bcast(secrets.token_bytes(32))
    to = None
    if own.rank == 0:
        with listen() as listening:
            to = meeting(listening, own)
            start_hub(listening, comm.Get_size(), key, timeout)
    watch = Watch(own, call(comm.bcast(to), own, key, timeout), timeout)
    return MPICommunicator(comm, local_rank, watch), watch


def started_mpi(launch: Launch) -> Any:
    """Return mpi4py's MPI, started.

    Raises: ``BackendError`` where it is missing, or is another MPI than that of the launcher: each process would be
    alone.
    """
    try:
        import mpi4py
    except ImportError as error:
        raise BackendError(WHO, "mpi4py must be installed", "none", INSTALL) from error
    mpi4py.rc.initialize = False  # until it is known to be the launcher's: it would end the process
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        got = str(error).splitlines()[0]
        remedy = f"{INSTALL}, or install Open MPI or MPICH"
        raise BackendError(WHO, "an MPI library must be there for mpi4py", got, remedy) from error
    library = MPI.Get_library_version().partition(",")[0].splitlines()[0].strip("\0 ")
    if (launch.launcher == "Open MPI") != library.startswith("Open MPI") and launch.launcher in ("MPICH", "Open MPI"):
        must = f"mpiexec, which is that of {launch.launcher}, must belong to the MPI of mpi4py"
        raise BackendError(WHO, must, library, "use the mpiexec beside this python, or set MPI4PY_LIBMPI")
    if not MPI.Is_initialized():
        MPI.Init_thread()
    if MPI.COMM_WORLD.Get_size() != launch.size:
        must = f"MPI must know all {launch.size} processes that were started"
        raise BackendError(WHO, must, f"{MPI.COMM_WORLD.Get_size()} by {library}", f"start them with its own: {HOW}")
    return MPI


def versions(backend: Backend) -> dict[str, str]:
    """Return what every rank must have in the same version, and the backend."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("xpnet")
    except PackageNotFoundError:
        own = "not installed"
    return {
        "version of xpnet": own,
        "version of Python": platform.python_version(),
        "version of NumPy": np.__version__,
        "backend": f"{backend.name} {backend.library.version()}",
        "dtype": str(backend.dtype),
    }
