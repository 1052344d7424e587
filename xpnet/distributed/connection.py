"""The choice of a communicator, by the launcher of this process and the library of its arrays."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from xpnet.arguments import is_number
from xpnet.backend import Backend, get_backend
from xpnet.distributed.agreement import agree
from xpnet.distributed.communicator import Communicator
from xpnet.distributed.cores import share_cores
from xpnet.distributed.gpus import own_gpu, together
from xpnet.distributed.hub import start_hub
from xpnet.distributed.launcher import HOW, WHO, Launch, launched, refuse
from xpnet.distributed.lines import Meeting, call, identity, listen, meeting
from xpnet.distributed.mpi import MPICommunicator, library_of_mpi
from xpnet.distributed.single import SingleCommunicator
from xpnet.distributed.store import Store
from xpnet.distributed.watch import Watch
from xpnet.errors import ArgumentError, BackendError, XpnetError

INSTALL = "pip install 'xpnet[mpi]'"
KEY = "XPNET_KEY"


def connect(backend: Backend | Callable[[], Backend] = get_backend, timeout: float = 60.0) -> Communicator:
    """Return the communicator of this process, for arrays of a backend; every process of the job makes this call.

    ``backend`` is a backend, or a function that makes one, whose error is reported once, even if all ranks raise it. On
    CuPy each rank gets the GPU of its index on its machine, in ``communicator.backend``, and NCCL if it is available. A
    process without a launcher is a job of one rank. Ranks of one machine share its cores. A rank that fails, is silent,
    or does not make a call that others wait for ends the job within ``timeout`` seconds.

    Raises: ``BackendError`` if there is no MPI, or one that does not belong to the launcher.

    >>> communicator = connect()
    >>> communicator.rank, communicator.size
    (0, 1)
    """
    if not (is_number(timeout) and timeout > 0):
        raise ArgumentError(
            WHO, "timeout must be a positive number of seconds", repr(timeout), "give a number such as 60.0"
        )
    make = backend if callable(backend) else lambda: backend
    launch = launched()
    if launch is None or launch.size == 1:
        return SingleCommunicator(make())
    try:
        base = over_tcp(launch, timeout) if launch.launcher == "variables" else over_mpi(launch, timeout)
    except XpnetError as error:
        refuse(error, launch)
    try:
        return prepared(base, make)
    except XpnetError as error:
        base.abort(str(error))


def prepared(base: MPICommunicator | Store, make: Callable[[], Backend]) -> Communicator:
    """Return the communicator for the arrays of a backend, after dividing cores and GPUs among the ranks."""
    backend = together(base, make)
    agree(base, versions(backend))
    share_cores(base, base.watch.own.machine)
    if backend.name == "cupy":
        backend = own_gpu(backend, base, base.watch.own.machine)
        if all(base.gather_objects(has_nccl())):
            from xpnet.distributed.nccl import NCCLCommunicator

            return NCCLCommunicator(base, backend)
    if isinstance(base, Store):
        must = "ranks connected by RANK and MASTER_ADDR must use CuPy and NCCL"
        raise BackendError(WHO, must, backend.name, f"start them over MPI: {HOW}")
    if "cuda" in str(backend.device) and backend.name != "cupy":
        must = "arrays must be on the host, or of CuPy"
        raise BackendError(
            WHO, must, f"{backend.name} on {backend.device}", "choose the device cpu, or the backend cupy"
        )
    base.backend = backend
    return base


def has_nccl() -> bool:
    """Return whether CuPy finds NCCL."""
    import cupy

    nccl = getattr(cupy.cuda, "nccl", None)
    return bool(getattr(nccl, "available", False))


def over_mpi(launch: Launch, timeout: float) -> MPICommunicator:
    """Return the communicator over MPI, watched."""
    mpi = started_mpi(launch)
    comm = mpi.COMM_WORLD.Dup()
    local = comm.Split_type(mpi.COMM_TYPE_SHARED)
    local_rank = local.Get_rank()
    local.Free()
    own, key = identity(comm.Get_rank()), comm.bcast(secrets.token_bytes(32))
    to = hub = None
    if own.rank == 0:
        with listen() as listening:
            to = meeting(listening, own)
            hub = start_hub(listening, comm.Get_size(), key, timeout)
    watch = Watch(own, call(comm.bcast(to), own, key, timeout), timeout, hub)
    return MPICommunicator(comm, local_rank, watch)


def over_tcp(launch: Launch, timeout: float) -> Store:
    """Return ranks that found each other by environment variables, watched.

    Raises: ``BackendError`` without a key: anyone who can reach the port could send objects.
    """
    key = os.environ.get(KEY, "").encode()
    if not key:
        raise BackendError(
            WHO, f"{KEY} must hold a secret of this job", "none", f"export {KEY}=$(openssl rand -hex 16)"
        )
    own, hub = identity(launch.rank), None
    if own.rank == 0:
        with listen(port=launch.port) as listening:
            hub = start_hub(listening, launch.size, key, timeout)
    to = Meeting((launch.address,), launch.port, "")
    return Store(launch.size, launch.local_rank, Watch(own, call(to, own, key, timeout), timeout, hub))


def started_mpi(launch: Launch) -> Any:
    """Return the module MPI of mpi4py, after starting MPI.

    Raises: ``BackendError`` if it is missing, or if its MPI is not that of the launcher: each process would then be
    alone.
    """
    if find_spec("mpi4py") is None:
        raise BackendError(WHO, "mpi4py must be installed", "none", INSTALL)
    import mpi4py

    mpi4py.rc.initialize = False  # until its MPI is known to be the launcher's; another one would end the process
    mpi4py.rc.finalize = True
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        got = str(error).splitlines()[0]
        remedy = f"{INSTALL}, or install Open MPI or MPICH"
        raise BackendError(WHO, "an MPI library must be installed for mpi4py", got, remedy) from error
    library = library_of_mpi(MPI)
    if launch.launcher in ("MPICH", "Open MPI") and (launch.launcher == "Open MPI") != library.startswith("Open MPI"):
        must = f"mpiexec, here that of {launch.launcher}, must belong to the MPI of mpi4py"
        raise BackendError(WHO, must, library, "use the mpiexec next to this python, or set MPI4PY_LIBMPI")
    if not MPI.Is_initialized():
        MPI.Init_thread()
    if MPI.COMM_WORLD.Get_size() != launch.size:
        must = f"MPI must know all {launch.size} processes that were started"
        raise BackendError(WHO, must, f"{MPI.COMM_WORLD.Get_size()} by {library}", f"start them with its own: {HOW}")
    return MPI


def versions(backend: Backend) -> dict[str, str]:
    """Return the versions that every rank must have in common, and the backend."""
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
