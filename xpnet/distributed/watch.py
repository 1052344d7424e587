"""The watch: a thread of every rank sends signs of life to the hub, and ends its process when the job has failed."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, NoReturn

from xpnet.distributed.hub import LAST, period, say
from xpnet.distributed.lines import Identity

FAILED = 1  # the exit code of every rank
SPEAKING = 0.3  # seconds that a rank leaves to the one before it to report that the hub is lost


class Watch:
    """The watch of one rank.

    A call of the communicator is announced with ``begin``, so that the hub knows which rank waits for which. A rank
    that has failed, is silent, has left too early or does not make a call that others wait for ends the job: the hub
    reports it, and every process ends itself, from this thread, whatever call its program may hang in.
    """

    def __init__(self, own: Identity, line: Connection, timeout: float, hub: int | None = None) -> None:
        self.own = own
        self.hub = hub
        self.line = line
        self.timeout = timeout
        self.calls: deque[tuple[str, float, Callable[[], bool] | None]] = deque()
        self.begun = 0
        self.lock = threading.Lock()
        self.sending = threading.Lock()
        self.over = threading.Event()
        self.left = False
        self.end_job: Callable[[], object] | None = None
        """How the launcher is told to end all processes of the job, on all machines."""
        self.objects: SimpleQueue[list[Any]] = SimpleQueue()
        self.thread = threading.Thread(target=self._run, name="xpnet watch", daemon=True)
        self.thread.start()
        atexit.register(self.leave)
        os.register_at_fork(after_in_child=self._forget)
        self.hook, sys.excepthook = sys.excepthook, self._raised

    def begin(self, call: str, has_ended: Callable[[], bool] | None = None) -> None:
        """Note that a call begins; calls end in the order in which they began, at ``end`` or as ``has_ended`` tells."""
        with self.lock:
            self.begun += 1
            self.calls.append((call, time.monotonic(), has_ended))

    def end(self) -> None:
        """Note that the oldest call has ended."""
        with self.lock:
            self.calls.popleft()

    def exchange(self, value: Any) -> list[Any]:
        """Return the values of all ranks, exchanged through the hub."""
        self.begin("gather_objects")
        self._send(("given", value))
        found = self.objects.get()
        self.end()
        return found

    def leave(self) -> None:
        """Announce that this rank makes no more calls, and return when every rank has announced it."""
        atexit.unregister(self.leave)
        if not self.left:
            self.left = True
            self._tell()
            sys.excepthook = self.hook
        self.over.wait()

    def abort(self, reason: str) -> NoReturn:
        """End the job, with this rank, its host and the reason on the terminal."""
        self._send(("failed", reason))
        self.thread.join(self.timeout)
        end_process(f"error: rank {self.own.rank} on {self.own.host}: {reason}")

    def _raised(self, *error: Any) -> None:
        """End the job because of an uncaught error, after it has been shown."""
        self.hook(*error)
        if not issubclass(error[0], KeyboardInterrupt):
            self.abort(f"{error[0].__name__}: {error[1]}")

    def _forget(self) -> None:
        """Release, in a forked process, everything that would hide the end of this one."""
        atexit.unregister(self.leave)
        sys.excepthook = self.hook
        self.line.close()

    def _run(self) -> None:
        try:
            self._watch()
        except Exception as error:
            end_process(f"error: rank {self.own.rank} on {self.own.host}: the watch has failed, {error!r}")

    def _watch(self) -> None:
        heard = asleep = time.monotonic()
        told = 0.0
        pause = period(self.timeout)
        while not self.over.is_set():
            try:
                if self.line.poll(pause / 2):
                    self._act(*self.line.recv())
                    heard = time.monotonic()
            except (OSError, EOFError):
                self._lost("has ended")
            now = time.monotonic()
            if now - asleep > self.timeout / 2:  # this process was suspended in between, and could hear nothing
                heard = now
            asleep = now
            if now - heard > self.timeout:
                self._lost(f"gives no sign of life for {self.timeout:g} s")
            if now - told >= pause:
                self._tell()
                told = now

    def _act(self, kind: str, *told: Any) -> None:
        if kind == "over":
            self.over.set()
        elif kind == "objects":
            self.objects.put(told[0])
        elif kind == "end":
            self._end(told[0])

    def _tell(self) -> None:
        with self.lock:
            while self.calls and (has_ended := self.calls[0][2]) is not None and has_ended():
                self.calls.popleft()
            call, since, _ = self.calls[0] if self.calls else ("", 0.0, None)
            begun, ended = self.begun, self.begun - len(self.calls)
        self._send(("alive", begun, ended, call, time.monotonic() - since, self.left))

    def _send(self, message: tuple[Any, ...]) -> None:
        with self.sending, suppress(OSError):  # the thread notices that the connection is broken
            self.line.send(message)

    def _lost(self, what: str) -> NoReturn:
        """End this process because the hub is lost; the first rank that is left reports it.

        Rank 0, which has started the hub, kills it: a stopped one would outlive the job, and ``mpiexec`` wait for it.
        """
        if self.hub is not None:
            with suppress(OSError):
                os.kill(self.hub, signal.SIGKILL)
        time.sleep(min(SPEAKING * self.own.rank, 10 * SPEAKING))
        end_process(f"error: rank {self.own.rank} on {self.own.host}: the hub of the job, beside rank 0, {what}")

    def _end(self, silent: Identity | None) -> NoReturn:
        """End this process, and a silent one, which cannot end itself if it is stopped.

        A process on this machine is killed; one on another machine can be reached only by the launcher.
        """
        if silent is not None and silent.machine == self.own.machine and silent.pid != self.own.pid:
            with suppress(OSError):
                os.kill(silent.pid, signal.SIGKILL)
        elif silent is not None and self.end_job is not None and self.own.rank == (0 if silent.rank else 1):
            ending = threading.Thread(target=self.end_job, daemon=True)
            ending.start()
            ending.join(LAST)
        end_process("")


def end_process(text: str) -> NoReturn:
    """End this process from any thread, without waiting for a call in which its program hangs."""
    flush = threading.Thread(target=sys.stdout.flush, daemon=True)
    flush.start()
    flush.join(0.5)
    if text:
        say(text)
    os._exit(FAILED)
