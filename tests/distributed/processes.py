"""Ranks that are processes, started by ``mpiexec``, or without MPI by the variables that name them."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


def needs_mpi(test):
    """A test that is skipped where ``mpiexec`` cannot start ranks."""
    lacks = pytest.mark.skipif(not (find_spec("mpi4py") and MPIEXEC), reason="mpi4py and an mpiexec are needed")
    return pytest.mark.mpi(lacks(test))


def environment(**variables):
    """The environment of a rank: one thread, and xpnet as it is here."""
    paths = os.pathsep.join(filter(None, [str(HERE.parent.parent), os.environ.get("PYTHONPATH", "")]))
    return os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": paths} | variables


def mpi_command(count, *command):
    return [MPIEXEC, "-n", str(count), sys.executable, "-m", "mpi4py", *map(str, command)]


def by_mpi(count, *command, folder=HERE):
    """The exit code, and what the job has printed, when its last process has closed its output."""
    start = mpi_command(count, *command)
    done = subprocess.run(start, capture_output=True, text=True, timeout=120, cwd=folder, env=environment())
    return done.returncode, done.stdout, done.stderr


LONGEST = 60  # seconds that a job of a test takes


def by_variables(count, *command, key="a secret", **more):
    """The exit codes of the ranks, and what they have printed, when the last process has closed its output."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    read, write = os.pipe()
    ranks = []
    for rank in range(count):
        own = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        named = environment(XPNET_KEY=key, **{name: str(value) for name, value in (own | more).items()})
        ranks.append(subprocess.Popen([sys.executable, *map(str, command)], stdout=write, stderr=write, env=named))
    os.close(write)
    told, end = b"", time.monotonic() + LONGEST
    while select.select([read], [], [], max(0.0, end - time.monotonic()))[0] and (part := os.read(read, 1 << 16)):
        told += part
    os.close(read)
    text = told.decode()
    assert time.monotonic() < end, f"a process is left after {LONGEST} s: {text}"
    end = time.monotonic() + 5  # of a rank whose output is closed
    return [rank.wait(max(0.1, end - time.monotonic())) for rank in ranks], text
