"""A recurrent body computes with nothing that its memory held before: an inf there would warn."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.layers import GRU, LSTM, RNN
from xpnet.networks import Sequential
from xpnet.random import Generator


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_memory_that_holds_inf_gives_no_warning(kind, monkeypatch):
    with xn.use_backend("numpy"):
        net = Sequential(kind.create(2, 3, rng=Generator(0)))
        x = Generator(0).normal((2, 4, 2), "x").astype(np.float32)
        y = net.predict(x)
        monkeypatch.setattr(np, "empty", lambda shape, dtype=float, **_: np.full(shape, np.inf, dtype))
        assert np.array_equal(net.predict(x), y)
