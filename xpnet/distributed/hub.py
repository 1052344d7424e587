"""The hub: a process that rank 0 starts, and to which every rank is connected.

A launcher does not end it, so that it can report why a job has ended when all ranks are gone.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from xpnet.distributed.lines import Identity, accept_all
from xpnet.distributed.verdict import Member, Verdict, verdict
from xpnet.errors import BackendError

LAST = 2.0  # seconds for the ranks to end themselves


def start_hub(listening: socket.socket, size: int, key: bytes, timeout: float) -> int:
    """Start the hub of a job, listening on a socket of this process, and return the number of its process."""
    read, write = os.pipe()
    with os.fdopen(write, "wb") as pipe:
        pipe.write(pickle.dumps((listening.fileno(), size, key, timeout)))
    command = (sys.executable, "-c", "from xpnet.distributed.hub import main; main()")
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    hub = subprocess.Popen(  # noqa: S603
        command,
        env=os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
        stdin=read,
        stdout=subprocess.DEVNULL,
        pass_fds=(listening.fileno(),),
        start_new_session=True,
    )
    os.close(read)
    hub.returncode = 0  # it is not waited for: it ends when the last rank has gone
    return hub.pid


class Hub:
    """The connections to all ranks, their last messages, and the objects that they exchange."""

    def __init__(self, lines: dict[Identity, Connection], timeout: float) -> None:
        now = time.monotonic()
        self.timeout = timeout
        self.period = period(timeout)
        self.members = sorted((Member(who, now) for who in lines), key=lambda member: member.who.rank)
        self.lines = {line: self.members[who.rank] for who, line in lines.items()}
        self.given: dict[int, Any] = {}

    def run(self) -> None:
        """Watch until all ranks have left, or one has failed."""
        told = asleep = time.monotonic()
        while not all(member.left for member in self.members):
            for line in wait(list(self.lines), self.period / 2):
                self.read(line)
            now = time.monotonic()
            if now - asleep > self.timeout / 2:  # the machine, or this process, was suspended in between
                for member in self.members:
                    member.heard = now
            asleep = now
            if now - told >= self.period:
                self.send(("alive",))
                told = now
            if (found := verdict(self.members, now, self.timeout, min(2 * self.period, 1.0))) is not None:
                self.finish(found)
                return
        self.send(("over",))

    def read(self, line: Any) -> None:
        """Read a message of a rank and note it."""
        member, now = self.lines[line], time.monotonic()
        try:
            kind, *told = line.recv()
        except (OSError, EOFError):
            member.gone = True
            del self.lines[line]
            return
        member.heard = now
        if kind == "alive":
            member.begun, member.ended, member.call, waited, member.left = told
            member.since = now - waited
        elif kind == "failed" and not member.failure:
            member.failed, member.failure = now, told[0]
        elif kind == "given":
            self.given[member.who.rank] = told[0]
            if len(self.given) == len(self.members):
                self.send(("objects", [self.given[rank] for rank in sorted(self.given)]))
                self.given = {}

    def send(self, message: tuple[Any, ...]) -> None:
        """Send a message to all ranks."""
        for line in self.lines:
            with suppress(OSError):  # a broken connection is noticed when it is read
                line.send(message)

    def finish(self, found: Verdict) -> None:
        """Report which rank has failed, and make all ranks end."""
        say(str(found))
        silent = found.culprit if found.silent else None
        self.send(("end", silent))
        end = time.monotonic() + LAST
        while self.lines and time.monotonic() < end:
            for line in wait(list(self.lines), 0.1):
                self.read(line)


def period(timeout: float) -> float:
    """Return the seconds between two signs of life."""
    return min(max(timeout / 10, 0.05), 5.0)


def say(text: str) -> None:
    """Write a line to the terminal, bypassing any lock on it."""
    with suppress(OSError):
        os.write(2, f"{text}\n".encode())


def main() -> None:
    """Run the hub of the job that standard input describes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when the ranks have ended
    descriptor, size, key, timeout = pickle.load(sys.stdin.buffer)  # noqa: S301
    try:
        with socket.socket(fileno=descriptor) as listening:
            lines = accept_all(listening, size, key, timeout)
    except BackendError as error:
        say(f"error: {error}")
        return
    Hub(lines, timeout).run()
