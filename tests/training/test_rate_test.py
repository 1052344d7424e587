"""A test of learning rates suggests one that learns, and leaves nothing behind."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal
from small_net import small_net, values

from xpnet.errors import ArgumentError
from xpnet.layers import Affine, BatchNormalization, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator
from xpnet.training import Trainer, rate_test


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_the_suggestion_learns_and_nothing_has_moved(kind: type, asarray, backend) -> None:
    x = normal("x", 200, 4)
    rng = Generator(0)
    layers = Affine.create(4, 8, rng=rng), BatchNormalization.create(8), Affine.create(8, 3, rng=rng)
    net = Sequential(*layers, loss=SoftmaxWithLoss())
    trainer = Trainer(net, kind(0.123), (asarray(x), asarray(np.argmax(x[:, :3], axis=1))), batch_size=20)
    trainer.optimizer.lr = 1e-6
    trainer.fit(1)
    trainer.optimizer.lr = 0.123
    before, state = values(net), dict(trainer.optimizer.state)
    mean = np.asarray(net.states["BatchNormalization1.running_mean"]).copy() if backend.name == "numpy" else None
    found = rate_test(trainer, 1e-6, 100.0, 80)
    assert trainer.optimizer.lr == 0.123
    assert trainer.optimizer.state.keys() == state.keys()
    assert trainer.optimizer.steps == state["steps"]
    for name, array in before.items():
        np.testing.assert_array_equal(values(net)[name], array)
    if mean is not None:
        np.testing.assert_array_equal(net.states["BatchNormalization1.running_mean"], mean)
    assert len(found.rates) == len(found.losses)
    assert found.rates[:2] == pytest.approx([1e-6, 1e-6 * 1e8 ** (1 / 79)])
    assert 1e-3 < found.suggestion < 20.0
    assert str(found).startswith("try lr=")
    trainer.optimizer.lr = found.suggestion
    first = trainer.history[-1].loss
    assert trainer.fit(3)[-1].loss < first


def test_losses_of_few_rows_do_not_end_it(asarray) -> None:
    x = normal("noisy", 120, 4)
    t = np.argmax(x[:, :3] + 0.5 * normal("labels", 120, 3), axis=1)
    found = rate_test(Trainer(small_net(), SGD(0.1), (asarray(x), asarray(t)), batch_size=5), high=10.0)
    assert found.rates[-1] > 0.5
    assert 1e-3 < found.suggestion < 1.0


def test_bad_ranges_are_refused(data) -> None:
    trainer = Trainer(small_net(), SGD(0.1), data)
    for options in ({"low": 0.0}, {"low": 1.0, "high": 0.1}, {"steps": 1}, {"high": float("inf")}):
        with pytest.raises(ArgumentError, match=r"^rate_test: low must be above 0 and below high, in two steps"):
            rate_test(trainer, **options)
    with pytest.raises(ArgumentError, match=r"the loss must fall at some rate, got .*; begin with a lower"):
        rate_test(trainer, low=1e6, high=1e7, steps=10)
