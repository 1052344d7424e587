"""Arrays shared with torch by DLPack: what one library writes the other reads."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.layers import Affine, SoftmaxWithLoss
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator

torch = pytest.importorskip("torch")

X, T = np.ones((2, 4), dtype=np.float32), np.asarray([0, 1])


@pytest.fixture(autouse=True)
def on_numpy():
    with xn.use_backend("numpy", dtype="float32"):
        yield


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_torch_sees_the_parameters_that_are_trained_here(optimizer):
    net = TwoLayerNet(4, 3, 2, rng=Generator(0))
    views = {name: torch.from_dlpack(W) for name, W in net.params.items()}
    before = views["b2"].clone()
    optimizer(0.1).update(net.params, net.gradient(X, T))
    assert not torch.equal(views["b2"], before)
    for name, view in views.items():
        assert view.data_ptr() == net.params[name].ctypes.data
        assert np.array_equal(view.numpy(), net.params[name])


def test_what_torch_writes_is_predicted_with():
    net = TwoLayerNet(4, 3, 2, rng=Generator(0))
    torch.from_dlpack(net.params["b2"])[:] = torch.tensor([3.0, 4.0])
    torch.from_dlpack(net.params["W2"]).zero_()
    assert net.predict(X).tolist() == [[3.0, 4.0], [3.0, 4.0]]


def test_a_layer_lies_over_a_module_of_torch():
    module = torch.nn.Linear(4, 2)
    W, b = (np.from_dlpack(array.detach()) for array in (module.weight, module.bias))
    net = Sequential(Affine(W.T, b), loss=SoftmaxWithLoss())
    net.params["Affine1.b"][:] = 5.0
    assert module.bias.tolist() == [5.0, 5.0]
    with torch.no_grad():
        module.weight.zero_()
    assert net.predict(X).tolist() == [[5.0, 5.0], [5.0, 5.0]]


def test_parameters_on_torch_are_read_without_a_copy():
    net = TwoLayerNet(4, 3, 2, rng=Generator(0)).to("torch")
    view = np.from_dlpack(net.params["b2"])
    net.params["b2"][...] = torch.tensor([1.0, 2.0])
    assert view.tolist() == [1.0, 2.0]
    view[0] = 7.0
    assert net.params["b2"].tolist() == [7.0, 2.0]
