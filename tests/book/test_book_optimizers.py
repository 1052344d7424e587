"""The book's optimizers against its formulas in plain NumPy."""

import numpy as np
import pytest

from xpnet.backend import backend_of, to_numpy
from xpnet.book.optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop
from xpnet.errors import DtypeError
from xpnet.networks import TwoLayerNet

rng = np.random.default_rng(0)


def sgd(W, g, s, t):
    return W - 0.01 * g


def momentum(W, g, s, t):
    s["v"] = 0.9 * s.get("v", 0.0) - 0.01 * g
    return W + s["v"]


def nesterov(W, g, s, t):
    v = s.get("v", 0.0)
    s["v"] = 0.9 * v - 0.01 * g
    return W + 0.81 * v - 1.9 * 0.01 * g


def adagrad(W, g, s, t):
    s["h"] = s.get("h", 0.0) + g * g
    return W - 0.01 * g / (np.sqrt(s["h"]) + 1e-7)


def rmsprop(W, g, s, t):
    s["h"] = 0.99 * s.get("h", 0.0) + 0.01 * g * g
    return W - 0.01 * g / (np.sqrt(s["h"]) + 1e-7)


def adam(W, g, s, t):
    s["m"] = 0.9 * s.get("m", 0.0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0.0) + 0.001 * g * g
    rate = 0.001 * np.sqrt(1.0 - 0.999**t) / (1.0 - 0.9**t)
    return W - rate * s["m"] / (np.sqrt(s["v"]) + 1e-7)


FORMULAS = [
    (SGD, sgd),
    (Momentum, momentum),
    (Nesterov, nesterov),
    (AdaGrad, adagrad),
    (RMSprop, rmsprop),
    (Adam, adam),
]
everything = pytest.mark.parametrize(("kind", "formula"), FORMULAS, ids=[kind.__name__ for kind, _ in FORMULAS])


@everything
def test_arrays_of_a_dict_are_moved_in_place(kind, formula, backend, asarray, tolerance):
    """Layers hold the same arrays."""
    start, gradients = rng.normal(size=(3, 2)), [rng.normal(size=(3, 2)) * size for size in (1.0, 1e-4, 1e-6, 1.0)]
    W = backend.asarray(start.copy())
    optimizer, params = kind(), {"W1": W}
    if backend.name == "jax":
        with pytest.raises(DtypeError, match="must be written to in place, got W1 of jax"):
            optimizer.update(params, {"W1": asarray(gradients[0])})
        return
    expected, slots = start, {}
    for t, g in enumerate(gradients, 1):
        optimizer.update(params, {"W1": asarray(g)})
        expected = formula(expected, g, slots, t)
    assert params["W1"] is W
    np.testing.assert_allclose(to_numpy(W), expected, rtol=100 * tolerance, atol=100 * tolerance)


@everything
def test_numbers_of_a_dict_stay_numbers(kind, formula):
    """As in the comparison of optimizers of section 6.1.7."""
    params, optimizer, slots, expected = {"x": -7.0, "y": 2.0}, kind(), {}, np.asarray([-7.0, 2.0])
    for t in range(1, 11):
        optimizer.update(params, {"x": params["x"] / 10.0, "y": 2.0 * params["y"]})
        expected = formula(expected, expected * [0.1, 2.0], slots, t)
    assert {type(value) for value in params.values()} == {float}
    np.testing.assert_allclose([params["x"], params["y"]], expected, rtol=1e-12)


def test_one_sgd_serves_several_networks():
    optimizer = SGD(lr=0.1)
    for names in ("ab", "abc", "ab"):
        params = {name: np.ones(2) for name in names}
        optimizer.update(params, {name: np.ones(2) for name in names})
        np.testing.assert_allclose(list(params.values()), 0.9)


def test_the_params_of_a_network_are_assigned(backend, asarray):
    net = TwoLayerNet(3, 4, 2)
    before = to_numpy(net.params["W1"]).copy()
    gradients = {name: backend_of(W).asarray(np.ones(W.shape)) for name, W in net.params.items()}
    Momentum(lr=0.5).update(net.params, gradients)
    np.testing.assert_allclose(to_numpy(net.layers["Affine1"].W), before - 0.5, atol=1e-6)
