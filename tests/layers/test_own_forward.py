"""A layer of one's own with a forward alone: its backward comes from the tape."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.errors import ShapeError, StateError
from xpnet.layers import Affine, Dropout
from xpnet.layers.container import Container
from xpnet.random import Generator


class Twice(Container):
    """A layer of one's own in which one layer is called twice: ``y = f(f(x)) x``."""

    def __init__(self, layer):
        self.layers = {"f": layer}

    def forward(self, x):
        return self.layers["f"](self.layers["f"](x)) * x


def test_the_backward_of_a_forward_comes_from_the_tape(asarray, defer_to_variables):
    layer = Twice(Affine(asarray(normal("W", 4, 4)), asarray(normal("b", 4))))
    x = asarray(normal("x", 3, 4))
    y = layer(x)
    assert not isinstance(y, xn.Variable)
    assert layer.backward(1.0).shape == x.shape
    assert {name: g.shape for name, g in layer.grads.items()} == {"f.W": (4, 4), "f.b": (4,)}
    xn.gradient_check(layer, x).raise_if_failed()


def test_the_gradient_of_a_layer_called_twice_is_the_sum_over_the_calls():
    W, b, x, dout = normal("W", 4, 4), normal("b", 4), normal("x", 3, 4), normal("dout", 3, 4)
    layer = Twice(Affine(W, b))
    layer(x)
    dx = layer.backward(dout)
    h = x @ W + b
    dh = dout * x @ W.T
    np.testing.assert_allclose(layer.grads["f.W"], h.T @ (dout * x) + x.T @ dh, rtol=1e-12)
    np.testing.assert_allclose(layer.grads["f.b"], np.sum(dout * x + dh, axis=0), rtol=1e-12)
    np.testing.assert_allclose(dx, dout * (h @ W + b) + dh @ W.T, rtol=1e-12)


def test_several_inputs_have_a_gradient_each():
    class Gate(Container):
        def __init__(self):
            self.layers = {"gate": Affine(normal("W", 4, 4), normal("b", 4))}

        def forward(self, x, z, scale=None):
            return x * self.layers["gate"](z) * (1.0 if scale is None else scale)

    layer, x, z = Gate(), normal("x", 3, 4), normal("z", 3, 4)
    xn.gradient_check(layer, x, z).raise_if_failed()
    xn.gradient_check(layer, x, z, normal("scale", 3, 4)).raise_if_failed()
    layer.forward(x, z=z)
    _, dz, dscale = layer.backward(1.0)
    assert dscale is None
    np.testing.assert_allclose(dz, x @ layer.layers["gate"].W.T)


def test_forwards_of_one_s_own_nest_and_are_recorded_once(asarray, defer_to_variables):
    inner = Twice(Affine(asarray(normal("W", 4, 4)), asarray(normal("b", 4))))
    layer, x = Twice(inner), asarray(normal("x", 3, 4))
    xn.gradient_check(layer, x).raise_if_failed()
    layer(x)
    assert inner.recorded_tape is None


def test_a_forward_over_functions_of_the_standard():
    class Scores(Container):
        def __init__(self):
            self.layers = {"query": Affine(normal("W", 4, 4), normal("b", 4))}

        def forward(self, x):
            xp = array_namespace(x)
            q = self.layers["query"](x)
            return xp.exp(xp.tanh(q @ self.layers["query"].W)) + xp.sum(x)

    xn.gradient_check(Scores(), normal("x", 3, 4)).raise_if_failed()


def test_a_forward_of_one_s_own_keeps_nothing_in_predict_and_none_of_it_on_disk():
    layer = Twice(Affine(normal("W", 4, 4), normal("b", 4)))
    x = normal("x", 3, 4)
    y = layer.predict(x)
    assert layer.recorded_tape is None
    np.testing.assert_array_equal(layer(x), y)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other(x), y)
        assert other.backward(1.0).shape == x.shape
    single = layer.astype("float32")
    assert single(x.astype(np.float32)).dtype == np.float32
    assert single.layers["f"] is not layer.layers["f"]


def test_a_forward_of_one_s_own_wants_forward_first_and_the_right_dout():
    layer = Twice(Affine(normal("W", 4, 4), normal("b", 4)))
    with pytest.raises(StateError, match="Twice: forward must run before backward"):
        layer.backward(1.0)
    layer(normal("x", 3, 4))
    with pytest.raises(ShapeError, match=r"Twice: dout must be \(3, 4\), the shape of forward's output"):
        layer.backward(normal("dout", 3, 3))


def test_attributes_that_hold_a_layer_follow_into_predict():
    class Named(Container):
        def __init__(self):
            self.noise = Dropout(0.5, rng=Generator(0))
            self.layers = {"noise": self.noise}

        def forward(self, x):
            return self.noise(x)

    layer, x = Named(), np.ones((4, 8))
    np.testing.assert_array_equal(layer.predict(x), x)
    assert not np.array_equal(layer(x), x)
    assert layer.astype("float32").noise is not layer.noise
