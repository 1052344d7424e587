"""Other arrays, dtypes and copies of a network, its summary and repr."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pytest
from small_networks import small

from xpnet.backend import device_of, dtype_name, to_numpy
from xpnet.errors import XpnetError
from xpnet.networks import TwoLayerNet
from xpnet.random import Generator


def test_using_binds_and_restores(backend, data) -> None:
    net = small()
    W, loss = net.params["Affine1.W"], float(to_numpy(net.loss(*data)))
    other = backend.asarray(to_numpy(W) * 2.0)
    with net.using({"Affine1.W": other}):
        assert net.params["Affine1.W"] is other
        assert float(to_numpy(net.loss(*data))) != loss
    assert net.params["Affine1.W"] is W
    assert float(to_numpy(net.loss(*data))) == loss


def test_using_restores_after_errors(backend) -> None:
    net = small()
    before = dict(net.params)
    other = {"Affine1.W": backend.asarray(np.zeros((5, 3)))}
    with pytest.raises(ZeroDivisionError), net.using(other):
        raise ZeroDivisionError
    for wrong in ({"Affine1.b": backend.asarray(np.zeros(7))}, {"no such name": before["Affine1.W"]}):
        with pytest.raises(XpnetError), net.using(other | wrong):
            raise AssertionError("not reached")
    assert all(net.params[name] is array for name, array in before.items())


def test_astype_makes_a_network_of_its_own(backend, data) -> None:
    net = small()
    other = net.astype("float32")
    assert all(dtype_name(array.dtype) == "float32" for array in other.params.values())
    assert all(device_of(array) == backend.device for array in other.params.values())
    assert list(other.params) == list(net.params)
    before = {name: to_numpy(array).copy() for name, array in net.params.items()}
    xp = backend.xp
    gradients = other.gradient(xp.astype(data[0], xp.float32), data[1])
    for name in other.params:
        other.params[name] -= gradients[name]
    for name, value in before.items():
        np.testing.assert_array_equal(to_numpy(net.params[name]), value)
    assert "x" not in vars(net.layers["Affine1"])
    assert not hasattr(net.layers["Affine1"], "dW")


def test_astype_of_the_book_s_network_keeps_its_names() -> None:
    assert list(TwoLayerNet(4, 3, 2).astype("float64").params) == ["W1", "b1", "W2", "b2"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_networks_can_be_copied_and_pickled(duplicate) -> None:
    net = TwoLayerNet(4, 3, 2, rng=Generator(0))
    x, t = np.ones((2, 4), dtype=np.float32), np.asarray([0, 1])
    gradients = net.gradient(x, t)
    other = duplicate(net)
    assert list(other.params) == list(net.params)
    other.params["W1"] -= 1.0
    np.testing.assert_array_equal(other.params["W1"], net.params["W1"] - 1.0)
    np.testing.assert_array_equal(net.gradient(x, t)["W1"], gradients["W1"])


def test_the_summary() -> None:
    lines = TwoLayerNet(784, 50, 10).summary().splitlines()
    assert lines[0].split() == ["layer", "kind", "parameters", "count"]
    assert [line.split()[0] for line in lines[2:-2]] == ["Affine1", "Relu1", "Affine2", "loss"]
    assert re.fullmatch(r"Affine1 +Affine +W \(784, 50\), b \(50,\) +39,250", lines[2])
    assert re.fullmatch(r"Affine2 +Affine +W \(50, 10\), b \(10,\) +510", lines[4])
    assert re.fullmatch(r"total +39,760", lines[-1])
    assert len({len(line) for line in lines}) == 1


def test_the_summary_of_a_nested_network_counts_what_is_inside() -> None:
    lines = small().summary().splitlines()
    assert re.fullmatch(r"Sequential1 +Sequential +25", lines[2])
    assert re.fullmatch(r"  Affine1 +Affine +W \(4, 5\), b \(5,\) +25", lines[3])
    assert lines[4].split() == ["Relu1", "Relu", "0"]
    assert lines[-1].split() == ["total", "43"]


def test_the_repr_shows_what_is_inside() -> None:
    assert repr(small()) == (
        "Sequential(Sequential(Affine(W (4, 5), b (5,)), Relu()), Affine(W (5, 3), b (3,)), loss=SoftmaxWithLoss())"
    )
