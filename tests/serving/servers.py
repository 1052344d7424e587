"""Servers of small runs, each in a thread of the test's process."""

from __future__ import annotations

import http.client
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from named_numbers import normal

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")
pillow = pytest.importorskip("PIL.Image")

import xpnet as xn
from xpnet.cli.known_data import encoding_of
from xpnet.datasets import Dataset, load_digits, load_text
from xpnet.datasets.catalogue import CATALOGUE
from xpnet.layers import Affine, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential, TransformerLM, TwoLayerNet
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator
from xpnet.serving.app import Server
from xpnet.serving.limits import Limits
from xpnet.serving.process import bound
from xpnet.training import Run, Trainer

ROWS = 60
TABLE = {
    "size": (100.0 + 20.0 * normal("size", ROWS)).tolist(),
    "city": [("Oslo", "</script>", "Rome")[i % 3] for i in range(ROWS)],
    "zip": [("0101", "0102", "A7", "1.50")[i % 4] for i in range(ROWS)],
    "sold": [i % 2 == 0 for i in range(ROWS)],
    "built": [f"20{10 + i % 9}-03-01" for i in range(ROWS)],
}


def trained(folder: Path) -> dict[str, Path]:
    """The folders of trained networks: of digits, of a table, of a text and of arrays."""
    with xn.use_backend("numpy", dtype="float32"):
        train, test = load_digits()
        trainer = Trainer(TwoLayerNet(64, 30, 10, rng=Generator(0)), SGD(0.5), train, test, 20, Generator(0))
        trainer.encoding = encoding_of(CATALOGUE["digits"], train[0])
        trainer.fit(4, folder=folder / "digits")
        data = Dataset.of(TABLE | {"city": TABLE["city"]}, "city", missing="fill")
        net = Sequential(Affine.create(data.inputs, 8), Relu(), Affine.create(8, 3), loss=SoftmaxWithLoss())
        Trainer(net, Adam(0.02), data).fit(2, folder=folder / "table")
        text = folder / "text.txt"
        text.write_text("the cat sat on the mat. " * 40)
        rows = load_text(text, 8)
        Trainer(TransformerLM(rows.encoding.inputs.width, 8, 8, 2, 1), Adam(0.01), rows).fit(1, folder=folder / "text")
        net = Sequential(Affine.create(4, 3), loss=SoftmaxWithLoss())
        x = normal("x", 30, 4).astype(np.float32)
        Trainer(net, SGD(0.1), (x, np.argmax(x[:, :3], axis=1))).fit(1, folder=folder / "arrays")
    return {path.name: path for path in folder.iterdir() if path.is_dir()}


class Served:
    """A server that runs, and how it is asked."""

    def __init__(self, run: Run, port: int, server: Server) -> None:
        self.run, self.port, self.server = run, port, server

    def ask(self, path: str, body: Any = None, kind: str = "application/json", **headers: str) -> tuple[int, Any]:
        """Status and body of the response to a POST of JSON or bytes, or to a GET without a body."""
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        method = "GET" if content is None else "POST"
        connection.request(method, path, content, ({} if content is None else {"Content-Type": kind}) | headers)
        response = connection.getresponse()
        told = response.read()
        connection.close()
        is_json = response.headers.get("content-type", "").startswith("application/json")
        return response.status, json.loads(told) if is_json else told.decode()


@contextmanager
def serving(runs: dict[str, Path]) -> Iterator[Callable[..., Served]]:
    """A function that serves the run of a name, with limits, until the block ends."""
    stopping = []

    def start(name: str, hosts: list[str] | None = None, **limits: Any) -> Served:
        with xn.use_backend("numpy", dtype="float32"):
            run = Run(runs[name])
            server = Server(run, Limits(**limits), hosts)
        listening = bound("127.0.0.1", 0)
        process = uvicorn.Server(uvicorn.Config(server.app, log_level="error", lifespan="on"))
        thread = threading.Thread(target=process.run, kwargs={"sockets": [listening]})
        thread.start()
        stopping.append((process, thread, listening))
        while not process.started:
            time.sleep(0.01)
        return Served(run, listening.getsockname()[1], server)

    try:
        yield start
    finally:
        for process, thread, listening in stopping:
            process.should_exit = True
            thread.join(30)
            listening.close()
            assert not thread.is_alive()


def png(levels: Any, form: str = "PNG") -> bytes:
    """The file of an image."""
    file = io.BytesIO()
    pillow.fromarray(np.asarray(levels, dtype=np.uint8)).save(file, form)
    return file.getvalue()


def first_digit() -> Any:
    """A test digit, 8 x 8 from 0 to 255."""
    return np.round(255 * np.asarray(load_digits()[1][0])[0].reshape(8, 8)).astype(np.uint8)


def files_of(digit: Any) -> dict[str, bytes]:
    """The digit as files of images: as in training, larger, and dark on light."""
    large = np.zeros((300, 500), np.uint8)
    large[40:200, 100:260] = np.kron(digit, np.ones((20, 20), np.uint8))
    return {"same": png(digit), "large": png(large), "dark": png(255 - large, "JPEG")}
