"""What lasts from step to step and is not trained: shared by copies, moved in training alone, saved and restored."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import xpnet as xn
from xpnet.autodiff import Variable
from xpnet.backend import dtype_name, is_array, to_numpy
from xpnet.drawing import draw
from xpnet.errors import DtypeError, ShapeError
from xpnet.layers import Affine, BatchNormalization, Dropout, Sigmoid, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.random import Generator

NAMES = ["BatchNormalization1.running_mean", "BatchNormalization1.running_var", "Dropout1.step"]


def make() -> Sequential:
    rng = Generator(3)
    layers = Affine.create(2, 3, rng=rng), BatchNormalization.create(3), Sigmoid(), Dropout(0.5, rng)
    return Sequential(*layers, Affine.create(3, 2, rng=rng), loss=SoftmaxWithLoss())


@pytest.fixture
def data(asarray) -> tuple:
    return asarray(np.random.default_rng(0).normal(size=(4, 2))), asarray(np.asarray([0, 1, 1, 0]))


def values(network) -> dict:
    return {name: np.array(to_numpy(value)) for name, value in network.states.items()}


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_training_moves_it_and_everything_else_leaves_it(data):
    network = make()
    assert list(network.states) == NAMES
    before = values(network)
    network.predict(data[0])
    network.accuracy(*data)
    network.loss(*data, predict=True)
    assert same(values(network), before)
    network.gradient(*data)
    moved = values(network)
    assert not any(np.array_equal(moved[name], before[name]) for name in NAMES)
    assert moved["Dropout1.step"] == 1


def test_numerical_gradients_leave_it_and_see_what_gradient_sees():
    network, x, t = make(), np.random.default_rng(0).normal(size=(4, 2)), np.asarray([0, 1, 1, 0])
    numeric, before = network.numerical_gradient(x, t), values(network)
    assert before["Dropout1.step"] == 0
    for name, gradient in network.gradient(x, t).items():
        np.testing.assert_allclose(numeric[name], gradient, rtol=1e-4, atol=1e-5)


def test_a_gradient_check_passes_and_leaves_it(data):
    network = make()
    network.gradient(*data)
    before = values(network)
    xn.gradient_check(network, *data, mode="directions", directions=2).raise_if_failed()
    assert same(values(network), before)
    xn.gradient_check(network, *data).raise_if_failed()
    assert same(values(network), before)


def test_a_wrong_layer_beside_them_is_found(data):
    class Wrong(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.db = 1.5 * self.db
            return dx

    network = make()
    wrong = Wrong(network.layers["Affine2"].W, network.layers["Affine2"].b)
    network = Sequential({**network.layers, "Affine2": wrong}, loss=SoftmaxWithLoss())
    before = values(network)
    report = xn.gradient_check(network, *data, mode="directions", directions=1)
    assert [row.name for row in report.rows if row.status == "fail"] == ["Affine2.b"]
    assert same(values(network), before)


def test_shallow_copies_share_it_and_deep_ones_do_not(data):
    network = make()
    layer = network.layers["BatchNormalization1"]
    shallow, deep, cast = layer.copy(), copy.deepcopy(layer), layer.astype("float32")
    kept = np.array(to_numpy(layer.running_mean))
    shallow.running_mean = shallow.running_mean + 1.0
    assert layer.running_mean is shallow.running_mean
    for own in (deep, cast):
        np.testing.assert_array_equal(to_numpy(own.running_mean), kept)


def test_a_copied_network_goes_on_by_itself(data):
    network = make()
    network.gradient(*data)
    before, W = values(network), network.params["Affine1.W"]
    copies = copy.deepcopy(network), pickle.loads(pickle.dumps(network)), network.astype(W.dtype)
    gradients = network.gradient(*data)
    for other in copies:
        assert same(values(other), before)
        for name, gradient in other.gradient(*data).items():
            np.testing.assert_array_equal(to_numpy(gradient), to_numpy(gradients[name]))
        assert same(values(other), values(network))


def test_it_is_cast_with_the_parameters_and_counts_stay_counts():
    states = make().astype("float32").states
    assert [dtype_name(states[name].dtype) for name in NAMES[:2]] == ["float32", "float32"]
    assert states["Dropout1.step"] == 0


def test_a_graph_does_not_reach_into_it(data, defer_to_variables):
    network = make()
    with network.using({name: Variable(array) for name, array in network.params.items()}):
        network.loss(*data).backward()
    layer = network.layers["BatchNormalization1"]
    layer.forward(Variable(data[0] @ network.params["Affine1.W"]))
    assert not any(isinstance(value, Variable) for value in network.states.values())
    assert network.states["Dropout1.step"] == 1


def test_it_comes_back_from_disk_with_what_it_draws(data, tmp_path):
    network = make()
    for _ in range(3):
        network.gradient(*data)
    xn.save(tmp_path / "network.safetensors", network)
    expected, later = values(network), network.gradient(*data)
    again = make()
    xn.load(tmp_path / "network.safetensors", again)
    assert same(values(again), expected)
    assert type(again.states["Dropout1.step"]) is int
    for name, value in network.states.items():
        found = again.states[name]
        assert not is_array(value) or (found.dtype, found.device) == (value.dtype, value.device)
    for name, gradient in again.gradient(*data).items():
        np.testing.assert_array_equal(to_numpy(gradient), to_numpy(later[name]))


def test_it_can_be_written_by_name(asarray):
    network = make()
    network.states["BatchNormalization1.running_mean"] = asarray(np.ones(3))
    np.testing.assert_array_equal(to_numpy(network.layers["BatchNormalization1"].running_mean), np.ones(3))
    with pytest.raises(ShapeError, match=r"running_mean must be \(3,\), got \(4,\)"):
        network.states["BatchNormalization1.running_mean"] = asarray(np.ones(4))
    with pytest.raises(DtypeError, match=r"^states: .*running_mean must be floating, got int64; cast it"):
        network.states["BatchNormalization1.running_mean"] = asarray(np.ones(3, dtype=np.int64))
    network.states["Dropout1.step"] = np.int64(3)
    assert type(network.states["Dropout1.step"]) is int
    for wrong in (None, "3", 2.5, -1, True, np.ones(2)):
        with pytest.raises(DtypeError, match=r"^states: Dropout1.step must be a whole number from 0, got .*; give an"):
            network.states["Dropout1.step"] = wrong


def test_expanding_a_drawing_normalizes_the_same_and_moves_nothing(asarray):
    layer = BatchNormalization.create(1)
    x = Variable(asarray(np.asarray([[1.0], [3.0]])), name="x")
    y = layer(x)
    before = layer.running_mean
    arrows = {edge.value for edge in draw(y, expand=True).graph.edges}
    assert {edge.value for edge in draw(y).graph.edges} <= arrows
    assert layer.running_mean is before
