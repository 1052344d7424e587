"""``fit`` trains when it is called; the iterator tells when it was thrown away; data on raw scales get advice."""

from __future__ import annotations

import gc
import warnings

import numpy as np
import pytest
from small_net import small_net

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.layers import Affine, MeanSquaredError
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer


def test_fit_trains_as_the_iterator_does(data) -> None:
    fitted, looped = (Trainer(small_net(), SGD(0.5), data, batch_size=7) for _ in range(2))
    heard: list[int] = []
    history = fitted.fit(3, on_batch=heard.append)
    records = list(looped.run(3))
    assert history is fitted.history
    assert [epoch.loss for epoch in history] == [epoch.loss for epoch in records]
    assert len(heard) == 3 * len(fitted.batches)
    assert len(fitted.fit(1)) == 4


def test_fit_ends_early_with_patience(data) -> None:
    assert len(Trainer(small_net(), SGD(1e-30), data, data).fit(10, patience=2)) == 3


def test_epochs_that_nobody_asks_for_are_told(data) -> None:
    trainer = Trainer(small_net(), SGD(0.5), data)
    with pytest.warns(
        UserWarning, match=r"Trainer.run: nothing was trained, .* call trainer.fit\(epochs\), or write for"
    ):
        trainer.run(3)
    assert trainer.history == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        begun = trainer.run(3)
        next(begun)
        del begun
        gc.collect()
    for epochs in (0, 1.5):
        with pytest.raises(ArgumentError, match="epochs must be"):
            trainer.run(epochs)


def test_data_on_raw_scales_get_one_line_of_advice(backend) -> None:
    x = backend.asarray(np.linspace(0.0, 2345.0, 12).reshape(6, 2))
    t = backend.asarray(np.linspace(0.0, 1.0, 6).reshape(6, 1))
    net = Sequential(Affine.create(2, 1, rng=Generator(0)), loss=MeanSquaredError())
    text = r"^Trainer: x reaches 2,345, and networks learn best .*; give \(x - x.mean\(0\)\) / \(x.std\(0\) \+ 1e-8\)$"
    with pytest.warns(UserWarning, match=text) as raised:
        Trainer(net, SGD(0.1), (x, t))
    assert raised[0].filename == __file__
    with pytest.warns(UserWarning, match=r"^Trainer: t reaches 2,345"):
        Trainer(net, SGD(0.1), (x / 2345.0, t * 2345.0))
    x = to_numpy(x)
    x = xn.asarray((x - x.mean(0)) / (x.std(0) + 1e-8))
    assert Trainer(net, SGD(0.1), (x, t)).fit(3)[-1].loss < 1.0
