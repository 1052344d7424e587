"""A page about a run: it is whole HTML, asks no network, and says where the network is wrong."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.datasets import Dataset, load_text
from xpnet.layers import (
    Affine,
    BatchNormalization,
    Convolution,
    Flatten,
    MeanSquaredError,
    SigmoidWithLoss,
    SoftmaxWithLoss,
)
from xpnet.networks import Sequential, TransformerLM
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.training import Run, Trainer
from xpnet.training.report import report

X = normal("x", 40, 2)
NAMES = np.asarray(["<cat>", "dog & co", "hen"])
TABLE = {"a": X[:, 0].tolist(), "b": X[:, 1].tolist()}


@pytest.fixture(autouse=True)
def on_numpy():
    with xn.use_backend("numpy", dtype="float32"):
        yield


class Balanced(HTMLParser):
    """It fails on a tag that is closed and was not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def well_formed(page: str) -> None:
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert not re.findall(r'(?:src|href)="?http', page)
    assert "default-src 'none'" in page


def titles(page: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", page)


def test_classes_with_their_mistakes(tmp_path: Path) -> None:
    labels = NAMES[np.argmax(np.concatenate([X, X[:, :1] * 0.0], axis=1), axis=1)].tolist()
    data = Dataset.of(TABLE | {"label": labels}, "label")
    net = Sequential(Affine.create(2, 3, rng=Generator(0)), loss=SoftmaxWithLoss())
    Trainer(net, Adam(0.02), data, metrics=["f1"]).fit(3, folder=tmp_path)
    run = Run(tmp_path)
    page = report(run, TABLE, labels)
    well_formed(page)
    assert titles(page) == [
        "Result",
        "Network",
        "Curves",
        "Weights",
        "Confusion matrix",
        "Worst mistakes",
        "Activations",
        "Gradients",
    ]
    assert "&lt;cat&gt;" in page
    assert "<cat>" not in page
    found = run.predict(TABLE)
    assert f"{np.mean(found == np.asarray(labels)):.2%} of 40 rows are right" in page
    counts = [int(cell) for cell in re.findall(r'--share:[\d.]+">(\d+)</td>', page)]
    assert len(counts) == 9
    assert sum(counts) == 40
    assert sum(counts[::4]) == np.sum(found == np.asarray(labels))
    assert titles(report(run)) == ["Result", "Network", "Curves", "Weights"]


def test_numbers_beside_the_right_ones(tmp_path: Path) -> None:
    price = (3.0 * X[:, 0] + 10.0).tolist()
    data = Dataset.of(TABLE | {"price": price}, "price", validation=None)
    net = Sequential(Affine.create(2, 1, rng=Generator(0)), loss=MeanSquaredError())
    Trainer(net, Adam(0.1), data, metric="r2").fit(2, folder=tmp_path)
    page = report(Run(tmp_path), TABLE, price)
    well_formed(page)
    assert "Predictions" in titles(page)
    error = np.abs(Run(tmp_path).predict(TABLE) - price).mean()
    assert f"<td>mean error</td><td>{error:.4g}</td>" in page
    run = Run(tmp_path)
    x, t = (xn.asarray(run.encoding.x(TABLE)), xn.asarray(run.encoding.t(price)))
    gradient = run.network.gradient(x, t)["Affine1.b"]
    found = re.search(r'<td>Affine1.b</td><td class="number">[^<]*</td><td class="number">([^<]*)</td>', page)[1]
    assert float(found) == pytest.approx(abs(float(gradient[0])), rel=1e-3)  # of prices as they were learnt


def test_images_as_pictures(tmp_path: Path) -> None:
    x = normal("images", 24, 1, 4, 4).astype(np.float32)
    net = Sequential(
        Convolution.create(1, 3, 3, pad=1, rng=Generator(0)),
        Flatten(),
        Affine.create(48, 2, rng=Generator(1)),
        loss=SoftmaxWithLoss(),
    )
    trainer = Trainer(net, Adam(0.01), (x, ["a", "b"] * 12))
    trainer.fit(1, folder=tmp_path)
    page = report(Run(tmp_path), x, ["a", "b"] * 12)
    well_formed(page)
    assert "Filters of the first layer" in titles(page)
    filters = re.search(r'<div class="filters">(.*?)</section>', page, re.DOTALL)[1]
    assert len(pixels(filters)) == 3
    W = xn.load_network(tmp_path).params["Convolution1.W"][0, 0]
    np.testing.assert_allclose(pixels(filters)[0][..., 0], 255 * (W - W.min()) / (W.max() - W.min()), atol=0.51)
    assert titles(page)[-3:] == ["Worst mistakes", "Activations", "Gradients"]
    mistakes = re.search(r"<h2>Worst mistakes</h2>(.*?)</section>", page, re.DOTALL)[1]
    assert {image.shape for image in pixels(mistakes)} == {(4, 4, 3)}


def pixels(html: str) -> list[np.ndarray]:
    """The images of a part of a page, read back from their PNG."""
    found = []
    for data in re.findall(r'src="data:image/png;base64,([^"]+)"', html):
        png = base64.b64decode(data)
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", png[16:24])
        length = struct.unpack(">I", png[33:37])[0]
        assert png[37:41] == b"IDAT"
        assert struct.unpack(">I", png[41 + length : 45 + length])[0] == zlib.crc32(png[37 : 41 + length])
        rows = np.frombuffer(zlib.decompress(png[41 : 41 + length]), np.uint8).reshape(height, 1 + 3 * width)
        found.append(rows[:, 1:].reshape(height, width, 3))
    return found


def test_classes_without_names_and_answers_by_one_score(tmp_path: Path) -> None:
    t = (X[:, 0] > 0.0).astype(np.int64)
    for name, outputs, loss in (("soft", 2, SoftmaxWithLoss()), ("sigmoid", 1, SigmoidWithLoss())):
        net = Sequential(Affine.create(2, outputs, rng=Generator(0)), loss=loss)
        Trainer(net, Adam(0.05), (X, t)).fit(2, folder=tmp_path / name)
        run = Run(tmp_path / name)
        page = report(run, X, t)
        well_formed(page)
        scores = run.scores(X)
        found = scores.argmax(axis=1) if outputs == 2 else scores[:, 0] > 0
        assert f"{np.mean(found == t):.2%} of 40 rows are right" in page


def test_a_text_with_its_attention(tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text("to be or not to be & <that> is the question\n" * 6)
    data = load_text(tmp_path / "some.txt", 8)
    net = TransformerLM(data.encoding.inputs.width, 8, 4, 2, 1, rng=Generator(0))
    Trainer(net, Adam(0.01), data, metrics=["perplexity"]).fit(2, folder=tmp_path / "run")
    run = Run(tmp_path / "run")
    x, t = data.validation
    page = report(run, x, t, "the end of the text")
    well_formed(page)
    assert titles(page)[4:] == ["Rows", "Text", "Activations", "Attention", "Gradients"]
    perplexity = np.exp(run.network.loss(xn.asarray(x, dtype="int64"), xn.asarray(t, dtype="int64"), predict=True))
    assert float(re.search(r"<td>perplexity</td><td>([\d.]+)</td>", page)[1]) == pytest.approx(
        float(perplexity), rel=1e-3
    )
    maps = pixels(re.search(r"<h2>Attention</h2>(.*?)</section>", page, re.DOTALL)[1])
    assert [image.shape for image in maps] == [(8, 8, 3)] * 2
    assert (np.triu(255 - maps[0][..., 0], 1) == 0).all()  # nobody attends to what is still to come


def test_norms_of_gradients_are_those_of_the_loss_on_the_rows(tmp_path: Path) -> None:
    t = (X[:, 0] > 0.0).astype(np.int64)
    net = Sequential(Affine.create(2, 2, rng=Generator(0)), BatchNormalization.create(2), loss=SoftmaxWithLoss())
    Trainer(net, Adam(0.05), (X, t)).fit(1, folder=tmp_path)
    run = Run(tmp_path)
    before = {name: np.array(value) for name, value in run.network.states.items()}
    page = report(run, X, t)
    for name, value in run.network.states.items():
        np.testing.assert_array_equal(value, before[name])
    gradient = run.network.gradient(xn.asarray(X), xn.asarray(t, dtype="int64"))
    norm = np.sqrt((gradient["Affine1.W"].astype(np.float64) ** 2).sum())
    assert re.search(rf'<td>Affine1.W</td><td class="number">[\d.]+</td><td class="number">{norm:.4g}</td>', page)
