"""The watch: a thread of every rank tells rank 0 that it lives, and ends its process when the job has failed."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn

from xpnet.distributed.lines import Identity
from xpnet.distributed.verdict import Member, Verdict, verdict

FAILED = 1  # the exit code of every rank


class Watch:
    """The watch of one rank.

    A call of the communicator is announced with ``begin``, so that it is known who waits for whom. Rank 0 has a line
    to every other, each other one to rank 0. A rank that has failed, has fallen silent, has left too early or does not
    come to a call for which others wait ends the job: rank 0 says so, and every process ends itself, from its thread,
    whatever call its program may hang in.
    """

    def __init__(self, own: Identity, lines: Mapping[Identity, Connection], timeout: float) -> None:
        self.own = own
        self.timeout = timeout
        self.period = min(max(timeout / 10, 0.05), 5.0)
        now = time.monotonic()
        self.members = {who.rank: Member(who, now) for who in (own, *lines)}
        self.lines = {line: self.members[who.rank] for who, line in lines.items()}
        self.calls: deque[tuple[str, float, Callable[[], bool] | None]] = deque()
        self.begun = 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.left = False
        self.thread = threading.Thread(target=self._run, name="xpnet watch", daemon=True)
        self.thread.start()
        atexit.register(self.leave)
        os.register_at_fork(after_in_child=self._forget)
        self.hook, sys.excepthook = sys.excepthook, self._raised

    def begin(self, call: str, has_ended: Callable[[], bool] | None = None) -> None:
        """Note that a call begins; those that begin first end first, at ``end`` or when the function says so."""
        with self.lock:
            self.begun += 1
            self.calls.append((call, time.monotonic(), has_ended))

    def end(self) -> None:
        """Note that the oldest call has ended."""
        with self.lock:
            self.calls.popleft()

    def leave(self) -> None:
        """Tell that this rank makes no more calls, and return when every rank has told it."""
        atexit.unregister(self.leave)
        if not self.left:
            self.left = True
            self._tell()
        self.over.wait()

    def abort(self, reason: str) -> NoReturn:
        """End the job, with this rank, its host and the reason on the terminal."""
        own = self.members[self.own.rank]
        own.failed, own.failure = time.monotonic(), reason
        if self.own.rank:
            self._send(("failed", reason))
        self.thread.join(self.timeout)
        end_process(f"error: rank {self.own.rank} on {self.own.host}: {reason}")

    def _raised(self, *error: Any) -> None:
        """End the job for an error that nobody has caught, when it has been shown."""
        self.hook(*error)
        if not self.left and not issubclass(error[0], KeyboardInterrupt):
            self.abort(f"{error[0].__name__}: {error[1]}")

    def _forget(self) -> None:
        """Give up, in a process that was forked, what would hide the end of this one."""
        atexit.unregister(self.leave)
        sys.excepthook = self.hook
        for line in self.lines:
            line.close()

    def _run(self) -> None:
        try:
            self._watch()
        except Exception as error:
            end_process(f"error: rank {self.own.rank} on {self.own.host}: the watch has failed, {error!r}")

    def _watch(self) -> None:
        asleep = time.monotonic()
        told = 0.0
        while not self.over.is_set():
            for line in wait(list(self.lines), self.period / 2):
                self._read(line)
            now = time.monotonic()
            if now - asleep > self.timeout / 2:  # all this time this process was stopped, and heard nobody
                for member in self.members.values():
                    member.heard = now
            asleep = now
            if now - told >= self.period:
                self._tell()
                told = now
            self._conclude(now)

    def _tell(self) -> None:
        """Tell the others of this rank; on rank 0, note it."""
        with self.lock:
            while self.calls and (has_ended := self.calls[0][2]) is not None and has_ended():
                self.calls.popleft()
            call, since, _ = self.calls[0] if self.calls else ("", 0.0, None)
            begun, ended = self.begun, self.begun - len(self.calls)
        now = time.monotonic()
        self._note(self.members[self.own.rank], (begun, ended, call, now - since, self.left), now)
        self._send(("alive", begun, ended, call, now - since, self.left))

    def _note(self, member: Member, told: tuple[Any, ...], now: float) -> None:
        member.begun, member.ended, member.call, waited, member.left = told
        member.heard, member.since = now, now - waited

    def _send(self, message: tuple[Any, ...]) -> None:
        for line, member in list(self.lines.items()):
            try:
                with self.lock:
                    line.send(message)
            except OSError:
                member.gone = True

    def _read(self, line: Any) -> None:
        member, now = self.lines[line], time.monotonic()
        try:
            kind, *told = line.recv()
        except (OSError, EOFError):
            member.gone = True
            del self.lines[line]
            return
        if kind == "alive":
            self._note(member, tuple(told), now)
        elif kind == "failed" and not member.failure:
            member.failed, member.failure = now, told[0]
        elif kind == "over":
            self.over.set()
        elif kind == "end":
            self._end(told[0])

    def _conclude(self, now: float) -> None:
        first, members = self.members[0], list(self.members.values())
        if self.own.rank == 0:
            found = verdict(members, now, self.timeout, min(2 * self.period, 1.0))
            if found is None and all(member.left for member in members):
                self._send(("over",))
                self.over.set()
        else:  # of rank 0 the others know alone whether it lives, and that it ends before they are all over is wrong
            found = verdict([replace(first, left=False, failure="", begun=0, ended=0)], now, self.timeout, 0.0)
            if found is not None and not self.over.is_set():
                time.sleep(min(0.3 * (self.own.rank - 1), 3.0))  # the first that is left says so
        if found is not None and not self.over.is_set():
            self._finish(found)

    def _finish(self, found: Verdict) -> NoReturn:
        say(str(found))
        silent = found.culprit if found.silent else None
        self._send(("end", silent))
        time.sleep(0.1)
        self._end(silent)

    def _end(self, silent: Identity | None) -> NoReturn:
        """End this process, and one of this machine that is silent: it cannot end itself where it is stopped."""
        if silent is not None and silent.machine == self.own.machine and silent.pid != self.own.pid:
            with suppress(OSError):
                os.kill(silent.pid, signal.SIGKILL)
        end_process("")


def say(text: str) -> None:
    """Write a line to the terminal, past whatever else holds its lock."""
    with suppress(OSError):
        os.write(2, f"{text}\n".encode())


def end_process(text: str) -> NoReturn:
    """End this process from any thread, without a wait for what its program hangs in."""
    flush = threading.Thread(target=sys.stdout.flush, daemon=True)
    flush.start()
    flush.join(0.5)
    if text:
        say(text)
    os._exit(FAILED)
