"""Networks: names, parameters, the book's own code, depth, and what training and inference spare."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, device_of, dtype_name, to_numpy
from xpnet.datasets import load_digits
from xpnet.errors import ArgumentError, DtypeError, LibraryError, NameUnknownError, ShapeError, StateError, XpnetError
from xpnet.layers import Affine, Flatten, IdentityWithLoss, Layer, MulLayer, Relu, Sigmoid, SoftmaxWithLoss
from xpnet.layers.base import leaves
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer


def normal(name: str, *shape: int) -> np.ndarray:
    return Generator(0).normal(shape, f"test.{name}")


def small(loss: Layer | None = None) -> Sequential:
    rng = Generator(0)
    front = Sequential(Affine.create(4, 5, rng=rng), Relu())
    return Sequential(front, Affine.create(5, 3, rng=rng), loss=loss or SoftmaxWithLoss())


@pytest.fixture
def data(asarray):
    return asarray(normal("x", 6, 4)), asarray([0, 1, 2, 2, 1, 0])


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


# Inference


def test_predict_takes_any_number_of_rows_a_batch_at_a_time(asarray, tolerance) -> None:
    rows = []

    class Counting(Relu):
        def forward(self, x):
            rows.append(x.shape[0])
            return super().forward(x)

    net = Sequential(Affine.create(4, 5, rng=Generator(0)), Counting(), Affine.create(5, 3, rng=Generator(1)))
    x = asarray(normal("x", 23, 4))
    whole = to_numpy(net(x))
    rows.clear()
    np.testing.assert_allclose(to_numpy(net.predict(x, batch_size=5)), whole, rtol=tolerance, atol=tolerance)
    assert rows == [5, 5, 5, 5, 3]
    rows.clear()
    for batch_size in (23, 24, 1024):
        np.testing.assert_array_equal(to_numpy(net.predict(x, batch_size=batch_size)), whole)
    assert rows == [23] * 3


def test_predict_holds_a_thousand_rows_at_a_time_unless_told_otherwise() -> None:
    rows = []

    class Counting(Relu):
        def forward(self, x):
            rows.append(x.shape[0])
            return super().forward(x)

    net = Sequential(Counting())
    x = np.ones((5000, 2), dtype=np.float32)
    assert net.predict(x).shape == (5000, 2)
    assert max(rows) <= 1024
    rows.clear()
    Sequential(Sequential(Counting()), loss=SoftmaxWithLoss()).accuracy(x, np.zeros(5000, dtype=np.int64))
    assert max(rows) <= 1024


def test_predict_of_no_rows(asarray) -> None:
    assert TwoLayerNet(4, 3, 2).predict(asarray(np.zeros((0, 4)))).shape == (0, 2)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, None])
def test_a_bad_batch_size_is_refused(batch_size: object) -> None:
    with pytest.raises(ArgumentError, match="Sequential: batch_size must be"):
        Sequential(Relu()).predict(np.ones((3, 2)), batch_size=batch_size)


def test_predict_leaves_nothing_behind(data) -> None:
    net = small()
    nodes = [net, net.last_layer, *leaves(net).values()]
    before = [dict(vars(node)) for node in nodes]
    net.predict(data[0])
    net.accuracy(*data)
    net.loss(*data, predict=True)
    for node, attributes in zip(nodes, before, strict=True):
        assert vars(node).keys() == attributes.keys()
        assert all(vars(node)[name] is value for name, value in attributes.items())


def test_predict_between_forward_and_backward_disturbs_nothing(data, asarray) -> None:
    net, other = small(), small()
    net.loss(*data)
    net.predict(asarray(normal("z", 2, 4)))
    net.backward(net.last_layer.backward(1.0))
    other.loss(*data)
    other.backward(other.last_layer.backward(1.0))
    for name, g in net.grads.items():
        np.testing.assert_array_equal(to_numpy(g), to_numpy(other.grads[name]))


class Training(Layer):
    """Twice in training, once in inference."""

    def forward(self, x):
        return 2.0 * x if self.training else 1.0 * x

    def backward(self, dout):
        return 2.0 * dout


def test_predict_infers_and_forward_trains(asarray) -> None:
    net = Sequential(Training(), Sequential(Training()), loss=IdentityWithLoss())
    x, t = asarray([[1.0, 2.0]]), asarray([[0.0, 0.0]])
    assert to_numpy(net(x)).tolist() == [[4.0, 8.0]]
    assert to_numpy(net.predict(x)).tolist() == [[1.0, 2.0]]
    assert float(to_numpy(net.loss(x, t))) == 40.0
    assert float(to_numpy(net.loss(x, t, predict=True))) == 2.5
    assert net.layers["Training1"].training


def test_accuracy_counts_the_rows_whose_highest_score_is_at_the_label(asarray) -> None:
    net = Sequential(Relu(), loss=SoftmaxWithLoss())
    x, t = asarray([[3.0, 1.0, 0.0], [0.0, 1.0, 2.0], [0.0, 5.0, 1.0], [9.0, 0.0, 1.0]]), np.asarray([0, 2, 1, 1])
    for labels in (t, t.astype(np.int32), t.astype(np.uint8), np.eye(3)[t]):
        found = net.accuracy(x, asarray(labels))
        assert type(found) is float
        assert found == 0.75


@pytest.mark.parametrize(
    "t", [np.asarray([0, 1]), np.zeros((4, 2)), np.zeros((3, 3)), np.zeros((4, 3), dtype=int), np.asarray(1)]
)
def test_accuracy_refuses_labels_that_do_not_fit(t: np.ndarray, asarray) -> None:
    with pytest.raises(ArgumentError, match=r"^Sequential: t must "):
        Sequential(Relu()).accuracy(asarray(np.ones((4, 3))), asarray(t))


def test_accuracy_refuses_labels_out_of_range() -> None:
    for label in (3, -1):
        with pytest.raises(ArgumentError, match=rf"^Sequential: labels must be from 0 to 2, got {label};"):
            Sequential(Relu()).accuracy(np.ones((2, 3)), np.asarray([0, label]))


def test_accuracy_of_no_rows_is_refused(asarray) -> None:
    with pytest.raises(ArgumentError, match="at least one"):
        Sequential(Relu()).accuracy(asarray(np.ones((0, 3))), asarray(np.zeros(0, dtype=np.int64)))


# using, astype, summary, copies


def test_using_binds_and_restores(backend, data) -> None:
    net = small()
    W, loss = net.params["Affine1.W"], float(to_numpy(net.loss(*data)))
    other = backend.asarray(to_numpy(W) * 2.0)
    with net.using({"Affine1.W": other}):
        assert net.params["Affine1.W"] is other
        assert float(to_numpy(net.loss(*data))) != loss
    assert net.params["Affine1.W"] is W
    assert float(to_numpy(net.loss(*data))) == loss


def test_using_restores_after_errors(backend) -> None:
    net = small()
    before = dict(net.params)
    other = {"Affine1.W": backend.asarray(np.zeros((5, 3)))}
    with pytest.raises(ZeroDivisionError), net.using(other):
        raise ZeroDivisionError
    for wrong in ({"Affine1.b": backend.asarray(np.zeros(7))}, {"no such name": before["Affine1.W"]}):
        with pytest.raises(XpnetError), net.using(other | wrong):
            raise AssertionError("not reached")
    assert all(net.params[name] is array for name, array in before.items())


def test_astype_makes_a_network_of_its_own(backend, data) -> None:
    net = small()
    other = net.astype("float32")
    assert all(dtype_name(array.dtype) == "float32" for array in other.params.values())
    assert all(device_of(array) == backend.device for array in other.params.values())
    assert list(other.params) == list(net.params)
    before = {name: to_numpy(array).copy() for name, array in net.params.items()}
    xp = backend.xp
    gradients = other.gradient(xp.astype(data[0], xp.float32), data[1])
    for name in other.params:
        other.params[name] -= gradients[name]
    for name, value in before.items():
        np.testing.assert_array_equal(to_numpy(net.params[name]), value)
    assert "x" not in vars(net.layers["Affine1"])
    assert not hasattr(net.layers["Affine1"], "dW")


def test_astype_of_the_book_s_network_keeps_its_names() -> None:
    assert list(TwoLayerNet(4, 3, 2).astype("float64").params) == ["W1", "b1", "W2", "b2"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_networks_can_be_copied_and_pickled(duplicate) -> None:
    net = TwoLayerNet(4, 3, 2, rng=Generator(0))
    x, t = np.ones((2, 4), dtype=np.float32), np.asarray([0, 1])
    gradients = net.gradient(x, t)
    other = duplicate(net)
    assert list(other.params) == list(net.params)
    other.params["W1"] -= 1.0
    np.testing.assert_array_equal(other.params["W1"], net.params["W1"] - 1.0)
    np.testing.assert_array_equal(net.gradient(x, t)["W1"], gradients["W1"])


def test_the_summary() -> None:
    lines = TwoLayerNet(784, 50, 10).summary().splitlines()
    assert lines[0].split() == ["layer", "kind", "parameters", "count"]
    assert [line.split()[0] for line in lines[2:-2]] == ["Affine1", "Relu1", "Affine2", "loss"]
    assert re.fullmatch(r"Affine1 +Affine +W \(784, 50\), b \(50,\) +39,250", lines[2])
    assert re.fullmatch(r"Affine2 +Affine +W \(50, 10\), b \(10,\) +510", lines[4])
    assert re.fullmatch(r"total +39,760", lines[-1])
    assert len({len(line) for line in lines}) == 1


def test_the_summary_of_a_nested_network_counts_what_is_inside() -> None:
    lines = small().summary().splitlines()
    assert re.fullmatch(r"Sequential1 +Sequential +Affine1.W \(4, 5\), Affine1.b \(5,\) +25", lines[2])
    assert lines[-1].split() == ["total", "43"]


def test_the_repr_shows_what_is_inside() -> None:
    assert repr(small()) == (
        "Sequential(Sequential(Affine(W (4, 5), b (5,)), Relu()), Affine(W (5, 3), b (3,)), SoftmaxWithLoss())"
    )


# What is refused


def test_one_layer_in_two_places_is_refused() -> None:
    relu = Relu()
    for layers in ((relu, Affine.create(3, 3), relu), (Sequential(relu), relu), (Sequential(Sequential(relu)), relu)):
        with pytest.raises(
            ArgumentError, match=r"Sequential: each layer must be another object, got one Relu as .* and"
        ):
            Sequential(*layers)


def test_one_array_under_two_names_is_refused(asarray) -> None:
    W, b, c = asarray(np.eye(3)), asarray(np.zeros(3)), asarray(np.zeros(3))
    with pytest.raises(ArgumentError, match=r"got one array as Affine1.W and Affine2.W; copy it"):
        Sequential(Affine(W, b), Relu(), Affine(W, c))
    with pytest.raises(ArgumentError, match=r"got one array as Sequential1.Affine1.b and Affine1.b"):
        Sequential(Sequential(Affine(W, b)), Affine(asarray(np.eye(3)), b))


def test_what_is_no_layer_is_refused() -> None:
    with pytest.raises(DtypeError, match="Sequential: type1 must be a layer, got type;"):
        Sequential(Affine.create(2, 2), Relu)
    with pytest.raises(DtypeError, match="function1 must be a layer, got function"):
        Sequential(lambda x: x)
    with pytest.raises(DtypeError, match="loss must be a layer, got str"):
        Sequential(Relu(), loss="cross-entropy")
    with pytest.raises(ArgumentError, match="it must have at least one layer"):
        Sequential()
    with pytest.raises(ArgumentError, match="it must have at least one layer"):
        Sequential({})
    with pytest.raises(ArgumentError, match=r"a layer's name must have no dot, got 'a.b'"):
        Sequential({"a.b": Relu()})


def test_a_network_without_a_loss_predicts_only(asarray) -> None:
    net = Sequential(Affine.create(4, 3))
    x, t = asarray(np.ones((2, 4))), asarray([0, 1])
    assert net.predict(x).shape == (2, 3)
    for call in (net.loss, net.gradient, net.numerical_gradient):
        with pytest.raises(StateError, match="Sequential: a loss layer must end it, got none; build it with loss="):
            call(x, t)


@pytest.mark.parametrize("sizes", [(0, 3, 2), (4, -1, 2), (4, 3, 2.0), ("4", 3, 2), (True, 3, 2)])
def test_sizes_that_are_no_positive_integers_are_refused(sizes: tuple[object, ...]) -> None:
    with pytest.raises(ArgumentError, match=r"size must be a positive integer, got .*; give a whole number from 1"):
        TwoLayerNet(*sizes)


def test_an_unknown_initial_spread_is_refused() -> None:
    with pytest.raises(ArgumentError, match="init must be one of he, glorot, lecun or a number, got 'xavier'"):
        Affine.create(3, 2, init="xavier")


def test_layers_of_two_libraries_are_told_apart_on_the_way() -> None:
    pytest.importorskip("array_api_strict")
    with xn.use_backend("array-api-strict"):
        second = Affine.create(3, 2)
    with pytest.raises(LibraryError, match="Affine: W and x must be on one library, got array-api-strict and numpy"):
        Sequential(Affine.create(4, 3), second)(np.ones((1, 4), dtype=np.float32))


# The book's little nodes, put together


def test_buying_apples(asarray) -> None:
    apples, tax = MulLayer(), MulLayer()
    price = tax.forward(apples.forward(100, 2), 1.1)
    assert price == pytest.approx(220)
    dapple_price, dtax = tax.backward(1)
    dapple, dnumber = apples.backward(dapple_price)
    assert (dapple, dnumber, dtax) == pytest.approx((2.2, 110, 200))


# One seed, the same numbers everywhere


def test_one_seed_gives_the_same_weights_and_losses_on_every_backend() -> None:
    weights, losses = {}, {}
    for name in xn.available_backends():
        device = "device1" if name == "array-api-strict" else None
        with xn.use_backend(name, device=device):
            net = TwoLayerNet(64, 30, 10, rng=Generator(0))
            weights[name] = {key: to_numpy(array).copy() for key, array in net.params.items()}
            train, test = load_digits()
            trainer = Trainer(net, SGD(0.1), train, test, batch_size=100, rng=Generator(0))
            (epoch,) = trainer.run(1)
            losses[name] = epoch.loss
    for name, found in weights.items():
        for key, array in found.items():
            assert array.dtype == np.float32
            assert array.tobytes() == weights["numpy"][key].tobytes(), (name, key)
    assert all(abs(loss - losses["numpy"]) <= 1e-5 for loss in losses.values()), losses
    assert 2.0 < losses["numpy"] < 2.31
