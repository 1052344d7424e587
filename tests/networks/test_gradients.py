"""Gradients of networks of any depth, what training spares, and one seed on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal
from small_networks import small

import xpnet as xn
from xpnet.backend import array_namespace, to_numpy
from xpnet.datasets import load_digits
from xpnet.errors import ShapeError
from xpnet.layers import Affine, Flatten, Layer, MeanSquaredError, Relu, Sigmoid, SoftmaxWithLoss
from xpnet.networks import MultiLayerNet, Sequential, TwoLayerNet
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer

# Depth


def deep(depth: int, backend=None) -> tuple[Sequential, list[tuple[np.ndarray, np.ndarray]]]:
    host = [(0.6 * normal(f"W{i}", 6, 6), 0.1 * normal(f"b{i}", 6)) for i in range(depth)]
    make = backend.asarray if backend else np.asarray
    layers = []
    for i, (W, b) in enumerate(host):
        layers += [Affine(make(W.copy()), make(b.copy())), (Relu, Sigmoid)[i % 3 == 2]()]
    return Sequential(*layers[:-1], loss=SoftmaxWithLoss()), host


def by_hand(host, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
    """Backpropagation in plain NumPy, float64."""
    inputs, outputs = [], []
    for i, (W, b) in enumerate(host):
        inputs.append(x)
        z = x @ W + b
        x = z if i == len(host) - 1 else 1.0 / (1.0 + np.exp(-z)) if i % 3 == 2 else np.maximum(z, 0.0)
        outputs.append(x)
    y = np.exp(x - x.max(axis=1, keepdims=True))
    d = (y / y.sum(axis=1, keepdims=True) - np.eye(6)[t]) / len(t)
    found = {}
    for i in reversed(range(len(host))):
        if i < len(host) - 1:
            d = d * (outputs[i] * (1.0 - outputs[i]) if i % 3 == 2 else outputs[i] > 0.0)
        found[f"Affine{i + 1}.W"], found[f"Affine{i + 1}.b"] = inputs[i].T @ d, d.sum(axis=0)
        d = d @ host[i][0].T
    return found


@pytest.mark.parametrize("depth", [5, 10, 20])
def test_gradients_of_deep_networks_are_those_by_hand(depth: int, backend, dtype) -> None:
    net, host = deep(depth, backend)
    x, t = normal("x", 7, 6), np.asarray([0, 1, 2, 3, 4, 5, 0])
    gradients, expected = net.gradient(backend.asarray(x), backend.asarray(t)), by_hand(host, x, t)
    assert gradients.keys() == expected.keys()
    for name, g in expected.items():
        scale = np.max(np.abs(g))
        np.testing.assert_allclose(
            to_numpy(gradients[name]), g, atol={"float32": 1e-4, "float64": 1e-12}[dtype] * scale
        )


@pytest.mark.parametrize("depth", [5, 10, 20])
def test_deep_networks_pass_the_gradient_check(depth: int) -> None:
    net, _ = deep(depth)
    x, t = normal("x", 7, 6), np.asarray([0, 1, 2, 3, 4, 5, 0])
    xn.gradient_check(net, x, t, mode="directions", directions=4).raise_if_failed()


def test_gradients_are_torch_s_own() -> None:
    torch = pytest.importorskip("torch")
    net, host = deep(5)
    x, t = normal("x", 7, 6), np.asarray([0, 1, 2, 3, 4, 5, 0])
    gradients = net.gradient(x, t)
    tensors = [torch.tensor(array, requires_grad=True) for pair in host for array in pair]
    h = torch.tensor(x)
    for i in range(5):
        h = h @ tensors[2 * i] + tensors[2 * i + 1]
        h = h if i == 4 else torch.sigmoid(h) if i % 3 == 2 else torch.relu(h)
    torch.nn.functional.cross_entropy(h, torch.tensor(t)).backward()
    for name, tensor in zip(net.params, tensors, strict=True):
        np.testing.assert_allclose(gradients[name], tensor.grad.numpy(), atol=1e-13)


# What training spares


class Spy(Affine):
    """An Affine that tells what its backward was asked for and what it gave."""

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, array_namespace(dout).sum(dout, axis=0)
        self.asked = [*getattr(self, "asked", []), self.needs_dx]
        return dout @ self.W.T if self.needs_dx else None


def spies(asarray, nested: int) -> tuple[Sequential, Spy, Spy]:
    first, second = (
        Spy(asarray(normal("W", 4, 4)), asarray(normal("b", 4))),
        Spy(asarray(normal("V", 4, 3)), asarray(np.zeros(3))),
    )
    front: Layer = first
    for _ in range(nested):
        front = Sequential(Flatten(), front, Relu())
    return Sequential(front, second, loss=SoftmaxWithLoss()), first, second


@pytest.mark.parametrize("nested", [0, 1, 2])
def test_the_first_layer_s_dx_is_not_computed_in_training(nested: int, asarray, data) -> None:
    net, first, second = spies(asarray, nested)
    gradients = net.gradient(*data)
    assert (first.asked, second.asked) == ([False], [True])
    assert all(layer.needs_dx and "needs_dx" not in vars(layer) for layer in (net, first, second, *net.layers.values()))
    net.loss(*data)
    dx = net.backward(net.last_layer.backward(1.0))
    assert dx.shape == data[0].shape
    assert first.asked == [False, True]
    for name, g in net.grads.items():
        np.testing.assert_array_equal(to_numpy(g), to_numpy(gradients[name]))


def test_layers_before_the_first_parameters_have_nothing_to_do_in_training(asarray, data) -> None:
    class Unasked(Relu):
        def backward(self, dout):
            raise AssertionError("nobody needs it")

    net = Sequential(Unasked(), Sequential(Flatten()), Affine.create(4, 3), loss=SoftmaxWithLoss())
    assert list(net.gradient(*data)) == ["Affine1.W", "Affine1.b"]


@pytest.mark.parametrize("nested", [0, 1])
def test_needs_dx_is_restored_after_an_error(nested: int, asarray, data) -> None:
    class Broken(Relu):
        def backward(self, dout):
            raise ZeroDivisionError

    first = Affine.create(4, 3)
    net = Sequential(Sequential(first) if nested else first, Broken(), loss=SoftmaxWithLoss())
    with pytest.raises(ZeroDivisionError):
        net.gradient(*data)
    assert net.needs_dx
    assert first.needs_dx
    assert net.layers["Sequential1" if nested else "Affine1"].needs_dx


def test_one_s_own_needs_dx_is_kept(asarray, data) -> None:
    net, first, _ = spies(asarray, 0)
    first.needs_dx = False
    net.gradient(*data)
    assert first.needs_dx is False


def test_no_value_is_read_on_the_host_in_a_step(data, no_host_sync) -> None:
    net, optimizer = small(), SGD(0.1)
    with no_host_sync():
        for _ in range(2):
            _, gradients = net.loss_and_gradient(*data)
            optimizer.update(net.params, gradients)
            net.predict(data[0])
            net.loss(*data, predict=True)


# Weights of samples, data of another precision


@pytest.mark.parametrize("make", [lambda: small(), lambda: MultiLayerNet(4, [5], 3, weight_decay_lambda=0.1)])
def test_weights_of_samples_go_to_the_loss(make, asarray, data, tolerance) -> None:
    net, (x, t) = make(), data
    w = asarray([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    loss, gradients = net.loss_and_gradient(x, t, weights=w)
    kept = [0, 2, 5]
    alone = asarray(to_numpy(x)[kept]), asarray(to_numpy(t)[kept])
    expected = net.gradient(*alone)
    for predict in (False, True):
        found = to_numpy(net.loss(x, t, predict=predict, weights=w))
        np.testing.assert_allclose(found, to_numpy(net.loss(*alone)), rtol=10 * tolerance)
        np.testing.assert_allclose(found, to_numpy(loss), rtol=tolerance)
    for name, g in net.gradient(x, t, w).items():
        np.testing.assert_allclose(to_numpy(g), to_numpy(expected[name]), rtol=1e-4, atol=10 * tolerance)
        np.testing.assert_array_equal(to_numpy(g), to_numpy(gradients[name]))
    with pytest.raises(ShapeError, match=r"SoftmaxWithLoss: weights must be \(6,\), got \(5,\);"):
        net.loss(x, t, weights=w[:5])


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, MeanSquaredError])
def test_data_are_cast_to_the_precision_of_the_network(loss: type, asarray, where, dtype) -> None:
    net, x = small(loss()), normal("x", 6, 4)
    t, w = np.abs(normal("t", 6, 3)), np.ones(6)
    other = {"float32": "float64", "float64": "float32"}[dtype]
    with xn.use_backend(where.library, device=where.value[1], dtype=other) as wide:
        theirs = [wide.asarray(array) for array in (x, t, w)]
    found, gradients = net.loss_and_gradient(*theirs)
    own = [asarray(to_numpy(array)) for array in theirs]
    expected = net.gradient(*own)
    assert found.dtype == net.predict(theirs[0]).dtype == net.predict(own[0]).dtype == own[0].dtype
    np.testing.assert_array_equal(to_numpy(net.predict(theirs[0])), to_numpy(net.predict(own[0])))
    for name, g in gradients.items():
        assert g.dtype == own[0].dtype
        np.testing.assert_array_equal(to_numpy(g), to_numpy(expected[name]))


# One seed, the same numbers everywhere


def test_one_seed_gives_the_same_weights_and_losses_on_every_backend() -> None:
    weights, losses = {}, {}
    for name in xn.available_backends():
        device = "device1" if name == "array-api-strict" else None
        with xn.use_backend(name, device=device):
            net = TwoLayerNet(64, 30, 10, rng=Generator(0))
            weights[name] = {key: to_numpy(array).copy() for key, array in net.params.items()}
            x, t = load_digits()[0]
            rows = {"batch_size": 100, "evaluate_rows": 100}  # of one size, for jax compiles for each
            (epoch,) = Trainer(net, SGD(0.1), (x[:400, ...], t[:400]), **rows, rng=Generator(0)).run(1)
            losses[name] = epoch.loss
    for name, found in weights.items():
        for key, array in found.items():
            assert array.dtype == np.float32
            assert array.tobytes() == weights["numpy"][key].tobytes(), (name, key)
    assert all(abs(loss - losses["numpy"]) <= 1e-5 for loss in losses.values()), losses
    assert 2.0 < losses["numpy"] < 2.31
