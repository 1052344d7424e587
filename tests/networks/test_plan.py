"""A network trains and infers by its plan, which runs the same layers as they read, only faster."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
import threading

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import DtypeError, ShapeError, StateError
from xpnet.layers import (
    Affine,
    Concat,
    Dropout,
    Embedding,
    Layer,
    LayerNormalization,
    Relu,
    Residual,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
)
from xpnet.networks import MultiLayerNet, Network, Sequential, TransformerLM
from xpnet.random import Generator

DRAW = np.random.default_rng(0)
X, T = DRAW.random((8, 6)), DRAW.integers(0, 3, 8)


def make(loss: bool = True) -> Sequential:
    rng = Generator(3)
    layers = Affine.create(6, 5, rng=rng), Relu(), LayerNormalization.create(5), Dropout(0.3, rng)
    more = Affine.create(5, 4, rng=rng), Sigmoid(), Affine.create(4, 3, rng=rng)
    return Sequential(*layers, *more, loss=SoftmaxWithLoss() if loss else None)


@pytest.fixture
def data(asarray):
    return asarray(X), asarray(T)


@pytest.fixture(autouse=True)
def backend_of_the_test(request):
    """Tests without a backend of their own run on NumPy in float64."""
    if "backend" in request.fixturenames:
        yield
        return
    with xn.use_backend("numpy", dtype="float64"):
        yield


def assert_close(found, expected, tolerance: float = 1e-10) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(to_numpy(found[name]), to_numpy(value), rtol=tolerance, atol=tolerance)


def steps_back(net) -> None:
    for name in net.states:
        if name.endswith("step"):
            net.states[name] = 0


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


@pytest.mark.parametrize("place", [Affine, "the layer"])
@pytest.mark.parametrize("name", ["forward", "backward"])
def test_a_method_that_somebody_replaced_is_called(place, name, monkeypatch):
    net = make()
    net.loss_and_gradient(X, T)
    layer = net.layers["Affine1"]
    place, called = layer if place == "the layer" else place, []
    method = getattr(place, name)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, lambda *args: (called.append(1), method(*args))[1])
        net.loss_and_gradient(X, T)
    assert len(called) == (1 if place is layer else 3)
    net.loss_and_gradient(X, T)
    assert len(called) == (1 if place is layer else 3)


def test_a_print_in_a_forward_is_seen_where_the_network_runs_forward(monkeypatch):
    net, seen = make(), []
    method = Affine.forward
    monkeypatch.setattr(Affine, "forward", lambda self, x: (seen.append(self), method(self, x))[1])
    net.forward(X)
    net.predict(X)
    assert len(seen) == 6


def test_a_method_beside_forward_that_somebody_replaced_is_called(monkeypatch):
    net, called = make(), []
    net.loss_and_gradient(X, T)
    method = SoftmaxWithLoss.per_sample
    monkeypatch.setattr(SoftmaxWithLoss, "per_sample", lambda self, x, t: (called.append(1), method(self, x, t))[1])
    net.loss_and_gradient(X, T)
    assert called == [1]


def test_another_loss_or_option_is_seen():
    net = make()
    one, _ = net.loss_and_gradient(X, T)
    net.last_layer = SoftmaxWithLoss(reduction="sum")
    steps_back(net)
    other, _ = net.loss_and_gradient(X, T)
    np.testing.assert_allclose(other, 8 * one)
    net.layers["LayerNormalization1"].eps = 1.0
    steps_back(net)
    found, _ = net.loss_and_gradient(X, T)
    steps_back(net)
    with xn.plain():
        expected, _ = net.loss_and_gradient(X, T)
    np.testing.assert_allclose(found, expected)
    assert abs(found - other) > 1e-6


def test_a_subclass_of_a_layer_runs_its_own_lines():
    class Doubled(Affine):
        def forward(self, x):
            return super().forward(x) * 2

        def backward(self, dout):
            return super().backward(dout * 2)

    net = Sequential(Doubled.create(6, 5), Relu(), Affine.create(5, 3), loss=SoftmaxWithLoss())
    assert str(net.plan()).splitlines()[0].endswith("its equations")
    _, found = net.loss_and_gradient(X, T)
    with xn.plain():
        _, expected = net.loss_and_gradient(X, T)
    assert_close(found, expected)


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


def test_a_pickle_has_no_batch_in_it():
    net = make()
    small = len(pickle.dumps(net))
    x = DRAW.random((5000, 6))
    net.forward(x)
    net.loss(x, DRAW.integers(0, 3, 5000))
    net.loss_and_gradient(X, T)
    again = pickle.dumps(net)
    assert len(again) < small + 500
    np.testing.assert_array_equal(pickle.loads(again).predict(X), net.predict(X))


def test_a_wrong_dx_of_a_layer_is_named():
    class Short(Layer):
        def forward(self, x):
            return x * 1.0

        def backward(self, dout):
            return dout[:1]

    net = Sequential(Affine.create(6, 5), Relu(), Short(), Affine.create(5, 3), loss=SoftmaxWithLoss())
    with pytest.raises(ShapeError, match=r"Relu: dout must be \(8, 5\), the shape of forward's output, got \(1, 5\)"):
        net.loss_and_gradient(X, T)


def test_an_error_in_the_middle_names_the_layer():
    inner = Sequential(Affine.create(5, 4), Affine.create(7, 3))
    net = Sequential(Affine.create(6, 5), Relu(), inner, loss=SoftmaxWithLoss())
    with pytest.raises(ShapeError, match=r"Affine2: x must be \(N, 7\), got \(8, 4\)"):
        net.loss_and_gradient(X, T)
    with pytest.raises(ShapeError, match=r"Affine2: x must be \(N, 7\), got \(8, 4\)"):
        net.predict(X)


def test_what_has_not_passed_is_checked():
    net = make()
    net.loss_and_gradient(X, T)
    with pytest.raises(ShapeError, match=r"Affine1: x must be \(N, 6\), got \(8, 5\)"):
        net.loss_and_gradient(X[:, :5], T)
    with pytest.raises(DtypeError, match="Affine1: x must be floating, got int64"):
        net.loss_and_gradient(X.astype("int64"), T)
    with pytest.raises(ShapeError, match=r"SoftmaxWithLoss: integer t must be \(8,\)"):
        net.loss_and_gradient(X, T[:5])
    net.loss_and_gradient(X, T)


def test_a_backward_by_hand_after_a_step_is_not_of_another_batch():
    net = make()
    net.forward(5.0 * X)
    net.loss_and_gradient(X, T)
    with pytest.raises(StateError, match="Affine: forward must run before backward"):
        net.layers["Affine1"].backward(np.ones((8, 5)))
    net.forward(X)
    net.backward(np.ones((8, 3)))
    net.backward(np.ones((8, 3)))


def test_needs_dx_is_left_as_the_user_set_it():
    net = make()
    net.layers["Affine2"].needs_dx = True
    net.loss_and_gradient(X, T)
    assert [name for name, layer in net.layers.items() if "needs_dx" in vars(layer)] == ["Affine2"]


def test_nothing_that_was_returned_changes_and_nothing_given_is_written_to():
    net, x = make(), X.copy()
    x.flags.writeable = False
    loss, gradients = net.loss_and_gradient(x, T)
    y = net.predict(x)
    kept = {name: value.copy() for name, value in gradients.items()}, y.copy(), loss
    net.loss_and_gradient(3.0 * x, T)
    net.predict(2.0 * x)
    for name, value in gradients.items():
        np.testing.assert_array_equal(value, kept[0][name])
    np.testing.assert_array_equal(y, kept[1])


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


def test_an_index_outside_a_table_is_named_in_a_plan():
    net = Sequential(Embedding.create(5, 3), Relu(), loss=SoftmaxWithLoss())
    x, t = np.asarray([[0, 1]]), np.asarray([[0, 1]])
    for _ in range(2):
        net.loss_and_gradient(x, t)
    with pytest.raises(xn.XpnetError, match="Embedding1: indices must be from 0 to 4, got 5"):
        net.loss_and_gradient(x + 4, t)


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


def test_predictions_in_threads_do_not_meet():
    net = make()
    expected = {rows: net.predict(X[:rows]) for rows in range(1, 9)}
    net, wrong = make(), []

    def work(first: int) -> None:
        for step in range(100):
            rows = (first + step) % 8 + 1
            try:
                if not np.array_equal(net.predict(X[:rows]), expected[rows]):
                    wrong.append(rows)
            except Exception as error:
                wrong.append(error)

    switching(work, range(6))
    assert not wrong


def test_predictions_in_a_thread_do_not_disturb_a_training():
    layers = Affine.create(6, 5), Relu(), LayerNormalization.create(5), Affine.create(5, 3)
    net, wrong, done = Sequential(*layers, loss=SoftmaxWithLoss()), [], []
    _, expected = net.loss_and_gradient(X, T)

    def work(training: bool) -> None:
        step = 0
        while len(done) < 1:
            step += 1
            if not training:
                net.predict(DRAW.random((1 + step % 40, 6)))
                continue
            net.loss_and_gradient(X[:5], T[:5])
            _, found = net.loss_and_gradient(X, T)
            wrong.extend(name for name in expected if not np.array_equal(found[name], expected[name]))
            if step == 300:
                done.append(1)

    switching(work, [True, False])
    assert not wrong


def switching(work, arguments) -> None:
    """Run a function in threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(argument,)) for argument in arguments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)


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
