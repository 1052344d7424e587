"""What a file of weights may hold: names like those of its own parts, and values beyond the dtype of a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal
from safetensors.numpy import load_file, save_file

import xpnet as xn
from xpnet.errors import ArgumentError, DataError
from xpnet.layers import Affine, Dropout, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, Adam, Momentum
from xpnet.random import Generator
from xpnet.training import Trainer

HOSTILE = ["optimizer/Affine1", "history/loss", "precision/loss_scale", "a b", "a[0]", "…", "a\nb", "", "x" * 5000]


def named(name: str, seed: int = 0) -> Sequential:
    rng = Generator(seed)
    layers = {"first": Affine.create(4, 5, rng=rng), "relu": Relu(), name: Affine.create(5, 3, rng=rng)}
    return Sequential(layers, loss=SoftmaxWithLoss())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_training_with_any_names_goes_on(name: str, tmp_path: Path) -> None:
    data = normal("x", 12, 4), np.arange(12) % 3
    one = Trainer(named(name), Adam(0.1), data, batch_size=5)
    list(one.run(2))
    one.save(tmp_path / "c")
    other = Trainer(named(name, seed=1), Adam(0.1), data, batch_size=5)
    other.resume(tmp_path / "c")
    alone = named(name, seed=2)
    xn.load(tmp_path / "c", alone)
    assert other.history == one.history
    for trainer in (one, other):
        list(trainer.run(1))
    for key, value in one.network.params.items():
        np.testing.assert_array_equal(other.network.params[key], value)
        assert not np.array_equal(alone.params[key], value)


def test_two_arrays_of_one_name_are_refused(tmp_path: Path) -> None:
    class Scale(Relu):
        parameters = ("v",)

    net = Sequential({"optimizer/Affine1": Sequential({"W": Scale(np.ones((2, 2)))})})
    optimizer = Momentum(0.1)
    optimizer.update({"Affine1.W": np.ones((2, 2))}, {"Affine1.W": np.ones((2, 2))})
    with pytest.raises(ArgumentError, match=r"^save: each array must have a name of its own, got two of 'optimizer/"):
        xn.save(tmp_path / "w", net, optimizer)


def test_a_name_that_no_file_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"^save: a name must be one that a file can hold, got "):
        xn.save(tmp_path / "w", named("half\ud800"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("narrow", "value"), [("float32", 3.5e38), ("float32", -1e300), ("float16", 65520.0)])
def test_values_beyond_the_dtype_of_the_network_are_refused(narrow: str, value: float, tmp_path: Path, xp) -> None:
    if not hasattr(xp, narrow):
        pytest.skip("the library lacks the dtype")
    source = Affine(np.full((2, 2), value), np.zeros(2))
    xn.save(tmp_path / "w", source)
    target = Affine(xp.zeros((2, 2), dtype=getattr(xp, narrow)), xp.zeros(2, dtype=getattr(xp, narrow)))
    before = target.W
    with pytest.raises(DataError, match=rf"^load: W in .* must fit into {narrow}, got up to .* in it; load it into"):
        xn.load(tmp_path / "w", target)
    assert target.W is before
    source.W = np.full((2, 2), np.inf)  # it is what was saved
    xn.save(tmp_path / "w", source)
    xn.load(tmp_path / "w", target)
    assert xp.all(xp.isinf(target.W))


def test_the_state_of_an_optimizer_beyond_the_dtype_is_refused(tmp_path: Path) -> None:
    params, optimizer = {"W": np.ones(2)}, Momentum(0.1)
    optimizer.update(params, {"W": np.full(2, 1e200)})
    layer = Affine(np.ones((2, 2)), np.ones(2))
    xn.save(tmp_path / "w", layer)
    file = load_file(tmp_path / "w") | {"optimizer/steps": np.asarray(1), "optimizer/W.v": np.full((2, 2), 1e200)}
    file["optimizer/b.v"] = np.zeros(2)
    save_file(file, tmp_path / "w")
    narrow = layer.astype("float32")
    with pytest.raises(DataError, match=r"^load: W.v in .* must fit into float32, got values beyond it"):
        xn.load(tmp_path / "w", narrow, Momentum(0.1))


def test_a_network_made_without_rng_goes_on_with_the_masks_of_the_first(tmp_path: Path) -> None:
    def make() -> Sequential:
        return Sequential(Affine.create(4, 5), Dropout(0.5), Affine.create(5, 3), Dropout(0.2), loss=SoftmaxWithLoss())

    data = normal("x", 12, 4), np.arange(12) % 3
    whole = Trainer(make(), SGD(0.1), data, batch_size=5)
    list(whole.run(1))
    whole.save(tmp_path / "c")
    again = Trainer(make(), SGD(0.1), data, batch_size=5)
    again.resume(tmp_path / "c")
    for trainer in (whole, again):
        list(trainer.run(2))
    for one, other in zip(whole.network.params.values(), again.network.params.values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_no_stream_in_a_file_is_refused(tmp_path: Path) -> None:
    layer = Dropout(0.5)
    save_file({"step": np.asarray(3)}, tmp_path / "w", metadata={"stream of ": "many/Dropout1"})
    with pytest.raises(DataError, match=r"^load: .* must be a readable safetensors file"):
        xn.load(tmp_path / "w", layer)
    assert layer.step == 0
