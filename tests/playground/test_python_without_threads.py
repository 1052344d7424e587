"""What a Python in a browser lacks, taken away from this one: threads, and a C library that is glibc."""

from __future__ import annotations

import io
import sys
import threading

import numpy as np
import pytest

import xpnet as xn
from xpnet import tuning
from xpnet.datasets.fetch import fetch
from xpnet.errors import DataError
from xpnet.layers import Affine, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer

pytestmark = pytest.mark.journey
X, T = Generator(0).normal((6, 4), "x").astype(np.float32), np.asarray([0, 1, 2, 0, 1, 2])


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(threading.Thread, "start", start)


def trainer_of(train) -> Trainer:
    with xn.use_backend("numpy", dtype="float32"):
        net = Sequential(Affine.create(4, 3, rng=Generator(0)), loss=SoftmaxWithLoss())
        return Trainer(net, SGD(0.1), train, (X, T), batch_size=3, shuffle=False)


def test_a_stream_trains_as_its_rows_do() -> None:
    stream = trainer_of(lambda: iter([(X[:3], T[:3]), lambda: (X[3:], T[3:])]))
    rows = trainer_of((X, T))
    assert stream.fit(2)[-1].loss == rows.fit(2)[-1].loss


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    monkeypatch.setattr("xpnet.training.progress.EVERY", 0.0)
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    trainer_of((X, T)).fit(2, progress=console)
    assert "━" in console.file.getvalue()
    assert "epoch 2/2" in console.file.getvalue()


def test_images_are_read_one_after_another() -> None:
    image = pytest.importorskip("PIL.Image")
    from xpnet.datasets.images import read_all

    pictures = [image.fromarray(np.full((3, 3), level, dtype=np.uint8)) for level in (0, 255)]
    assert read_all(pictures, (3, 3), 1)[:, 0, 0, 0].tolist() == [0, 255]


def test_nothing_is_fetched(tmp_path) -> None:
    text = r"fetched by a Python with threads and sockets, got one on emscripten; put them into .*new"
    with pytest.raises(DataError, match=text):
        fetch({"a": "0"}, ["http://127.0.0.1:9/"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_c_library_is_not_taken_for_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emscripten answers that it is glibc 2.14, and its mallopt gives the numbers other meanings."""
    monkeypatch.setattr("os.confstr", lambda name: "glibc 2.14", raising=False)
    assert tuning._mallopt() is None
