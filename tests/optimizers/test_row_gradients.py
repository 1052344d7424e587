"""The gradient of a table by its rows: an optimizer updates these and leaves the others as they are."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.layers import Embedding, EmbeddingBag, NegativeSamplingLoss, SampledSoftmaxLoss
from xpnet.layers.row_gradient import RowGradient
from xpnet.networks import Network, Sequential
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Lion, Momentum, Optimizer, clip_by_norm, clip_by_value
from xpnet.random import Generator
from xpnet.training import Trainer

V, X, T = 7, np.asarray([[0, 2, 2], [5, 0, 5]]), np.asarray([3, 5])
BY_VALUE = (SGD(0.1, 0.01), Momentum(0.1), AdaGrad(0.1), Adam(0.1, weight_decay=0.1), AdamW(0.1), Lion(0.1))


def gradient_of(asarray, rows: bool, x=X, table=None):
    layer = Embedding(asarray(np.ones((V, 2)) if table is None else table), by_rows=rows)
    layer(asarray(x))
    layer.backward(asarray(np.arange(2.0 * x.size).reshape(*x.shape, 2)))
    return layer.dW


def test_rows_are_different_and_hold_the_sums(asarray, tolerance):
    found = gradient_of(asarray, rows=True)
    rows = to_numpy(found.rows)
    assert [row for row in rows.tolist() if row < V] == [0, 2, 5]
    assert not to_numpy(found.values)[rows == V].any()
    np.testing.assert_allclose(to_numpy(found.dense()), to_numpy(gradient_of(asarray, rows=False)), rtol=tolerance)


@pytest.mark.parametrize("optimizer", BY_VALUE, ids=lambda optimizer: type(optimizer).__name__)
def test_a_step_is_the_formula_on_the_rows_of_the_gradient_alone(optimizer, asarray, tolerance):
    optimizer = type(optimizer)(**{name: getattr(optimizer, name) for name in optimizer.options})
    start = np.random.default_rng(0).normal(size=(V, 2))
    layer = Embedding(xn.asarray(start.copy()), by_rows=True)
    whole, slots = start.copy(), [np.zeros_like(start) for _ in optimizer.slots]
    for x in (X, np.asarray([[2, 6]])):
        dW, rows = gradient_of(asarray, rows=True, x=x), sorted(set(x.flat))
        count = optimizer.steps + 1
        numbers = optimizer.numbers(count, **{name: getattr(optimizer, name) for name in optimizer.options})
        taken = [array[rows] for array in (whole, to_numpy(dW.dense()).astype(float), *slots)]
        found = optimizer.step(*taken, *numbers)
        optimizer.update(layer.params, {"W": dW})
        for array, new in zip((whole, *slots), found if slots else (found,), strict=True):
            array[rows] = new
    np.testing.assert_allclose(to_numpy(layer.W), whole, rtol=20 * tolerance, atol=20 * tolerance)
    for name, slot in zip(optimizer.slots, slots, strict=True):
        np.testing.assert_allclose(to_numpy(optimizer.state[f"W.{name}"]), slot, rtol=20 * tolerance)


class Skips(Network):
    """A graph of its own, in which one table is looked up twice."""

    def forward(self, x):
        table = self.layers["Embedding1"]
        return table(x[:, 0]) * table(x[:, 1])


@pytest.mark.parametrize("kind", [Sequential, Skips])
@pytest.mark.parametrize("loss", [NegativeSamplingLoss, SampledSoftmaxLoss])
def test_a_network_s_gradient_of_rows_is_its_gradient(kind, loss, asarray, tolerance, where):
    if kind is Skips and where.library == "array-api-strict":
        pytest.skip("its operators do not leave Variables to the reflected ones")

    def gradient(rows: bool):
        rng = Generator(0)
        make = Embedding if kind is Skips else EmbeddingBag
        layers = {f"{'Embedding' if kind is Skips else 'Bag'}1": make.create(V, 3, rng=rng, by_rows=rows)}
        net = kind(layers, loss=loss.create(V, 3, negatives=2, rng=rng, init=1.0, by_rows=rows))
        return net.gradient(asarray(X), asarray(T))

    found, expected = gradient(rows=True), gradient(rows=False)
    assert list(found) == list(expected)
    for name, dW in found.items():
        assert isinstance(dW, RowGradient)
        np.testing.assert_allclose(to_numpy(dW.dense()), to_numpy(expected[name]), rtol=tolerance, atol=tolerance)
    for clip in (clip_by_norm, clip_by_value):
        for name, dW in clip(found, 0.01).items():
            exact = to_numpy(clip(expected, 0.01)[name])
            np.testing.assert_allclose(to_numpy(dW.dense()), exact, rtol=20 * tolerance, atol=tolerance)


def test_they_add_up_with_gradients_of_either_kind(asarray, tolerance):
    one, other = gradient_of(asarray, rows=True), gradient_of(asarray, rows=True, x=np.asarray([[6, 2]]))
    both = to_numpy(one.dense()) + to_numpy(other.dense())
    assert isinstance(one + other, RowGradient)
    for found in (one + other, one + other.dense()):
        array = found.dense() if isinstance(found, RowGradient) else found
        np.testing.assert_allclose(to_numpy(array), both, rtol=tolerance)
    np.testing.assert_allclose(to_numpy((2.0 * one / 4.0).dense()), 0.5 * to_numpy(one.dense()), rtol=tolerance)


def test_transforms_give_arrays():
    layer = Embedding(np.ones((V, 2)), by_rows=True)

    def f(W):
        with layer.using({"W": W}):
            return (layer(X) ** 2.0).sum()

    assert xn.grad(f)(layer.W).tolist() == (2.0 * np.bincount(X.flat, minlength=V)[:, None] * [[1.0, 1.0]]).tolist()


def test_no_work_on_numpy_grows_with_the_table(monkeypatch):
    rng = Generator(0)
    loss = NegativeSamplingLoss.create(50_000, 4, rng=rng, by_rows=True)
    net = Sequential(EmbeddingBag.create(50_000, 4, rng=rng, by_rows=True), loss=loss)
    optimizer = Adam()
    optimizer.update(net.params, net.gradient(X, T))
    sizes = []
    for name in ("zeros", "zeros_like", "where", "bincount", "sqrt"):
        function = getattr(np, name)
        measured = lambda *a, function=function, **k: (y := function(*a, **k), sizes.append(np.size(y)))[0]  # noqa: E731
        monkeypatch.setattr(np, name, measured)
    before = net.params["loss.W"], net.params["EmbeddingBag1.W"]
    optimizer.update(net.params, net.gradient(X, T))
    assert max(sizes) < 1000
    assert net.params["loss.W"] is before[0]
    assert net.params["EmbeddingBag1.W"] is before[1]


def test_a_step_of_whole_arrays_refuses_rows():
    class Whole(Optimizer):
        def __init__(self) -> None:
            super().__init__(lr=0.1)

        def step(self, W, dW, lr):
            return W - lr * dW / np.linalg.norm(dW)

    layer = Embedding(np.ones((V, 2)), by_rows=True)
    must = (
        r"Whole: the gradient of W must be an array, not one of rows, got a step of whole arrays; make .*by_rows=False"
    )
    with pytest.raises(ArgumentError, match=must):
        Whole().update(layer.params, {"W": gradient_of(np.asarray, rows=True)})


def test_a_trainer_sums_clips_and_saves_with_them(tmp_path):
    def trained(rows: bool, **options):
        rng = Generator(0)
        net = Sequential(
            EmbeddingBag.create(V, 3, rng=rng, by_rows=rows),
            loss=NegativeSamplingLoss.create(V, 3, negatives=2, rng=rng, init=1.0, by_rows=rows),
        )
        x = np.random.default_rng(0).integers(0, V, (8, 3))
        Trainer(net, SGD(0.1), (x, x[:, 0]), batch_size=2, **options).fit(2)
        return net

    for options in ({}, {"accumulate": 2, "clip_norm": 0.5}):
        found, expected = trained(True, **options), trained(False, **options)
        for name, W in found.params.items():
            np.testing.assert_allclose(W, expected.params[name], rtol=1e-5, atol=1e-6)
    xn.save(tmp_path / "net.safetensors", found)
    expected.params["loss.W"][...] = 0.0
    xn.load(tmp_path / "net.safetensors", expected)
    assert (expected.params["loss.W"] == found.params["loss.W"]).all()
    assert expected.states["loss.step"] == found.states["loss.step"] == 8
    again = xn.load_network(tmp_path / "net.safetensors")
    assert again.loss(X, T, predict=True) == found.loss(X, T, predict=True)
