"""A network trains and infers by its plan, which runs the same layers as they read, only faster."""

from __future__ import annotations

import copy
import inspect
import sys

import numpy as np
import pytest
from planned_networks import DRAW, T, X, assert_close, make, steps_back

import xpnet as xn
from xpnet.layers import Affine, Concat, Relu, Residual, SoftmaxWithLoss, Tanh
from xpnet.networks import MultiLayerNet, Network, Sequential, TransformerLM
from xpnet.random import Generator

pytestmark = pytest.mark.usefixtures("in_float64")


@pytest.fixture
def data(asarray):
    return asarray(X), asarray(T)


def test_a_plan_gives_what_the_equations_give(data, tolerance):
    net = make()
    loss, gradients = net.loss_and_gradient(*data)
    steps_back(net)
    with xn.plain():
        expected, by_equations = net.loss_and_gradient(*data)
    assert_close({"loss": loss, **gradients}, {"loss": expected, **by_equations}, tolerance)
    with xn.plain():
        y = net.predict(data[0])
    assert_close({"y": net.predict(data[0])}, {"y": y}, tolerance)


def test_a_plan_names_what_runs_as_what():
    net = make()
    lines = str(net.plan()).splitlines()
    assert [line.split()[0] for line in lines] == [
        *("Affine1+Relu1", "LayerNormalization1", "Dropout1", "Affine2", "Sigmoid1", "Affine3", "loss")
    ]
    assert "its equations" in str(Sequential(Affine.create(6, 3), Tanh(), loss=SoftmaxWithLoss()).plan())
    assert lines[0].split()[1].split(".")[0] in ("numpy", "numba")


def test_a_network_that_reads_otherwise_says_why_it_has_no_plan():
    class Own(Network):
        def forward(self, x):
            return x

    net = Own(Affine.create(6, 3), loss=SoftmaxWithLoss())
    assert str(net.plan()) == "Own runs as it reads: it has a forward or backward of its own"

    class OwnLoss(Sequential):
        def loss(self, x, t, predict=False, weights=None):
            return super().loss(x, t, predict, weights) * 2.0

    net = OwnLoss(Affine.create(6, 3), loss=SoftmaxWithLoss())
    assert str(net.plan()) == "OwnLoss runs as it reads: it has a loss of its own"
    loss, _ = net.loss_and_gradient(X, T)
    assert loss == net.loss(X, T)


def test_containers_run_as_they_read_over_bodies(data, tolerance):
    def branch(rng):
        return Affine.create(6, 4, rng=rng), Relu()

    rng = Generator(0)
    net = Sequential(
        Residual(*branch(rng), shortcut=Affine.create(6, 4, rng=rng)),
        Concat(Affine.create(4, 2, rng=rng), [Affine.create(4, 3, rng=rng), Relu()]),
        Affine.create(5, 3, rng=rng),
        loss=SoftmaxWithLoss(),
    )
    found = net.loss_and_gradient(*data)
    with xn.plain():
        expected = net.loss_and_gradient(*data)
    assert_close({"loss": found[0], **found[1]}, {"loss": expected[0], **expected[1]}, tolerance)
    where = [line.split()[0] for line in str(net.plan()).splitlines()]
    assert where[:3] == ["Residual1.Affine1+Relu1", "Residual1.shortcut", "Concat1.Affine1"] or "+" not in where[0]


def test_the_penalty_of_the_book_is_in_the_loss_and_the_gradient():
    net = MultiLayerNet(6, [5], 3, weight_decay_lambda=0.3, rng=Generator(0))
    loss, found = net.loss_and_gradient(X, T)
    with xn.plain():
        expected, by_equations = net.loss_and_gradient(X, T)
    assert_close({"loss": loss, **found}, {"loss": expected, **by_equations})
    assert not str(net.plan()).startswith("MultiLayerNet runs as it reads")


def test_the_loss_is_that_of_the_step():
    with xn.use_backend("numpy", dtype="float32"):
        net = Sequential(Affine.create(6, 5), Relu(), Affine.create(5, 3), loss=SoftmaxWithLoss())
        x = X.astype("float32")
        np.testing.assert_allclose(net.loss(x, T), net.loss_and_gradient(x, T)[0], rtol=1e-6)


def test_copies_and_casts_have_plans_of_their_own():
    net = make()
    y = net.predict(X)
    other = net.astype("float32")
    net.params["Affine1.W"][...] = 0.0
    assert other.predict(X.astype("float32")).dtype == np.float32
    np.testing.assert_allclose(other.predict(X.astype("float32")), y, rtol=1e-5)
    deep = copy.deepcopy(net)
    deep.params["Affine3.b"] = deep.params["Affine3.b"] + 1.0
    np.testing.assert_allclose(deep.predict(X), net.predict(X) + 1.0)
    np.testing.assert_array_equal(net.copy().predict(X), net.predict(X))


def test_a_network_in_another_has_a_plan_of_its_own_too():
    inner = make(loss=False)
    outer = Sequential(inner, loss=SoftmaxWithLoss())
    outer.loss_and_gradient(X, T)
    y = inner.predict(X)
    outer.loss_and_gradient(X, T)
    np.testing.assert_array_equal(inner.predict(X), y)


def test_variables_that_are_bound_take_the_equations(defer_to_variables):
    net = make()
    _, expected = net.loss_and_gradient(X, T)
    steps_back(net)

    def loss(params):
        with net.using(params):
            return net.loss(X, T)

    _, found = xn.value_and_grad(loss)(dict(net.params))
    assert_close(found, expected)

    def squares(params):
        with net.using(params):
            y = net.predict(X)
        return y.__array_namespace__().sum(y * y)

    assert set(xn.grad(squares)(dict(net.params))) == set(net.params)


def test_shared_weights_in_a_forward_of_one_s_own():
    class Tied(Network):
        def __init__(self):
            layers = {"a": Affine.create(6, 6, rng=Generator(1)), "r": Relu(), "b": Affine.create(6, 3)}
            super().__init__(layers, loss=SoftmaxWithLoss())

        def forward(self, x):
            a, r, b = self.layers.values()
            return b(a(r(a(x))))

    net = Tied()
    loss, found = net.loss_and_gradient(X, T)
    with xn.plain():
        expected, by_equations = net.loss_and_gradient(X, T)
    assert_close({"loss": loss, **found}, {"loss": expected, **by_equations})


@pytest.mark.parametrize("tied", [False, True])
def test_a_language_model(tied):
    net = TransformerLM(7, 5, 8, 2, 2, tied=tied, rng=Generator(0))
    x, t = DRAW.integers(0, 7, (3, 5)), DRAW.integers(0, 7, (3, 5))
    loss, found = net.loss_and_gradient(x, t)
    with xn.plain():
        expected, by_equations = net.loss_and_gradient(x, t)
    assert_close({"loss": loss, **found}, {"loss": expected, **by_equations}, 1e-9)
    assert ("runs as it reads" in str(net.plan())) == tied


def test_low_precision_takes_the_plan_on_casts():
    with xn.use_backend("numpy", dtype="float32"):
        net = make().compute_in("float16", loss_scale=8.0)
        x = X.astype("float32")
        _, found = net.loss_and_gradient(x, T)
        steps_back(net)
        with xn.plain():
            _, expected = net.loss_and_gradient(x, T)
    assert all(gradient.dtype == np.float32 for gradient in found.values())
    assert_close(found, expected, 3e-3)


def test_a_step_of_the_book_s_network_makes_few_calls_of_python():
    """What a step costs beside its arithmetic, on NumPy without numba: no more than before by accident."""
    net = Sequential(Affine.create(784, 50), Relu(), Affine.create(50, 10), loss=SoftmaxWithLoss())
    optimizer, calls = xn.optimizers.SGD(0.1), []
    x, t = DRAW.random((100, 784)), DRAW.integers(0, 10, 100)

    def step() -> None:
        _, gradients = net.loss_and_gradient(x, t)
        optimizer.update(net.params, gradients)

    for _ in range(3):
        step()
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, _: calls.append(frame) if event == "last_call" else None)
    try:
        step()
    finally:
        sys.setprofile(before)
    assert len(calls) < 100


def test_the_readme_s_layer_is_the_library_s():
    from pathlib import Path

    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = text[text.index("class Affine(Layer):") :].partition("```")[0]
    for name in ("forward", "backward"):
        lines = inspect.getsource(getattr(Affine, name)).splitlines()[1:]
        assert "\n".join(line.rstrip() for line in lines).strip("\n") in shown
