"""Dropout: the masks are named by seed, name and step, and the same everywhere."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.drawing import draw
from xpnet.errors import ArgumentError, DtypeError
from xpnet.layers import Affine, Dropout, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.random import Generator

SHAPE = (40, 50)


def expected(step: int, keep: float = 0.75, name: str = "Dropout1") -> np.ndarray:
    return Generator(7).mask(SHAPE, keep, name, step) / keep


def test_masks_are_those_of_the_stream_on_every_backend(asarray, tolerance):
    layer = Dropout(0.25, Generator(7))
    x = asarray(np.ones(SHAPE))
    for step in range(3):
        assert layer.step == step
        np.testing.assert_allclose(to_numpy(layer(x)), expected(step), rtol=tolerance)
    np.testing.assert_allclose(to_numpy(layer.backward(x)), expected(2), rtol=tolerance)


def test_two_layers_of_a_generator_draw_different_masks():
    rng = Generator(7)
    first, second = Dropout(0.25, rng), Dropout(0.25, rng)
    np.testing.assert_array_equal(first(np.ones(SHAPE)), expected(0))
    np.testing.assert_array_equal(second(np.ones(SHAPE)), expected(0, name="Dropout2"))


def test_the_share_and_the_mean():
    y = Dropout(0.3)(np.ones((500, 100)))
    assert abs(np.mean(y == 0.0) - 0.3) < 0.01
    assert abs(np.mean(y) - 1.0) < 0.01


def test_a_ratio_of_0_is_the_identity(asarray):
    layer, x = Dropout(0.0), asarray(np.ones(SHAPE))
    assert layer(x) is x
    assert layer.backward(x) is x


def test_predict_is_the_identity_and_draws_nothing(asarray):
    layer, x = Dropout(0.5), asarray(np.ones(SHAPE))
    assert layer.predict(x) is x
    assert layer.step == 0


def test_each_call_in_a_graph_draws_its_own_mask(asarray, tolerance):
    layer = Dropout(0.25, Generator(7))
    x = xn.Variable(asarray(np.ones(SHAPE)))
    (layer(x) + layer.forward(x)).backward(asarray(np.ones(SHAPE)))
    np.testing.assert_allclose(to_numpy(x.grad), expected(0) + expected(1), rtol=tolerance)
    assert layer.step == 2


def test_opened_in_a_drawing_the_mask_is_the_same_and_no_step_is_counted():
    layer = Dropout(0.5, Generator(1))
    layer(np.ones((2, 2)))
    x = xn.Variable(np.asarray([[1.0, 2.0], [3.0, 4.0]]), name="x")
    y = layer(x)
    y.backward(np.ones((2, 2)))
    closed = [(edge.value, edge.derivative) for edge in draw(y).graph.edges]
    opened = draw(y, expand=True).graph
    assert "Dropout" not in [node.label for node in opened.nodes]
    assert set(closed) <= {(edge.value, edge.derivative) for edge in opened.edges}
    assert layer.step == 2


def test_a_network_is_checked_with_one_mask():
    rng = Generator(3)
    layers = Affine.create(4, 5, rng=rng), Dropout(0.5, rng), Affine.create(5, 3, rng=rng), Dropout(0.2, rng)
    network = Sequential(*layers, loss=SoftmaxWithLoss())
    x, t = np.random.default_rng(0).normal(size=(6, 4)), np.asarray([0, 1, 2, 0, 1, 2])
    network.gradient(x, t)
    xn.gradient_check(network, x, t).raise_if_failed()
    assert dict(network.states) == {"Dropout1.step": 1, "Dropout2.step": 1}


@pytest.mark.parametrize("ratio", [1.0, -0.1, float("nan"), "half"])
def test_ratios_that_keep_nothing_are_refused(ratio):
    with pytest.raises(ArgumentError, match=r"^Dropout: dropout_ratio must be from 0 to below 1, got .*: try 0\.5"):
        Dropout(ratio)


def test_a_seed_is_no_generator():
    with pytest.raises(DtypeError, match="Dropout: rng must be a Generator of xpnet, got int"):
        Dropout(0.5, 3)
