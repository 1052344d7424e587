"""The machines of a hostfile, tried before a job starts: a launcher may wait for minutes for one that is gone."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xpnet.distributed.launcher import WHO
from xpnet.errors import BackendError, DataError

SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5")
PATIENCE = 15.0  # seconds for one machine


def hosts_of(path: Path) -> list[str]:
    """Return the machines of a hostfile, of MPICH (``node1:4``) or Open MPI (``node1 slots=4``).

    Raises: ``DataError`` if it cannot be read, or names no machine.
    """
    try:
        lines = [line.partition("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(
            WHO, f"the hostfile {path} must be readable", error, "name a file with one host per line"
        ) from error
    found = [words[0].partition(":")[0] for words in lines if words]
    if not found:
        raise DataError(WHO, f"the hostfile {path} must name a host", "none", "write one a line, such as node1:4")
    return list(dict.fromkeys(found))


def reach(hosts: Sequence[str], command: Sequence[str] = SSH) -> None:
    """Start a command on each machine, as a launcher would.

    Raises: ``BackendError`` with each machine that does not answer, and the reason.
    """
    with ThreadPoolExecutor(len(hosts)) as pool:
        reasons = list(pool.map(lambda host: refusal(host, command), hosts))
    lost = [f"{host} ({reason})" for host, reason in zip(hosts, reasons, strict=True) if reason]
    if lost:
        remedy = "start the machine, allow ssh to it without a password, or take it out of the file"
        raise BackendError(WHO, "every host must be reachable", f"no answer of {', '.join(lost)}", remedy)


def refusal(host: str, command: Sequence[str]) -> str:
    """Return the reason why a machine cannot be reached, or an empty text."""
    if host in ("localhost", "127.0.0.1", socket.gethostname()):
        return ""
    try:
        done = subprocess.run(  # noqa: S603
            (*command, host, "true"), capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return f"there is no {command[0]} here"
    except subprocess.TimeoutExpired:
        return f"nothing for {PATIENCE:g} s"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1].strip()
