"""The scale of the loss: it keeps small gradients, and a step that overflows is left out."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from spied_network import Spy, batch, make, number

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.networks import MultiLayerNet
from xpnet.optimizers import SGD, Adam, Momentum, clip_by_norm
from xpnet.random import Generator


def test_without_a_scale_float16_loses_small_gradients():
    spy = Spy(1e-6)
    network, (x, t) = make(spy), batch()
    for scale, lost in ((1.0, True), (4096.0, False), ("dynamic", False)):
        network.compute_in("float16", loss_scale=scale)
        spied = to_numpy(network.gradient(x, t)["Affine1.W"])
        network.compute_in("float32")
        network.layers["Dropout1"].step = 0
        exact = network.gradient(x, t)["Affine1.W"]
        network.layers["Dropout1"].step = 0
        error = np.max(np.abs(spied - exact)) / np.max(np.abs(exact))
        assert (error > 0.1) == lost


def test_a_gradient_that_overflows_halves_the_scale_and_moves_nothing(dtype):
    spy = Spy(float("inf"))
    network, (x, t) = make(spy).compute_in(dtype, loss_scale="dynamic"), batch()
    before = {name: to_numpy(array).copy() for name, array in network.params.items()}
    optimizer = SGD(0.1)
    assert number(network.precision.loss_scale) == 2.0**16
    for halved in (2.0**15, 2.0**14):
        optimizer.update(network.params, network.gradient(x, t))
        assert number(network.precision.loss_scale) == halved
        assert number(network.precision.good_steps) == 0.0
    for name, array in network.params.items():
        np.testing.assert_array_equal(to_numpy(array), before[name])
    spy.factor = 1.0
    optimizer.update(network.params, network.gradient(x, t))
    assert number(network.precision.loss_scale) == 2.0**14
    assert number(network.precision.good_steps) == 1.0
    assert not np.array_equal(to_numpy(network.params["Affine1.W"]), before["Affine1.W"])


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam], ids=lambda kind: kind.__name__)
def test_a_step_that_overflows_leaves_no_trace_and_training_goes_on_from_disk(kind, dtype, tmp_path):
    def network(factor):
        spy = Spy(factor)
        net = make(spy).compute_in(dtype, loss_scale="dynamic")
        net.layers["Dropout1"].step = 0
        return spy, net, kind(0.1, weight_decay=0.3)

    def step(net, optimizer):
        net.layers["Dropout1"].step = 0
        optimizer.update(net.params, clip_by_norm(net.gradient(x, t), 10.0))

    (x, t), path = batch(), tmp_path / "c.safetensors"
    (spy, net, optimizer), (_, plain, other) = network(float("inf")), network(1.0)
    step(net, optimizer)
    spy.factor = 1.0
    for trained, own in ((net, optimizer), (plain, other)):
        trained.precision.loss_scale = 0.0 * trained.precision.loss_scale + 16.0
        step(trained, own)
    spy.factor = float("inf")
    step(net, optimizer)
    spy.factor = 1.0
    net.precision.loss_scale = 0.0 * net.precision.loss_scale + 16.0
    xn.save(path, net, optimizer)
    _, again, resumed = network(1.0)
    xn.load(path, again, resumed)
    for trained, own in ((net, optimizer), (plain, other), (again, resumed)):
        step(trained, own)
    assert (optimizer.steps, number(optimizer.skipped), number(resumed.skipped)) == (4, 2.0, 2.0)
    for name, array in net.params.items():
        np.testing.assert_allclose(to_numpy(array), to_numpy(plain.params[name]), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(to_numpy(array), to_numpy(again.params[name]))


def test_a_penalty_is_left_out_with_the_step():
    network = MultiLayerNet(4, [5], 3, weight_decay_lambda=0.1, rng=Generator(1)).compute_in("float16", loss_scale=1e30)
    before = {name: array.copy() for name, array in network.params.items()}
    SGD(0.1).update(network.params, network.gradient(*batch()))
    for name, array in network.params.items():
        np.testing.assert_array_equal(array, before[name])


def test_the_scale_doubles_after_good_steps(dtype, monkeypatch):
    monkeypatch.setattr("xpnet.networks.low_precision.GOOD_STEPS", 3)
    network, (x, t) = make().compute_in(dtype, loss_scale="dynamic"), batch()
    network.precision.loss_scale = network.precision.loss_scale * 2.0**-16
    scales = []
    for _ in range(7):
        network.gradient(x, t)
        scales.append(number(network.precision.loss_scale))
    assert scales == [1.0, 1.0, 2.0, 2.0, 2.0, 4.0, 4.0]


def test_the_scale_has_bounds():
    one = np.asarray(1.0, dtype=np.float32)
    precision = make().compute_in("float16").precision
    for bound, finite in ((2.0**24, True), (2.0**-24, False)):
        precision.loss_scale, precision.good_steps = bound * one, 2000.0 * one
        precision._adapt(np.asarray(finite))
        assert number(precision.loss_scale) == bound


def test_each_dtype_has_the_scale_that_it_needs():
    with xn.use_backend("numpy"):
        assert make().compute_in("float16").precision.good_steps is not None
        assert make().compute_in("float16", loss_scale=128).precision.loss_scale == 128
    torch = pytest.importorskip("torch")
    with xn.use_backend("torch"):
        network = make().compute_in("bfloat16")
        assert network.precision.loss_scale is None
        assert network.params["Affine1.W"].dtype == torch.float32


def test_copies_and_files_go_on_with_the_same_scale(dtype, tmp_path):
    network, (x, t) = make().compute_in(dtype, loss_scale="dynamic"), batch()
    network.precision.loss_scale = 0.5 * network.precision.loss_scale
    network.gradient(x, t)
    xn.save(tmp_path / "network.safetensors", network)
    again, plain = make().compute_in(dtype, loss_scale="dynamic"), make()
    for other in (again, plain):
        xn.load(tmp_path / "network.safetensors", other)
    others = [again, copy.deepcopy(network), pickle.loads(pickle.dumps(network))]
    expected = network.gradient(x, t)
    for other in others:
        assert number(other.precision.loss_scale) == 2.0**15
        for name, gradient in other.gradient(x, t).items():
            np.testing.assert_array_equal(to_numpy(gradient), to_numpy(expected[name]))
    for name, array in plain.params.items():
        np.testing.assert_array_equal(to_numpy(array), to_numpy(network.params[name]))
    xn.save(tmp_path / "plain.safetensors", plain)
    xn.load(tmp_path / "plain.safetensors", again)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan"), "static", True])
def test_wrong_scales_are_refused(scale):
    with pytest.raises(ArgumentError, match=r'loss_scale must be above 0 and finite, "dynamic" or None, got'):
        make().compute_in("float16", loss_scale=scale)


def test_a_scale_of_numpy_promotes_nothing():
    network = make().compute_in("float16", np.float64(8.0))
    assert type(network.precision.loss_scale) is float
