"""The book's networks: names, shapes, gradients, penalties, copies."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest
from book_networks import SMALL, batch, on_every_network

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.layers import SoftmaxWithLoss
from xpnet.networks import DeepConvNet, MultiLayerNet, MultiLayerNetExtend, SimpleConvNet
from xpnet.optimizers import SGD
from xpnet.random import Generator


def test_the_book_s_arguments_and_their_defaults():
    def of(kind):
        return {name: p.default for name, p in inspect.signature(kind).parameters.items()}

    empty = inspect.Parameter.empty
    sizes = {"input_size": empty, "hidden_size_list": empty, "output_size": empty}
    common = sizes | {"activation": "relu", "weight_init_std": "relu", "weight_decay_lambda": 0}
    extended = common | {"use_dropout": False, "dropout_ration": 0.5, "use_batchnorm": False}
    five = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}
    simple = {"input_dim": (1, 28, 28), "conv_param": five, "hidden_size": 100, "output_size": 10}
    assert of(MultiLayerNet) == common | {"rng": None}
    assert of(MultiLayerNetExtend) == extended | {"rng": None}
    assert of(SimpleConvNet) == simple | {"weight_init_std": 0.01, "rng": None}
    assert list(of(MultiLayerNetExtend)) == [*extended, "rng"]
    assert list(of(SimpleConvNet)) == [*simple, "weight_init_std", "rng"]


def test_multi_layer_nets_have_the_book_s_names():
    net = MultiLayerNet(4, [3, 5], 2)
    assert list(net.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert list(net.layers) == ["Affine1", "Activation_function1", "Affine2", "Activation_function2", "Affine3"]
    assert isinstance(net.last_layer, SoftmaxWithLoss)
    net = MultiLayerNetExtend(4, [3, 5], 2, use_batchnorm=True, use_dropout=True)
    assert list(net.params) == ["W1", "b1", "gamma1", "beta1", "W2", "b2", "gamma2", "beta2", "W3", "b3"]
    assert list(net.layers)[:5] == ["Affine1", "BatchNorm1", "Activation_function1", "Dropout1", "Affine2"]
    assert {"running_mean1", "running_var2"} <= set(net.states)
    assert list(MultiLayerNetExtend(4, [3, 5], 2).layers) == list(MultiLayerNet(4, [3, 5], 2).layers)
    assert list(MultiLayerNet(4, [], 2).layers) == ["Affine1"]


def test_simple_conv_net_has_the_book_s_shapes():
    net = SimpleConvNet(rng=Generator(0))
    assert list(net.layers) == ["Conv1", "Relu1", "Pool1", "Affine1", "Relu2", "Affine2"]
    shapes = {name: tuple(array.shape) for name, array in net.params.items()}
    assert shapes == {
        "W1": (30, 1, 5, 5),
        "b1": (30,),
        "W2": (4320, 100),
        "b2": (100,),
        "W3": (100, 10),
        "b3": (10,),
    }
    for name in ("W1", "W2", "W3"):
        assert float(np.std(net.params[name])) == pytest.approx(0.01, rel=0.1)
    assert net.predict(np.zeros((2, 1, 28, 28), dtype=np.float32)).shape == (2, 10)


def test_deep_conv_net_has_the_book_s_shapes_and_he_s_spread():
    net = DeepConvNet(rng=Generator(0))
    weights = [array for name, array in net.params.items() if name.startswith("W")]
    assert [tuple(W.shape) for W in weights] == [
        *((16, 1, 3, 3), (16, 16, 3, 3), (32, 16, 3, 3), (32, 32, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3)),
        *((1024, 50), (50, 10)),
    ]
    inputs = [9, 144, 144, 288, 288, 576, 1024, 50]
    for W, D in zip(weights, inputs, strict=True):
        assert float(np.std(W)) == pytest.approx((2.0 / D) ** 0.5, rel=0.15)
    assert net.predict(np.zeros((2, 1, 28, 28), dtype=np.float32)).shape == (2, 10)


@pytest.mark.parametrize(
    ("init", "sigma"),
    [("relu", 0.1), ("he", 0.1), ("HE", 0.1), ("sigmoid", 0.0707), ("xavier", 0.0707), (0.3, 0.3)],
)
def test_the_book_s_initial_spreads(init, sigma):
    net = MultiLayerNet(200, [200], 10, weight_init_std=init, rng=Generator(0))
    assert float(np.std(net.params["W1"])) == pytest.approx(sigma, rel=0.02)


def test_the_layers_of_one_network_have_weights_and_noise_of_their_own():
    rng = Generator(0)
    one, other = (MultiLayerNetExtend(8, [8, 8], 8, use_dropout=True, rng=rng) for _ in range(2))
    arrays = [net.params[name] for net in (one, other) for name in ("W1", "W2", "W3")]
    assert not any(np.any(a == b) for i, a in enumerate(arrays) for b in arrays[:i])
    x = np.ones((3, 8), dtype=np.float32)
    masks = [to_numpy(net.layers[name](x)) for net in (one, other) for name in ("Dropout1", "Dropout2")]
    assert not any(np.array_equal(a, b) for i, a in enumerate(masks) for b in masks[:i])


@on_every_network
def test_every_network_passes_the_gradient_check(make):
    net = make()
    states = dict(net.states)
    mode = "every" if len(net.params) < 12 else "directions"
    xn.gradient_check(net, *batch(), mode=mode, directions=4).raise_if_failed()
    assert all(net.states[name] is value for name, value in states.items())


@pytest.mark.parametrize("name", ["decay", "MultiLayerNetExtend", "SimpleConvNet", "ResNet"])
def test_networks_train_and_infer_on_every_backend(name, asarray, tolerance):
    x, t = map(asarray, batch())
    make = SMALL[name]
    net = make()
    with xn.use_backend("numpy", dtype="float64"):
        reference = make()
    wanted = reference.gradient(*batch())
    for name, gradient in net.gradient(x, t).items():
        np.testing.assert_allclose(to_numpy(gradient), wanted[name], rtol=100 * tolerance, atol=100 * tolerance)
    expected = reference.predict(batch()[0])
    np.testing.assert_allclose(to_numpy(net.predict(x)), expected, rtol=100 * tolerance, atol=100 * tolerance)
    assert 0.0 <= net.accuracy(x, t) <= 1.0


@on_every_network
def test_every_network_goes_to_disk_and_is_copied(make, tmp_path):
    net, (x, t) = make(), batch()
    net = net.astype("float64")
    SGD(0.1).update(net.params, net.gradient(x, t))
    xn.save(tmp_path / "net.safetensors", net)
    fresh = make().astype("float64")
    xn.load(tmp_path / "net.safetensors", fresh)
    for other in (fresh, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert list(other.params) == list(net.params)
        np.testing.assert_array_equal(other.predict(x), net.predict(x))
        assert {n: np.asarray(v).tolist() for n, v in other.states.items()} == {
            n: np.asarray(v).tolist() for n, v in net.states.items()
        }
    gradients = [other.gradient(x, t) for other in (net, fresh)]
    for name in net.params:
        np.testing.assert_array_equal(gradients[0][name], gradients[1][name])


@on_every_network
def test_the_summary_counts_every_value(make):
    net = make()
    lines = net.summary().splitlines()
    assert len({len(line) for line in lines}) == 1
    assert int(lines[-1].split()[-1].replace(",", "")) == sum(array.size for array in net.params.values())
    shown = [line for line in lines[2:-3] if not line.startswith(" ")]
    assert [line.split()[0] for line in shown] == list(net.layers)


def test_weight_decay_is_in_the_loss_and_in_the_gradient():
    x, t = batch()
    plain, decayed = (MultiLayerNet(16, [5], 3, weight_decay_lambda=decay, rng=Generator(0)) for decay in (0.0, 0.2))
    plain, decayed = plain.astype("float64"), decayed.astype("float64")
    W = [plain.params[name] for name in ("W1", "W2")]
    penalty = 0.1 * sum(np.sum(w * w) for w in W)
    for predict in (False, True):
        assert float(decayed.loss(x, t, predict)) == pytest.approx(float(plain.loss(x, t, predict)) + penalty)
    one, other = plain.gradient(x, t), decayed.gradient(x, t)
    for name in plain.params:
        expected = one[name] + (0.2 * plain.params[name] if name.startswith("W") else 0.0)
        np.testing.assert_allclose(other[name], expected, rtol=1e-12)
    for name, numeric in decayed.numerical_gradient(x, t).items():
        np.testing.assert_allclose(numeric, other[name], rtol=1e-7, atol=1e-9)
    assert decayed.loss_and_gradient(x, t)[0] == decayed.loss(x, t)


def test_a_gradient_taken_on_the_tape_has_the_penalty_too():
    x, t = batch()
    net = MultiLayerNet(16, [5], 3, weight_decay_lambda=0.2, rng=Generator(0)).astype("float64")

    def loss(params):
        with net.using(params):
            return net.loss(x, t)

    found, expected = xn.grad(loss)(dict(net.params)), net.gradient(x, t)
    for name in net.params:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
