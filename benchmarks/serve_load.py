"""Requests of many clients at once to ``xpnet serve``, bad ones among them: nothing may be lost, and memory stays flat.

    python benchmarks/serve_load.py --requests 10000 --clients 50

trains on the digits, serves the run in a process of its own, compares every answer with that of the network, prints the
median and the 99th percentile of the times and the memory before and after, and ends the server while requests run.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

BAD = 10
"""One request in this many is bad."""

JSON = "application/json"


@dataclass
class Load:
    """The results of a load: times of the good requests in seconds, statuses, and requests that went wrong."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def at(self, share: float) -> float:
        """Return a quantile of the times in milliseconds."""
        return 1e3 * float(np.quantile(self.seconds, share))


class Client:
    """A connection that is kept open and made again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: Any = None
        self.writer: Any = None

    async def ask(self, path: str, body: bytes, kind: str, method: str = "POST") -> tuple[int, bytes]:
        """Send a request, and return status and body of the response."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = (f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {kind}", f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*head, "", ""]).encode() + body)
        with suppress(ConnectionError):  # the server may refuse before it has read all
            await self.writer.drain()
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        told = await self.reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.leave()
        return int(lines[0].split()[1]), told

    def leave(self) -> None:
        """Close the connection at once."""
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None


def bad_requests(limit: int) -> list[tuple[int, str, bytes, str]]:
    """Return requests that are refused: status, path, body and its type."""
    return [
        (400, "/predict", b"{", JSON),
        (400, "/predict", b'{"rows": []}', JSON),
        (422, "/predict", b'{"rows": ["no image"]}', JSON),
        (422, "/predict", b"\x89PNG\r\n\x1a\n and no more", "image/png"),
        (415, "/predict", b"a,b\n1,2\n", "text/csv"),
        (415, "/explain", b"x", "application/pdf"),
        (413, "/predict", b"0" * (limit + 1), "image/png"),
        (404, "/nowhere", b"x", JSON),
        (404, "/write", b'{"text": "a"}', JSON),
    ]


async def hammer(port: int, requests: int, clients: int, images: list[bytes], wanted: list[Any], limit: int) -> Load:
    """Send requests of many clients at once, one in ten of them bad, and compare every answer with the wanted one."""
    load, bad, numbers = Load(), bad_requests(limit), iter(range(requests))

    async def one(client: Client, number: int) -> None:
        if number % (BAD * 7) == 3:  # half a request, and gone
            client.leave()
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\nhalf")
            await writer.drain()
            writer.transport.abort()
            load.statuses["left"] += 1
            return
        if number % BAD == 3:
            status, path, body, kind = bad[number // BAD % len(bad)]
            found, told = await client.ask(path, body, kind)
            load.statuses[str(found)] += 1
            if found != status or "error" not in json.loads(told):
                load.wrong.append(f"{found} for {status}: {told[:200]!r}")
            return
        place = number % len(images)
        path = "/explain" if number % 50 == 7 else "/predict"
        begun = time.perf_counter()
        found, told = await client.ask(path, images[place], "image/png")
        load.seconds.append(time.perf_counter() - begun)
        load.statuses[str(found)] += 1
        answer = json.loads(told)
        answer = answer["answers"][0] if "answers" in answer else answer
        if found != 200 or answer["answer"] != wanted[place]:
            load.wrong.append(f"{found}, image {place}: {told[:200]!r} for {wanted[place]!r}")

    async def work() -> None:
        client = Client(port)
        for number in numbers:
            try:
                await one(client, number)
            except (OSError, asyncio.IncompleteReadError) as error:
                load.wrong.append(f"request {number} was lost: {error!r}")
                client.leave()
        client.leave()

    await asyncio.gather(*(work() for _ in range(clients)))
    return load


async def memory_of(port: int) -> int:
    """Return the bytes of memory of the server, as its metrics tell."""
    client = Client(port)
    _, told = await client.ask("/metrics", b"", "text/plain", "GET")
    client.leave()
    found = [line for line in told.decode().splitlines() if line.startswith("process_resident_memory_bytes ")]
    return int(found[0].split()[1])


async def ended(process: subprocess.Popen[str], port: int, image: bytes, count: int) -> tuple[int, int]:
    """Send requests, end the server by SIGTERM while they run, and return how many were answered, and its exit code."""
    clients = [Client(port) for _ in range(count)]
    await asyncio.gather(*(client.ask("/health", b"", JSON, "GET") for client in clients))
    asked = [asyncio.create_task(client.ask("/explain", image, "image/png")) for client in clients]
    await asyncio.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    found = await asyncio.gather(*asked, return_exceptions=True)
    code = await asyncio.to_thread(process.wait, 60)
    for client in clients:
        client.leave()
    return sum(isinstance(each, tuple) and each[0] == 200 for each in found), code


def digits_as_files(folder: Path, count: int = 60) -> tuple[list[bytes], list[Any]]:
    """Return test digits as PNG files, and the answers of the run in the folder to them."""
    from PIL import Image

    from xpnet.datasets import load_digits
    from xpnet.training import Run

    images = []
    for image in np.asarray(load_digits()[1][0])[:count]:
        file = io.BytesIO()
        Image.fromarray(np.round(255 * image.reshape(8, 8)).astype(np.uint8)).save(file, "PNG")
        images.append(file.getvalue())
    return images, Run(folder).predict(images).tolist()


def served(run: Path, *options: str) -> tuple[subprocess.Popen[str], int]:
    """Return the process of a server for a run, and its port."""
    command = [sys.executable, "-m", "xpnet", "serve", str(run), "--port", "0", *options]
    paths = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    variables = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": paths}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)  # noqa: S603 (its own)
    line = "" if process.stdout is None else process.stdout.readline()
    return process, int(line.split("http://")[1].split()[0].rpartition(":")[2])


def main() -> None:
    """Run the load, and exit with 1 where anything was lost or wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "digits"
        train = [sys.executable, "-m", "xpnet", "train", "--epochs", "5", "--out", str(folder), "-q"]
        subprocess.run(train, check=True)  # noqa: S603 (its own)
        images, wanted = digits_as_files(folder)
        process, port = served(folder, "--max-size", "1", "--max-waiting", str(4 * asked.clients))
        try:
            asyncio.run(hammer(port, asked.requests // 10, asked.clients, images, wanted, 1_000_000))  # warm
            before = asyncio.run(memory_of(port))
            begun = time.perf_counter()
            load = asyncio.run(hammer(port, asked.requests, asked.clients, images, wanted, 1_000_000))
            seconds = time.perf_counter() - begun
            after = asyncio.run(memory_of(port))
            answered, code = asyncio.run(ended(process, port, images[0], asked.clients))
        finally:
            process.kill()
            process.wait()
    print(f"{asked.requests:,} requests of {asked.clients} clients in {seconds:.1f} s: {dict(load.statuses)}")
    print(f"answers: median {load.at(0.5):.1f} ms, p99 {load.at(0.99):.1f} ms, longest {load.at(1.0):.1f} ms")
    print(f"memory: {before / 1e6:.1f} MB after {asked.requests // 10:,} requests, {after / 1e6:.1f} MB at the end")
    print(f"SIGTERM while {asked.clients} requests ran: {answered} answered, exit code {code}")
    for text in load.wrong[:10]:
        print(f"wrong: {text}")
    sys.exit(1 if load.wrong or answered < asked.clients or code else 0)


if __name__ == "__main__":
    main()
