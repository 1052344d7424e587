"""A training goes on from disk as if it had not stopped."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from named_numbers import normal
from safetensors.numpy import save_file
from small_net import small_net, values

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import DataError
from xpnet.layers import Affine, BatchNormalization, Dropout, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SAM, SGD, Adafactor, AdaGrad, Adam, AdamW, Lion, Lookahead, Momentum, Muon, NAdam, RMSprop
from xpnet.random import Generator
from xpnet.schedules import Plateau
from xpnet.training import Epoch, History, Trainer

KINDS = [SGD, Momentum, AdaGrad, RMSprop, Adam, AdamW, Lion]
LATER = {
    "Adafactor": Adafactor,
    "Muon": Muon,
    "AMSGrad": partial(Adam, amsgrad=True),
    "SAM(Lookahead(NAdam))": lambda lr, groups: SAM(Lookahead(NAdam(lr, groups=groups), 3)),
}


def noisy_net(seed: int) -> Sequential:
    rng = Generator(seed)
    return Sequential(
        Affine.create(4, 6, rng=rng),
        BatchNormalization.create(6),
        Relu(),
        Dropout(0.3, rng=Generator(9)),
        Affine.create(6, 3, rng=rng),
        loss=SoftmaxWithLoss(),
    )


def trainer_of(kind: Any, data, seed: int = 0) -> Trainer:
    optimizer = kind(Plateau(0.05, factor=0.5, patience=0, threshold=0.5), groups={"*.b": {"weight_decay": 0.1}})
    return Trainer(noisy_net(seed), optimizer, data, data, batch_size=7, rng=Generator(3), clip_norm=0.5)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_training_goes_on_from_disk_bit_for_bit(kind: type, data, tmp_path: Path) -> None:
    check_going_on(kind, data, tmp_path)


@pytest.mark.parametrize("kind", LATER.values(), ids=LATER)
def test_slots_of_other_shapes_and_wrappers_go_on_from_disk(kind: Any, tmp_path: Path) -> None:
    x = normal("x", 30, 4).astype("float32")
    check_going_on(kind, (x, np.argmax(x[:, :3], axis=1)), tmp_path)


def check_going_on(kind: Any, data, tmp_path: Path) -> None:
    whole = trainer_of(kind, data)
    list(whole.run(4))
    assert whole.optimizer.lr(0) < 0.05
    first = trainer_of(kind, data)
    list(first.run(2))
    first.save(tmp_path / "c")
    second = trainer_of(kind, data, seed=7)
    second.resume(tmp_path / "c")
    list(second.run(2))
    assert second.optimizer.state.keys() == whole.optimizer.state.keys()
    for one, other in (
        (whole.network.params, second.network.params),
        (whole.network.states, second.network.states),
        (whole.optimizer.state, second.optimizer.state),
    ):
        for name, value in one.items():
            np.testing.assert_array_equal(on_host(other[name]), on_host(value))
    for one, other in zip(whole.history, second.history, strict=True):
        measured = {"seconds": 0.0, "samples_per_second": 0.0}
        assert replace(one, **measured) == replace(other, **measured)


def on_host(value):
    return to_numpy(value) if hasattr(value, "shape") else value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_optimizer_goes_on_from_disk(kind: type, tmp_path: Path) -> None:
    x = normal("x", 30, 4).astype(np.float32)
    data = x, np.argmax(x[:, :3], axis=1)
    one, other = trainer_of(kind, data), trainer_of(kind, data, seed=7)
    list(one.run(1))
    xn.save(tmp_path / "c", one.network, optimizer=one.optimizer)
    xn.load(tmp_path / "c", other.network, optimizer=other.optimizer)
    other.history[:] = one.history
    list(one.run(1))
    list(other.run(1))
    for name, array in one.network.params.items():
        np.testing.assert_array_equal(other.network.params[name], array)


def test_a_history_comes_back_as_it_was(tmp_path: Path) -> None:
    history = History([Epoch(1, 0.5, 0.9, None, 0.1, 100.0), Epoch(2, 0.1 + 0.2, None, 0.9, 0.1, 100.0, 0.3)])
    xn.save(tmp_path / "c", small_net(), history=history)
    found = History()
    xn.load(tmp_path / "c", small_net(), history=found)
    assert found == history
    assert [type(record.epoch) for record in found] == [int, int]
    xn.save(tmp_path / "c", small_net(), history=History())
    xn.load(tmp_path / "c", small_net(), history=found)
    assert found == []


def test_weights_alone_are_read_from_a_checkpoint(data, tmp_path: Path) -> None:
    trainer = Trainer(small_net(), Adam(), data)
    list(trainer.run(1))
    trainer.save(tmp_path / "c")
    other = small_net(seed=1)
    xn.load(tmp_path / "c", other)
    for name, array in values(trainer.network).items():
        np.testing.assert_array_equal(values(other)[name], array)


def test_a_checkpoint_that_does_not_fit_changes_nothing(data, tmp_path: Path) -> None:
    trainer, path = Trainer(small_net(), Adam(), data), tmp_path / "c"
    list(trainer.run(1))
    trainer.save(path)
    other = Trainer(small_net(seed=1), Momentum(), data)
    before = values(other.network)
    with pytest.raises(DataError, match=r"load: .*c must hold the state of Momentum, got a difference in W1.m"):
        other.resume(path)
    xn.save(path, small_net())
    for optimizer, text in ((Adam(), "the state of the optimizer"), (None, "the state of the history")):
        with pytest.raises(DataError, match=rf"load: .*c must hold {text}, got none; give a file that was saved with"):
            xn.load(path, other.network, optimizer, None if optimizer else History())
    arrays = values(small_net())
    save_file(arrays | {"optimizer/steps": np.asarray(3), "optimizer/W1.m": np.zeros(3, dtype=np.float32)}, path)
    with pytest.raises(DataError, match=r"must hold the state of Adam for this network, got W1.m \(3,\)"):
        xn.load(path, other.network, Adam())
    save_file(arrays | {"history/epoch": np.zeros(1), "history/colour": np.zeros(1)}, path)
    with pytest.raises(DataError, match=r"must hold a history that this version knows, got .*colour"):
        xn.load(path, other.network, history=History())
    for name, array in before.items():
        np.testing.assert_array_equal(values(other.network)[name], array)
    assert other.history == []
    assert other.optimizer.state == {"steps": 0}
