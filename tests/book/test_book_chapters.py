"""The chapters' experiments, typed anew with the names of the book, and the accuracies that the book reports."""

import os
import re
from collections import OrderedDict

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy, use_backend
from xpnet.book.gradient import numerical_gradient
from xpnet.book.layers import Affine, Relu, SoftmaxWithLoss
from xpnet.book.mnist import load_mnist
from xpnet.book.multi_layer_net import MultiLayerNet
from xpnet.book.multi_layer_net_extend import MultiLayerNetExtend
from xpnet.book.optimizer import SGD, AdaGrad, Adam, Momentum
from xpnet.book.simple_convnet import SimpleConvNet
from xpnet.book.trainer import Trainer
from xpnet.book.two_layer_net import TwoLayerNet
from xpnet.datasets import load_digits
from xpnet.errors import ArgumentError

with_mnist = pytest.mark.skipif(not os.environ.get("XPNET_DATA"), reason="XPNET_DATA names no folder with MNIST")


class TypedNet:
    """The network of chapter 5 as a reader types it."""

    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
        self.params = {
            "W1": weight_init_std * np.random.randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": weight_init_std * np.random.randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }
        self.layers = OrderedDict()
        self.layers["Affine1"] = Affine(self.params["W1"], self.params["b1"])
        self.layers["Relu1"] = Relu()
        self.layers["Affine2"] = Affine(self.params["W2"], self.params["b2"])
        self.lastLayer = SoftmaxWithLoss()

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return self.lastLayer.forward(self.predict(x), t)

    def accuracy(self, x, t):
        t = t if t.ndim == 1 else np.argmax(t, axis=1)
        return np.sum(np.argmax(self.predict(x), axis=1) == t) / float(x.shape[0])

    def numerical_gradient(self, x, t):
        return {name: numerical_gradient(lambda W: self.loss(x, t), W) for name, W in self.params.items()}

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.lastLayer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        affine1, affine2 = self.layers["Affine1"], self.layers["Affine2"]
        return {"W1": affine1.dW, "b1": affine1.db, "W2": affine2.dW, "b2": affine2.db}


def plain_step(params, x, t, lr):
    """A step of the same network in NumPy alone."""
    hidden = np.maximum(x @ params["W1"] + params["b1"], 0.0)
    scores = hidden @ params["W2"] + params["b2"]
    y = np.exp(scores - scores.max(axis=1, keepdims=True))
    y /= y.sum(axis=1, keepdims=True)
    dscores = (y - t) / len(x)
    dhidden = dscores @ params["W2"].T * (hidden > 0)
    gradients = {"W1": x.T @ dhidden, "b1": dhidden.sum(0), "W2": hidden.T @ dscores, "b2": dscores.sum(0)}
    return {name: W - lr * gradients[name] for name, W in params.items()}


def digits(one_hot=False):
    """The digits that ship with the library, in float64."""
    with use_backend("numpy", dtype="float64"):
        (x, t), (x_test, t_test) = load_digits()
    return (x, np.eye(10)[t] if one_hot else t), (x_test, np.eye(10)[t_test] if one_hot else t_test)


@pytest.mark.parametrize("kind", [TypedNet, TwoLayerNet])
def test_chapter_5_trains_as_numpy_alone_does(kind):
    (x, t), _ = digits(one_hot=True)
    np.random.seed(0)
    net = kind(input_size=64, hidden_size=20, output_size=10)
    expected = {name: W.copy() for name, W in net.params.items()}
    for _ in range(50):
        rows = np.random.choice(len(x), 100)
        gradients = net.gradient(x[rows], t[rows])
        for name in ("W1", "b1", "W2", "b2"):
            net.params[name] -= 0.1 * gradients[name]
        expected = plain_step(expected, x[rows], t[rows], 0.1)
    for name, W in expected.items():
        np.testing.assert_allclose(net.params[name], W, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", [TypedNet, TwoLayerNet])
def test_the_gradient_check_of_chapter_5(kind):
    (x, t), _ = digits(one_hot=True)
    np.random.seed(0)
    net = kind(64, 5, 10, weight_init_std=0.1)
    numeric, backprop = net.numerical_gradient(x[:3], t[:3]), net.gradient(x[:3], t[:3])
    for name in ("W1", "b1", "W2", "b2"):
        assert np.average(np.abs(backprop[name] - numeric[name])) < 1e-8


@with_mnist
def test_chapter_5_on_mnist():
    (x, t), (x_test, t_test) = load_mnist(normalize=True, one_hot_label=True)
    np.random.seed(0)
    net = TypedNet(input_size=784, hidden_size=50, output_size=10)
    for _ in range(2400):  # four epochs of the book's sixteen
        rows = np.random.choice(60000, 100)
        gradients = net.gradient(x[rows], t[rows])
        for name in net.params:
            net.params[name] -= 0.1 * gradients[name]
    assert net.accuracy(x_test, t_test) > 0.935
    assert abs(net.accuracy(x, t) - net.accuracy(x_test, t_test)) < 0.01


@pytest.mark.parametrize(
    ("optimizer", "furthest"), [(SGD(0.95), 2.0), (Momentum(0.1), 2.0), (AdaGrad(1.5), 0.2), (Adam(0.3), 1.0)]
)
def test_the_paths_of_section_6_1(optimizer, furthest):
    """Thirty steps down a long valley from (-7, 2): the book's four pictures end near the bottom."""
    params = {"x": -7.0, "y": 2.0}
    for _ in range(30):
        optimizer.update(params, {"x": params["x"] / 10.0, "y": 2.0 * params["y"]})
    assert np.hypot(params["x"], params["y"]) < furthest


def test_batch_normalization_learns_faster():
    """Section 6.3.2, with weights that are too small to learn from without it."""
    (x, t), _ = digits()
    np.random.seed(0)
    nets = [MultiLayerNetExtend(64, [50] * 5, 10, weight_init_std=0.01, use_batchnorm=on) for on in (True, False)]
    optimizer = SGD(lr=0.1)
    for _ in range(100):
        rows = np.random.choice(len(x), 100)
        for net in nets:
            optimizer.update(net.params, net.gradient(x[rows], t[rows]))
    with_it, without = (net.accuracy(x, t) for net in nets)
    assert with_it > 0.9
    assert without < 0.2


@with_mnist
def test_overfitting_is_reproduced_and_held_back():
    """Section 6.4: 300 rows and seven layers learn their rows by heart; weight decay lowers the training accuracy."""
    (x, t), (x_test, t_test) = load_mnist(normalize=True)
    x, t = x[:300], t[:300]
    found = {}
    for decay in (0.0, 0.1):
        np.random.seed(0)
        net = MultiLayerNet(784, [100] * 6, 10, weight_decay_lambda=decay)
        optimizer = SGD(lr=0.01)
        for _ in range(603):
            rows = np.random.choice(300, 100)
            optimizer.update(net.params, net.gradient(x[rows], t[rows]))
        found[decay] = net.accuracy(x, t), net.accuracy(x_test[:2000], t_test[:2000])
    assert found[0.0][0] == 1.0
    assert 0.65 < found[0.0][1] < 0.8
    assert 0.8 < found[0.1][0] < 1.0
    assert found[0.1][0] - found[0.1][1] < found[0.0][0] - found[0.0][1]


@with_mnist
def test_the_network_of_chapter_7():
    (x, t), (x_test, t_test) = load_mnist(flatten=False)
    np.random.seed(0)
    net = SimpleConvNet()
    trainer = Trainer(
        net, x[:5000], t[:5000], x_test[:1000], t_test[:1000], epochs=2, optimizer="Adam", verbose=False,
        optimizer_param={"lr": 0.001}, evaluate_sample_num_per_epoch=1000,
    )  # fmt: skip
    trainer.train()
    assert net.accuracy(x_test[:1000], t_test[:1000]) > 0.85


def test_the_trainer_tells_what_the_book_s_tells(capsys):
    (x, t), (x_test, t_test) = digits()
    np.random.seed(0)
    net = MultiLayerNet(64, [20], 10)
    trainer = Trainer(net, x[:200], t[:200], x_test, t_test, epochs=3, mini_batch_size=50, optimizer_param={"lr": 0.1})
    trainer.train()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12 + 3 + 2
    assert re.fullmatch(r"train loss:\d\.\d+", lines[0])
    assert re.fullmatch(r"=== epoch:1, train acc:0\.\d+, test acc:0\.\d+ ===", lines[1])
    assert lines[-2] == "=============== Final Test Accuracy ==============="
    assert lines[-1] == f"test acc:{net.accuracy(x_test, t_test)}"
    assert len(trainer.train_loss_list) == 12
    assert trainer.train_loss_list[-1] < trainer.train_loss_list[0]
    assert len(trainer.train_acc_list) == len(trainer.test_acc_list) == 3
    Trainer(net, x, t, x_test, t_test, epochs=1, mini_batch_size=len(x), verbose=False).train()
    assert capsys.readouterr().out == ""


def test_the_trainer_trains_a_network_as_typed():
    (x, t), (x_test, t_test) = digits(one_hot=True)
    np.random.seed(0)
    net = TypedNet(64, 30, 10)
    W1 = net.params["W1"]
    Trainer(net, x, t, x_test, t_test, epochs=5, optimizer="adam", optimizer_param={"lr": 0.01}, verbose=False).train()
    assert net.layers["Affine1"].W is net.params["W1"] is W1
    assert net.accuracy(x_test, t_test) > 0.9


def test_an_unknown_optimizer_is_refused():
    (x, t), test = digits()
    with pytest.raises(
        ArgumentError, match="must be one of sgd, momentum, nesterov, adagrad, rmsprop, adam, got 'lbfgs'"
    ):
        Trainer(MultiLayerNet(64, [20], 10), x, t, *test, optimizer="lbfgs")


@pytest.mark.parametrize(
    "options", [{}, {"use_batchnorm": True}, {"use_dropout": True}], ids=["plain", "norm", "dropout"]
)
def test_one_seed_gives_one_training_on_every_backend(options, backend, dtype):
    """Weights, batches and dropped values come from NumPy's generator, whatever the backend, and in float64."""
    if dtype == "float32" or backend.name == "jax":
        pytest.skip("the book's networks are of float64")

    def train():
        (x, t), (x_test, t_test) = load_digits()
        np.random.seed(3)
        net = MultiLayerNetExtend(64, [20, 20], 10, **options)
        trainer = Trainer(net, x, t, x_test, t_test, epochs=1, mini_batch_size=200, optimizer="adam", verbose=False)
        trainer.train()
        return net, trainer

    net, trainer = train()
    with use_backend("numpy", dtype="float64"):
        same, expected = train()
    assert trainer.test_acc_list == expected.test_acc_list
    np.testing.assert_allclose(trainer.train_loss_list, expected.train_loss_list, rtol=1e-9)
    for name, W in same.params.items():
        np.testing.assert_allclose(to_numpy(net.params[name]), W, atol=1e-9)


def test_the_modes_of_the_extended_network():
    (x, t), _ = digits()
    np.random.seed(0)
    net = MultiLayerNetExtend(64, [20], 10, use_batchnorm=True)
    trained = float(net.loss(x[:50], t[:50], train_flg=True))
    assert float(net.loss(x[:50], t[:50])) != pytest.approx(trained)  # by running statistics that have just begun
    assert float(net.loss(x[:50], t[:50], train_flg=True)) == pytest.approx(trained)
    numeric, backprop = net.numerical_gradient(x[:5], t[:5]), net.gradient(x[:5], t[:5])
    for name in ("gamma1", "beta1", "b2", "W2"):
        np.testing.assert_allclose(backprop[name], numeric[name], atol=1e-6)


def test_float64_is_what_the_networks_start_in_and_the_backend_stays_as_it_is():
    with xn.use_backend("numpy", dtype="float32"):
        assert MultiLayerNet(4, [3], 2).params["W1"].dtype == np.float64
        assert xn.get_backend().dtype == np.float32
