"""Each test has a wide screen and a path of its own."""

from __future__ import annotations

import sys

import pytest

from xpnet.cases import CASES
from xpnet.conformance import layers

NAMES = (
    "Affine",
    "BatchNormalization",
    "Convolution",
    "Dropout",
    "Embedding",
    "LSTM",
    "Relu",
    "SoftmaxWithLoss, labels",
)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of layer cases that are tried; another test tries all of them."""
    monkeypatch.setattr(layers, "CASES", [case for case in CASES if case.name in NAMES])
    return len(layers.CASES)
