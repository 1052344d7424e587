"""The process of a server: its socket, its signals and its end."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from xpnet.errors import BackendError
from xpnet.serving.app import Server

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Process(uvicorn.Server):
    """A server that ends at SIGTERM or Ctrl-C once the requests that run are answered; the second one ends it now."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen to signals within the block, and not send them on after it: the end was asked for."""
        before = {each: signal.signal(each, self.handle_exit) for each in SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address.

    Raises: ``BackendError`` for a port that is in use or forbidden, and for a host that is none of this machine.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        got = "a port that is in use" if number == errno.EADDRINUSE else getattr(error, "strerror", None) or str(error)
        remedy = "give another with --port, or --port 0 for a free one"
        if number not in (errno.EADDRINUSE, errno.EACCES):
            remedy = "give an address of this machine with --host, such as 127.0.0.1"
        raise BackendError("serve", f"{host}:{port} must be an address to listen at", got, remedy) from None


def names_of(host: str) -> list[str] | None:
    """Return the names under which a server at an address may be addressed, or None for any."""
    return ["127.0.0.1", "localhost", "[::1]"] if host in LOOPBACK else None


def run(server: Server, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until a signal comes, and then until the requests that run are answered.

    ``ready`` is called once the server listens.
    """
    options: dict[str, Any] = {"log_level": "error", "access_log": False, "lifespan": "on", "server_header": False}
    seconds = server.limits.seconds
    config = uvicorn.Config(server.app, timeout_graceful_shutdown=int(seconds) + 1, timeout_keep_alive=30, **options)
    process = Process(config)
    ready()
    process.run(sockets=[listening])
