"""Weights go to disk and come back, whatever their layout, dtype and library."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal
from small_net import small_net, values

import xpnet as xn
from xpnet.backend import array_namespace, device_of, library_of, to_numpy
from xpnet.layers import Affine, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.training import Trainer, weights_file


def test_weights_come_back_bit_for_bit(tmp_path: Path, backend) -> None:
    net, other = small_net(), small_net(seed=1)
    path = tmp_path / "weights.safetensors"
    xn.save(path, net)
    xn.load(path, other)
    for name, array in net.params.items():
        found = other.params[name]
        assert to_numpy(found).tobytes() == to_numpy(array).tobytes()
        assert (found.dtype, device_of(found)) == (backend.dtype, backend.device)
        assert array_namespace(found) is array_namespace(array)
    assert [file.name for file in tmp_path.iterdir()] == ["weights.safetensors"]


def test_training_goes_on_after_loading(tmp_path: Path, data) -> None:
    net, other = small_net(), small_net(seed=1)
    xn.save(tmp_path / "w", net)
    xn.load(str(tmp_path / "w"), other)
    for trained in (net, other):
        list(Trainer(trained, SGD(0.5), data, batch_size=7).run(1))
    for name, array in values(net).items():
        np.testing.assert_array_equal(values(other)[name], array)


def test_what_was_loaded_is_not_what_was_saved(tmp_path: Path) -> None:
    net = small_net()
    before = values(net)
    xn.save(tmp_path / "w", net)
    net.params["W1"] = net.params["W1"] * 0.0
    xn.load(tmp_path / "w", net)
    for name, array in before.items():
        np.testing.assert_array_equal(values(net)[name], array)


@pytest.mark.parametrize("layout", ["transposed", "fortran", "strided", "reversed", "broadcast"])
def test_weights_of_every_layout_are_saved_right(layout: str, tmp_path: Path) -> None:
    base = normal("W", 6, 4)
    W = {
        "transposed": base.T,
        "fortran": np.asfortranarray(base[:4]),
        "strided": base[::2],
        "reversed": base[::-1, ::-1],
        "broadcast": np.broadcast_to(base[0], (5, 4)),
    }[layout]
    layer, other = Affine(W, np.zeros(W.shape[1])), Affine(np.zeros(W.shape), np.ones(W.shape[1]))
    xn.save(tmp_path / "w", layer)
    xn.load(tmp_path / "w", other)
    np.testing.assert_array_equal(other.W, W)
    np.testing.assert_array_equal(other.b, np.zeros(W.shape[1]))


def test_weights_go_from_any_backend_to_any(tmp_path: Path) -> None:
    names = xn.available_backends()
    for name in names:
        with xn.use_backend(name):
            xn.save(tmp_path / name, small_net())
    assert len({(tmp_path / name).read_bytes() for name in names}) == 1
    expected = values(small_net())
    for name in names:
        with xn.use_backend(name):
            net = small_net(seed=1)
        xn.load(tmp_path / names[-1], net)
        assert {library_of(array_namespace(array)).name for array in net.params.values()} == {name}
        for key, array in expected.items():
            np.testing.assert_array_equal(values(net)[key], array)


def test_weights_take_the_dtype_of_the_network(tmp_path: Path) -> None:
    with xn.use_backend("numpy", dtype="float64"):
        net = small_net()
    xn.save(tmp_path / "w", net)
    other = small_net(seed=1)
    xn.load(tmp_path / "w", other)
    assert other.params["W1"].dtype == np.float32
    np.testing.assert_array_equal(other.params["W1"], net.params["W1"].astype(np.float32))


def test_nested_networks_and_layers_are_saved_by_their_names(tmp_path: Path) -> None:
    net = Sequential(Sequential(Affine.create(3, 2)), Affine.create(2, 2), loss=SoftmaxWithLoss())
    xn.save(tmp_path / "w", net)
    header = (tmp_path / "w").read_bytes()
    names = json.loads(header[8 : 8 + struct.unpack("<Q", header[:8])[0]])
    assert set(names) - {"__metadata__"} == set(net.params)


@pytest.mark.parametrize("at_a_place", [True, False])
def test_a_file_is_read_in_parts_by_threads(at_a_place, tmp_path, monkeypatch):
    """Also where the system cannot read at a place, and where it reads less than is asked for."""
    arrays = {f"W{k}": np.arange(1000.0 + k) * (k + 1) for k in range(5)}
    weights_file.write(tmp_path / "net.safetensors", arrays, {})
    monkeypatch.setattr(weights_file, "BESIDE", 0)
    monkeypatch.setattr(weights_file, "PART", 4096)
    if not at_a_place:
        monkeypatch.delattr("os.preadv", raising=False)
    elif hasattr(os, "preadv"):
        whole = os.preadv
        monkeypatch.setattr("os.preadv", lambda file, views, at: whole(file, [views[0][:1000]], at))
    found, _ = weights_file.read(tmp_path / "net.safetensors")
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
