"""Mirrors on this machine, and a cache of one's own."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from idx_files import small_mnist

from xpnet.datasets import mnist


@dataclass
class Mirror:
    """A web server of this machine: ``bodies`` says what it has, ``asked`` what it was asked for."""

    url: str
    bodies: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cut: int = 0  # bytes that it promises and does not send
    silent: bool = False
    closing: threading.Event = field(default_factory=threading.Event)

    def serve(self, files: dict[str, bytes]) -> None:
        self.bodies |= {f"/{name}.gz": gzip.compress(data) for name, data in files.items()}


@pytest.fixture
def make_mirror() -> Iterator[object]:
    servers: list[tuple[ThreadingHTTPServer, threading.Thread, Mirror]] = []

    def make() -> Mirror:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append(self.path)
                if mirror.silent:
                    mirror.closing.wait(5)
                    return
                if self.path not in mirror.bodies:
                    self.send_error(404)
                    return
                body = mirror.bodies[self.path]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) - mirror.cut])

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        mirror = Mirror(f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread, mirror))
        return mirror

    yield make
    for server, thread, mirror in servers:
        mirror.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of one's own, no XPNET_DATA, no mirror, and the checksums of ``small_mnist()``."""
    monkeypatch.delenv("XPNET_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(mnist, "cache_folder", lambda: tmp_path / "cache" / "xpnet" / "mnist")
    monkeypatch.setattr(mnist, "MIRRORS", ())
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in small_mnist().items()}
    monkeypatch.setattr(mnist, "CHECKSUMS", sums)
    return tmp_path / "cache" / "xpnet" / "mnist"
