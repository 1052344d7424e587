"""A page about a run: it is whole HTML, asks no network, and says where the network is wrong."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.datasets import Dataset
from xpnet.layers import Affine, Convolution, Flatten, MeanSquaredError, SoftmaxWithLoss
from xpnet.networks import Sequential
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
        if tag not in ("meta", "br"):
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
    assert titles(page) == ["Result", "Network", "Curves", "Weights", "Confusion matrix", "Worst mistakes"]
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
    assert titles(page)[-1] == "Predictions"
    error = np.abs(Run(tmp_path).predict(TABLE) - price).mean()
    assert f"{error:.4f}" in page


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
    assert page.count('viewBox="0 0 3 3"') == 3
