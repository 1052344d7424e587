"""TCP connections between the hub, beside rank 0, and every rank, for small objects; a key keeps strangers out."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path

from xpnet.errors import BackendError

WHO = "distributed"
PATIENCE = 5.0  # seconds for one attempt to connect, and for one answer of a stranger


@dataclass(frozen=True)
class Identity:
    """A process of the job.

    Two processes with the same ``machine`` can end each other, and two with the same ``network`` connect by loopback.
    """

    rank: int
    host: str
    pid: int
    machine: str
    network: str


@dataclass(frozen=True)
class Meeting:
    """The addresses of the hub, the best first; ranks with the same ``network`` use loopback instead."""

    addresses: tuple[str, ...]
    port: int
    network: str


def identity(rank: int) -> Identity:
    """Return the identity of this process; except on Linux, the host name stands for machine and network."""
    host = socket.gethostname()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        spaces = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("pid", "net")]
    except OSError:
        boot, spaces = host, ["", ""]
    return Identity(rank, host, os.getpid(), boot + spaces[0], boot + spaces[1])


def listen(address: str = "", port: int = 0) -> socket.socket:
    """Return a socket for the hub, on all its addresses unless one is given."""
    return socket.create_server((address, port), backlog=512)


def meeting(listening: socket.socket, own: Identity) -> Meeting:
    """Return the addresses and port with which ranks reach a socket of rank 0."""
    return Meeting(tuple(addresses()), listening.getsockname()[1], own.network)


def addresses() -> list[str]:
    """Return the addresses of this machine, ``XPNET_ADDRESS`` first, without loopback."""
    found = [os.environ["XPNET_ADDRESS"]] if os.environ.get("XPNET_ADDRESS") else []
    with suppress(OSError):
        found += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("198.51.100.1", 9))  # sends nothing, but selects the interface that leads outside
        found.append(probe.getsockname()[0])
    found += _of_interfaces()
    return list(dict.fromkeys(name for name in found if not name.startswith("127.")))


def _of_interfaces() -> list[str]:
    try:
        from fcntl import ioctl
    except ImportError:  # Windows
        return []
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # an interface without an address
                answer = ioctl(probe.fileno(), 0x8915, name.encode()[:15].ljust(256, b"\0"))  # SIOCGIFADDR
                found.append(socket.inet_ntoa(answer[20:24]))
    return found


def accept_all(listening: socket.socket, size: int, key: bytes, timeout: float) -> dict[Identity, Connection]:
    """Return a connection to every rank; this runs in the hub.

    Raises: ``BackendError`` if some ranks have not connected in time.
    """
    found: dict[Identity, Connection] = {}
    end = time.monotonic() + timeout
    while len(found) < size:
        listening.settimeout(max(end - time.monotonic(), 0.01))
        try:
            stream, _ = listening.accept()
        except TimeoutError:
            missing = sorted(set(range(size)) - {other.rank for other in found})
            must = f"all {size} ranks must reach rank 0 within {timeout:g} s"
            got = f"none from {ranks(missing)}"
            raise BackendError(WHO, must, got, "check that they run and that no firewall is in between") from None
        line = _connection(stream)
        with suppress(OSError, EOFError, AuthenticationError):  # a stranger
            if _answers(line):
                deliver_challenge(line, key)
                answer_challenge(line, key)
                found[Identity(*line.recv())] = line
    return found


def call(to: Meeting, own: Identity, key: bytes, timeout: float) -> Connection:
    """Return a connection to the hub; this runs on every rank.

    Raises: ``BackendError`` if none of its addresses answers.
    """
    tried = ("127.0.0.1", *to.addresses) if own.network == to.network else to.addresses
    end = time.monotonic() + timeout
    while True:
        for address in tried:
            with suppress(OSError, EOFError, AuthenticationError):
                return _called(address, to.port, own, key)
        if time.monotonic() > end:
            must = f"rank 0 must answer on port {to.port} of {' or '.join(tried) or 'an address'}"
            remedy = "open the port, or name an address of rank 0 in XPNET_ADDRESS"
            raise BackendError(WHO, must, f"no answer to {own.host}", remedy)
        time.sleep(0.05)


def _called(address: str, port: int, own: Identity, key: bytes) -> Connection:
    line = _connection(socket.create_connection((address, port), timeout=PATIENCE))
    line.send_bytes(b"xpnet")
    answer_challenge(line, key)
    deliver_challenge(line, key)
    line.send((own.rank, own.host, own.pid, own.machine, own.network))
    return line


def _answers(line: Connection) -> bool:
    """Return whether the caller says the expected word in time, so that a silent stranger does not block the hub."""
    return line.poll(PATIENCE) and line.recv_bytes(5) == b"xpnet"


def _connection(stream: socket.socket) -> Connection:
    stream.setblocking(True)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(stream.detach())


def ranks(numbers: list[int]) -> str:
    """Return ``rank 3``, or ``ranks 3, 5``."""
    return f"rank{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
