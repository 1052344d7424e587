"""Gradients of many batches, averages of weights, rates by epoch, callbacks, and the best weights at the end."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal
from small_net import small_net, values

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError
from xpnet.layers import LSTM, Affine, MeanSquaredError, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator
from xpnet.training import Trainer


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_small_batches_together_are_a_large_one(reduction: str, data, tolerance) -> None:
    """12 and 12 and 6 rows: the gradient of a mean counts each batch by its rows."""
    losses = []
    for batch_size, accumulate in ((30, 1), (12, 3), (12, 5)):
        loss = SoftmaxWithLoss(reduction=reduction)
        net = Sequential(Affine.create(4, 3, rng=Generator(0)), loss=loss)
        lr = 0.5 if reduction == "mean" else 0.02
        trainer = Trainer(net, SGD(lr), data, batch_size=batch_size, accumulate=accumulate)
        trainer.fit(3)
        assert trainer.optimizer.steps == 3
        losses.append(values(net)["Affine1.W"])
    for other in losses[1:]:
        np.testing.assert_allclose(other, losses[0], rtol=50 * tolerance, atol=10 * tolerance)


def test_an_average_follows_the_weights(data, tolerance) -> None:
    net, same = small_net(), small_net()
    trainer = Trainer(net, SGD(0.5), data, data, batch_size=10, average=0.8)
    expected = values(same)
    for _ in range(2):
        record = trainer.fit(1)[-1]
        for x, t in trainer.batches.epoch(record.epoch):
            SGD(0.5).update(same.params, same.gradient(x, t))
            expected = {name: 0.8 * a + 0.2 * values(same)[name] for name, a in expected.items()}
    for name, array in trainer.updates.averages.items():
        np.testing.assert_allclose(to_numpy(array), expected[name], rtol=50 * tolerance, atol=10 * tolerance)
    before = values(net)
    measured = record.test_loss
    assert measured != pytest.approx(float(to_numpy(net.loss(*data, predict=True))), rel=1e-4)
    trainer.use_average()
    assert measured == pytest.approx(float(to_numpy(net.loss(*data, predict=True))), rel=1e-6)
    assert any(not np.array_equal(before[name], array) for name, array in values(net).items())


def test_a_rate_by_epochs(data) -> None:
    rates = []

    class Told(SGD):
        def update(self, params, grads) -> None:
            rates.append(self.lr)
            super().update(params, grads)

    Trainer(small_net(), Told(1.0), data, batch_size=15, schedule=lambda epoch: 0.5 / (1 + epoch)).fit(3)
    assert rates == [0.5, 0.5, 0.25, 0.25, 0.5 / 3, 0.5 / 3]
    with pytest.raises(ArgumentError, match="the learning rate must be at least 0 and finite, got -1 in epoch 1"):
        Trainer(small_net(), SGD(0.1), data, schedule=lambda epoch: -1).fit(1)


def test_callbacks_are_functions_of_a_record(data) -> None:
    heard = []
    trainer = Trainer(small_net(), SGD(0.5), data)
    history = trainer.fit(10, callbacks=[heard.append, lambda record: record.epoch == 3])
    assert heard == history
    assert len(history) == 3
    for wrong in ([3], [None]):
        with pytest.raises(DtypeError, match="callbacks must be functions, got "):
            trainer.fit(1, callbacks=wrong)


@pytest.mark.parametrize("average", [None, 0.5])
def test_early_stopping_restores_the_best_weights(average: float | None, data, asarray) -> None:
    x, t = to_numpy(data[0]), to_numpy(data[1])
    apart = asarray(x[:8]), asarray((t[:8] + 1) % 3)  # wrong on purpose: it gets worse
    net = small_net()
    trainer = Trainer(net, Adam(0.05), data, apart, batch_size=10, average=average)
    kept = []
    trainer.fit(30, patience=3, callbacks=[lambda record: kept.append(record.test_loss)])
    best = int(np.argmin(kept))
    assert best < len(kept) - 1
    assert len(kept) == best + 4
    assert float(to_numpy(net.loss(*apart, predict=True))) == pytest.approx(kept[best], rel=1e-6)


def test_patience_that_is_not_used_up_restores_too(data, asarray) -> None:
    net = small_net()
    t = (to_numpy(data[1]) + 1) % 3
    history = Trainer(net, Adam(0.05), data, (data[0], asarray(t)), batch_size=10).fit(6, patience=50)
    best = min(record.test_loss for record in history)
    assert float(to_numpy(net.loss(data[0], asarray(t), predict=True))) == pytest.approx(best, rel=1e-6)


def test_sequences_that_go_on_come_in_order_and_start_anew(asarray) -> None:
    x, rng = normal("steps", 12, 3, 2), Generator(0)
    lstm = LSTM.create(2, 3, stateful=True, return_sequences=False, rng=rng)
    net = Sequential(lstm, Affine.create(3, 1, rng=rng), loss=MeanSquaredError())
    data = asarray(x), asarray(x[:, -1, :1])
    text = r"batches must come in order, because the state of LSTM1 continues .*shuffle=False"
    with pytest.raises(ArgumentError, match=text):
        Trainer(net, SGD(0.1), data, batch_size=4)
    trainer = Trainer(net, SGD(1e-30), data, data, batch_size=4, shuffle=False)
    one, two = trainer.fit(2)
    assert one.loss == two.loss  # nothing moved, and both epochs began from zeros
    after = to_numpy(lstm.h)
    assert after.shape == (4, 3)
    net.predict(data[0][:4, ...])
    np.testing.assert_array_equal(to_numpy(lstm.h), after)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"accumulate": 0}, "accumulate must be a positive integer, got 0"),
        ({"average": 1.0}, "average must be a share between 0 and 1, got 1.0"),
        ({"average": True}, "average must be a share between 0 and 1, got True"),
    ],
)
def test_bad_options_are_refused(options: dict, text: str, data) -> None:
    with pytest.raises(ArgumentError, match=f"^Trainer: {text}"):
        Trainer(small_net(), SGD(0.1), data, **options)
