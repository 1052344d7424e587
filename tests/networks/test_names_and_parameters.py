"""Names of layers and parameters, the live arrays behind them, and the book's own code."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal
from small_networks import small

from xpnet.backend import to_numpy
from xpnet.errors import DtypeError, NameUnknownError, ShapeError, StateError, XpnetError
from xpnet.layers import Affine, MulLayer, Relu, SoftmaxWithLoss
from xpnet.layers.base import leaves
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.random import Generator

# Names


def test_layers_are_named_by_class_and_count() -> None:
    net = Sequential(
        Affine.create(4, 5), Relu(), Affine.create(5, 5), Relu(), Affine.create(5, 2), loss=SoftmaxWithLoss()
    )
    assert list(net.layers) == ["Affine1", "Relu1", "Affine2", "Relu2", "Affine3"]
    assert list(net.params) == [f"Affine{i}.{name}" for i in (1, 2, 3) for name in ("W", "b")]
    assert isinstance(net.last_layer, SoftmaxWithLoss)


def test_parameters_are_named_by_the_path() -> None:
    net = Sequential(Sequential(Affine.create(4, 5), Sequential(Affine.create(5, 5))), Affine.create(5, 2))
    assert list(net.params) == [
        "Sequential1.Affine1.W",
        "Sequential1.Affine1.b",
        "Sequential1.Sequential1.Affine1.W",
        "Sequential1.Sequential1.Affine1.b",
        "Affine1.W",
        "Affine1.b",
    ]
    assert list(leaves(net)) == ["Sequential1.Affine1", "Sequential1.Sequential1.Affine1", "Affine1"]


def test_names_of_one_s_own() -> None:
    net = Sequential(
        {"inner": Affine.create(4, 5), "act": Relu(), "outer": Affine.create(5, 2)}, loss=SoftmaxWithLoss()
    )
    assert list(net.layers) == ["inner", "act", "outer"]
    assert list(net.params) == ["inner.W", "inner.b", "outer.W", "outer.b"]


def test_the_book_s_names() -> None:
    net = TwoLayerNet(input_size=4, hidden_size=3, output_size=2, weight_init_std=0.01, rng=Generator(0))
    assert list(net.params) == ["W1", "b1", "W2", "b2"]
    assert list(net.layers) == ["Affine1", "Relu1", "Affine2"]
    assert isinstance(net.last_layer, SoftmaxWithLoss)
    assert [tuple(array.shape) for array in net.params.values()] == [(4, 3), (3,), (3, 2), (2,)]
    assert not to_numpy(net.params["b1"]).any()


def test_weight_init_std_scales_the_weights() -> None:
    one, ten = (TwoLayerNet(20, 30, 10, weight_init_std=std, rng=Generator(0)) for std in (0.01, 0.1))
    np.testing.assert_allclose(to_numpy(ten.params["W1"]), 10.0 * to_numpy(one.params["W1"]), rtol=1e-6)
    assert float(np.std(to_numpy(one.params["W1"]))) == pytest.approx(0.01, rel=0.1)


def test_two_networks_of_one_generator_have_weights_of_their_own() -> None:
    rng = Generator(0)
    one, other = TwoLayerNet(4, 3, 2, rng=rng), TwoLayerNet(4, 3, 2, rng=rng)
    assert not np.any(to_numpy(one.params["W1"]) == to_numpy(other.params["W1"]))
    first, second = Affine.create(3, 3, rng=rng), Affine.create(3, 3, rng=rng)
    assert not np.any(to_numpy(first.W) == to_numpy(second.W))


@pytest.mark.parametrize(("init", "sigma"), [("he", 0.1), ("lecun", 0.5**0.5 * 0.1), ("glorot", 1 / 15.0), (0.3, 0.3)])
def test_initial_weights_have_the_spread_they_promise(init: str | float, sigma: float) -> None:
    layer = Affine.create(200, 250, init=init, rng=Generator(0))
    assert float(np.std(to_numpy(layer.W))) == pytest.approx(sigma, rel=0.02)
    assert not to_numpy(layer.b).any()


# Parameters


def test_params_are_live(backend, data) -> None:
    net = small()
    x, t = data
    before, loss = net.params["Affine1.W"], float(to_numpy(net.loss(x, t)))
    gradients = net.gradient(x, t)
    for name in net.params:
        net.params[name] -= 0.1 * gradients[name]
    layer = net.layers["Affine1"]
    assert net.params["Affine1.W"] is layer.W
    assert (layer.W is before) == (backend.name in ("numpy", "torch", "array-api-strict", "cupy"))
    assert float(to_numpy(net.loss(x, t))) < loss


def test_params_as_a_mapping(backend) -> None:
    net = small()
    assert len(net.params) == 4
    assert "Affine1.W" in net.params
    assert "Affine2.W" not in net.params
    assert repr(net.params).startswith("params(Sequential1.Affine1.W (4, 5), ")
    net.params.update({"Affine1.b": backend.asarray([1.0, 2.0, 3.0])})
    assert to_numpy(net.layers["Affine1"].b).tolist() == [1.0, 2.0, 3.0]


def test_bad_names_and_values_of_params(backend) -> None:
    net = small()
    with pytest.raises(
        NameUnknownError, match=r"params: name must be one of Sequential1.Affine1.W, .*, got 'W1'; choose"
    ) as e:
        net.params["W1"]
    assert isinstance(e.value, KeyError)
    with pytest.raises(KeyError):
        net.params["W1"] = backend.asarray([1.0])
    with pytest.raises(
        ShapeError, match=r"params: Affine1.b must be \(3,\), got \(2,\); assign an array of that shape"
    ):
        net.params["Affine1.b"] = backend.asarray([1.0, 2.0])
    with pytest.raises(StateError, match="names must stay"):
        del net.params["Affine1.b"]
    for value in (0.0, [1.0, 2.0, 3.0], None):
        with pytest.raises(XpnetError, match=r"Affine1.b must be"):
            net.params["Affine1.b"] = value
    for value in (np.ones(3, dtype=np.int32), np.ones(3, dtype=np.bool_)):
        with pytest.raises(DtypeError, match=r"params: Affine1.b must be floating, got (int32|bool); cast it"):
            net.params["Affine1.b"] = backend.asarray(value)


def test_gradients_before_backward_are_an_error() -> None:
    with pytest.raises(StateError, match="Affine: backward must set dW, got none; call gradient"):
        _ = small().grads


def test_gradients_have_the_names_and_shapes_of_the_parameters(data) -> None:
    net = small()
    gradients = net.gradient(*data)
    assert {name: g.shape for name, g in gradients.items()} == {name: p.shape for name, p in net.params.items()}
    assert list(gradients) == list(net.params)


# The book's own code


def test_the_book_s_loops_run(asarray) -> None:
    net = TwoLayerNet(4, 3, 2, rng=Generator(0))
    x, t = asarray(normal("x", 3, 4)), asarray(np.eye(2)[[0, 1, 1]])
    y = x
    for layer in net.layers.values():
        y = layer.forward(y)
    loss = net.last_layer.forward(y, t)
    assert float(to_numpy(loss)) == float(to_numpy(net.loss(x, t)))
    dout = net.last_layer.backward(1)
    layers = list(net.layers.values())
    layers.reverse()
    for layer in layers:
        dout = layer.backward(dout)
    assert dout.shape == x.shape
    by_hand = {"W1": net.layers["Affine1"].dW, "b1": net.layers["Affine1"].db, "W2": net.layers["Affine2"].dW}
    gradients = net.gradient(x, t)
    for name, gradient in by_hand.items():
        np.testing.assert_array_equal(to_numpy(gradients[name]), to_numpy(gradient))
    for key in ("W1", "b1", "W2", "b2"):
        net.params[key] -= 0.1 * gradients[key]
    assert float(to_numpy(net.loss(x, t))) < float(to_numpy(loss))
    assert 0.0 <= net.accuracy(x, t) <= 1.0


def test_affine_keeps_the_very_arrays_that_it_is_given(asarray) -> None:
    W, b = asarray(normal("W", 3, 2)), asarray(normal("b", 2))
    layer = Affine(W, b)
    assert layer.W is W
    assert layer.b is b
    net = Sequential(layer)
    assert net.params["Affine1.W"] is W


def test_code_that_updates_its_own_arrays_in_place_trains_the_layer() -> None:
    params = {"W": normal("W", 3, 2), "b": np.zeros(2)}
    layer, x = Affine(params["W"], params["b"]), normal("x", 4, 3)
    before = layer(x)
    params["W"] -= 1.0
    np.testing.assert_allclose(layer(x), before - x.sum(axis=1, keepdims=True), atol=1e-12)


# The book's little nodes, put together


def test_buying_apples(asarray) -> None:
    apples, tax = MulLayer(), MulLayer()
    price = tax.forward(apples.forward(100, 2), 1.1)
    assert price == pytest.approx(220)
    dapple_price, dtax = tax.backward(1)
    dapple, dnumber = apples.backward(dapple_price)
    assert (dapple, dnumber, dtax) == pytest.approx((2.2, 110, 200))
