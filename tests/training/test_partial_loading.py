"""Weights of a part: by pattern, by what fits, under other names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from small_net import values

import xpnet as xn
from xpnet.errors import ArgumentError, DataError
from xpnet.layers import Affine, BatchNormalization, Relu
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.random import Generator


def stack(outputs: int = 3, seed: int = 0) -> Sequential:
    rng = Generator(seed)
    return Sequential(
        Affine.create(4, 5, rng=rng), BatchNormalization.create(5), Relu(), Affine.create(5, outputs, rng=rng)
    )


def same(one, other) -> list[str]:
    return [name for name, array in values(one).items() if np.array_equal(array, values(other)[name])]


def test_everything_is_loaded_and_told(tmp_path: Path, backend) -> None:
    net, other = stack(), stack(seed=1)
    xn.save(tmp_path / "w", net)
    found = xn.load(tmp_path / "w", other)
    assert found.loaded == [*net.params, *net.states]
    assert (found.missing, found.unexpected, found.differing) == ([], [], {})


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ("Affine1", ["Affine1.W", "Affine1.b"]),
        ("*.W", ["Affine1.W", "Affine2.W"]),
        ("Affine2.b BatchNormalization1", ["BatchNormalization1.gamma", "BatchNormalization1.beta", "Affine2.b"]),
    ],
)
def test_only_what_matches_is_loaded(only: str, names: list[str], tmp_path: Path, backend) -> None:
    net, other = stack(), stack(seed=1)
    for network, value in ((net, 2.0), (other, 3.0)):
        for name in network.params:
            network.params[name] = network.params[name] + value
    xn.save(tmp_path / "w", net)
    found = xn.load(tmp_path / "w", other, only=only)
    assert same(net, other) == names
    assert [name for name in found.loaded if name in net.params] == names


def test_what_does_not_fit_is_left_and_named(tmp_path: Path, backend) -> None:
    xn.save(tmp_path / "w", stack(3))
    other = stack(7, seed=1)
    before = values(other)
    with pytest.raises(DataError, match=r"got Affine2.W \(5, 3\) for \(5, 7\), Affine2.b \(3,\) for \(7,\)"):
        xn.load(tmp_path / "w", other)
    found = xn.load(tmp_path / "w", other, strict=False)
    assert found.differing == {"Affine2.W": ((5, 3), (5, 7)), "Affine2.b": ((3,), (7,))}
    np.testing.assert_array_equal(values(other)["Affine2.W"], before["Affine2.W"])
    np.testing.assert_array_equal(values(other)["Affine1.W"], values(stack(3))["Affine1.W"])
    save_file({"Affine1.W": before["Affine1.W"], "more": np.ones(2)}, tmp_path / "w")
    found = xn.load(tmp_path / "w", other, strict=False)
    assert found.unexpected == ["more"]
    assert "Affine1.b" in found.missing
    assert found.loaded == ["Affine1.W"]


def test_only_what_is_there_can_be_asked_for(tmp_path: Path) -> None:
    xn.save(tmp_path / "w", stack())
    with pytest.raises(ArgumentError, match=r"a pattern must match the name of an array, .* got 'Convolution\*"):
        xn.load(tmp_path / "w", stack(), only="Convolution*")
    other = stack(7, seed=1)
    with pytest.raises(DataError, match=r"must hold the selected arrays, got Affine2.W \(5, 3\) for \(5, 7\)"):
        xn.load(tmp_path / "w", other, only="Affine2.W")
    save_file({"Affine1.W": np.ones((4, 5))}, tmp_path / "w")
    with pytest.raises(DataError, match=r"must hold the selected arrays, got Affine1.b missing; leave it out of only"):
        xn.load(tmp_path / "w", other, only="Affine1")


def test_names_are_changed_by_rules(tmp_path: Path, backend) -> None:
    book = TwoLayerNet(4, 6, 3, rng=Generator(5))
    xn.save(tmp_path / "w", book)
    net = Sequential({"in": Affine.create(4, 6), "relu": Relu(), "out": Affine.create(6, 3)})
    xn.load(tmp_path / "w", net, names={"W1": "in.W", "b1": "in.b", "W2": "out.W", "b2": "out.b"})
    for old, new in (("W1", "in.W"), ("b2", "out.b")):
        np.testing.assert_array_equal(values(net)[new], values(book)[old])
    xn.save(tmp_path / "w", net)
    again = Sequential(Affine.create(4, 6), Relu(), Affine.create(6, 3))
    xn.load(tmp_path / "w", again, names={"in": "Affine1", "out.*": "Affine2.*"})
    np.testing.assert_array_equal(values(again)["Affine2.W"], values(book)["W2"])
    with pytest.raises(ArgumentError, match=r"a name to be changed must be one in the file, .* got 'inner'"):
        xn.load(tmp_path / "w", again, names={"inner": "Affine1"})
    with pytest.raises(ArgumentError, match="each array must get a unique name, got two of"):
        xn.load(tmp_path / "w", again, names={"in": "Affine1", "out": "Affine1"})
