"""SAM and Lookahead around other optimizers: their papers' steps, state, copies and refusals."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from by_the_book import gradients, host
from named_numbers import normal

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError
from xpnet.layers import Affine, BatchNormalization, Dropout, Embedding, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SAM, SGD, Adam, Lookahead, Momentum, global_norm
from xpnet.random import Generator
from xpnet.training import Trainer
from xpnet.training.updates import loss_and_gradient


def network(*between) -> Sequential:
    rng = Generator(0)
    return Sequential(Affine.create(4, 3, rng=rng), *between, Affine.create(3, 3, rng=rng), loss=SoftmaxWithLoss())


@pytest.fixture
def data(asarray):
    return asarray(normal("x", 6, 4)), asarray([0, 1, 2, 2, 1, 0])


def test_slow_weights_follow_every_third_step(params, asarray, tolerance) -> None:
    W, slow, v = (to_numpy(params["W"]).copy() for _ in range(3))
    v = np.zeros_like(W)
    optimizer = Lookahead(Momentum(0.1, weight_decay=0.2), every=3, share=0.25)
    for step in range(1, 8):
        grads = gradients(asarray, step)
        optimizer.update(params, grads)
        v = 0.9 * v + to_numpy(grads["W"]) + 0.2 * W
        W = W - 0.1 * v
        if step % 3 == 0:
            slow = slow + 0.25 * (W - slow)
            W = slow
        np.testing.assert_allclose(to_numpy(params["W"]), W, rtol=20 * tolerance, atol=20 * tolerance)
        np.testing.assert_allclose(to_numpy(optimizer.state["W.slow"]), slow, rtol=20 * tolerance, atol=20 * tolerance)


def test_sam_descends_by_the_gradient_uphill(data, tolerance) -> None:
    net, (x, t) = network(), data
    before = host(net.params)
    grads = net.gradient(x, t)
    norm = float(to_numpy(global_norm(grads)))
    uphill = {name: W + 0.5 * grads[name] / norm for name, W in net.params.items()}
    with net.using(uphill):
        expected = host(net.gradient(x, t))
    optimizer = SAM(SGD(0.1), radius=0.5)
    loss, found = optimizer.loss_and_gradient(net, x, t)
    np.testing.assert_allclose(to_numpy(loss), to_numpy(net.loss(x, t)), rtol=10 * tolerance)
    optimizer.update(net.params, found)
    for name, W in net.params.items():
        np.testing.assert_allclose(to_numpy(found[name]), expected[name], rtol=1e-3, atol=10 * tolerance)
        np.testing.assert_allclose(to_numpy(W), before[name] - 0.1 * expected[name], rtol=1e-3, atol=10 * tolerance)


def test_both_gradients_of_sam_are_of_one_step(data) -> None:
    """Running means move once, and the second gradient has the masks of dropout of the first."""
    once, twice = (network(BatchNormalization.create(3), Dropout(0.5, rng=Generator(1))) for _ in range(2))
    _, grads = once.loss_and_gradient(*data)
    SAM(SGD(0.1), radius=1e-6).loss_and_gradient(twice, *data)
    for name, dW in twice.grads.items():
        np.testing.assert_allclose(to_numpy(dW), to_numpy(grads[name]), rtol=1e-3, atol=1e-4)
    assert twice.states["Dropout1.step"] == once.states["Dropout1.step"]
    for name, value in once.states.items():
        np.testing.assert_allclose(to_numpy(twice.states[name]), to_numpy(value), rtol=1e-4, atol=1e-6)


def test_no_value_is_read_on_the_host(data, no_host_sync) -> None:
    net, optimizer = network(), SAM(Lookahead(Adam(0.1), every=2))
    with no_host_sync():
        for _ in range(2):
            _, grads = optimizer.loss_and_gradient(net, *data)
            optimizer.update(net.params, grads)


def test_a_trainer_takes_two_gradients_where_sam_asks_for_them() -> None:
    x, t = normal("x", 6, 4), np.asarray([0, 1, 2, 2, 1, 0])
    nets = network().astype("float64"), network().astype("float64")
    optimizer = SAM(Momentum(0.1), radius=0.3)
    Trainer(nets[0], SAM(Momentum(0.1), radius=0.3), (x, t), batch_size=6, shuffle=False).fit(3)
    for _ in range(3):
        _, grads = optimizer.loss_and_gradient(nets[1], x, t)
        optimizer.update(nets[1].params, grads)
    for name, W in nets[0].params.items():
        np.testing.assert_allclose(W, nets[1].params[name], rtol=1e-12)


@pytest.mark.parametrize(
    "make", [lambda: SAM(Momentum(0.1)), lambda: Lookahead(Momentum(0.1), every=2), lambda: SAM(Lookahead(Adam(0.1)))]
)
def test_wrappers_are_copied_pickled_and_go_on_from_their_state(make) -> None:
    params, optimizer = {"W": normal("W", 3, 2)}, make()
    for step in range(3):
        optimizer.update(params, {"W": normal(f"g{step}", 3, 2)})
    other = make()
    other.state = optimizer.state
    for twin in (other, copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        mine, its = {"W": params["W"].copy()}, {"W": params["W"].copy()}
        copy.deepcopy(optimizer).update(mine, {"W": normal("g", 3, 2)})
        twin.update(its, {"W": normal("g", 3, 2)})
        np.testing.assert_array_equal(mine["W"], its["W"])


def test_options_of_the_inner_are_those_of_the_wrapper() -> None:
    params, optimizer = {"W": np.ones(2), "b": np.ones(2)}, SAM(SGD(0.5, groups={"b": None}))
    optimizer.lr = 0.25
    optimizer.update(params, {"W": np.ones(2), "b": np.ones(2)})
    assert params["W"].tolist() == [0.75, 0.75]
    assert params["b"].tolist() == [1.0, 1.0]
    assert repr(optimizer) == "SAM(SGD(lr=0.25, weight_decay=0, groups={'b': None}), radius=0.05)"
    assert repr(Lookahead(SGD(0.5))) == "Lookahead(SGD(lr=0.5, weight_decay=0), every=5, share=0.5)"


def of_rows(by_rows: bool) -> Sequential:
    rng = Generator(0)
    table = Embedding.create(5, 3, rng=rng, by_rows=by_rows)
    return Sequential(table, Affine.create(3, 3, rng=rng), loss=SoftmaxWithLoss())


def test_the_way_uphill_of_rows_is_that_of_the_whole_table(asarray, tolerance) -> None:
    x, t, params = asarray(np.asarray([0, 2, 2])), asarray(np.asarray([1, 2, 0])), []
    for by_rows in (True, False):
        net, optimizer = of_rows(by_rows), SAM(SGD(0.5), radius=0.5)
        optimizer.update(net.params, loss_and_gradient(optimizer, net, x, t)[1])
        params.append([to_numpy(array) for array in net.params.values()])
    for found, expected in zip(*params, strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", [lambda inner: SAM(Lookahead(inner)), Lookahead], ids=["SAM", "Lookahead"])
def test_gradients_of_rows_are_refused(kind) -> None:
    """A slow weight concerns the rows that a batch leaves out, too."""
    net, x, t, optimizer = of_rows(by_rows=True), np.asarray([0, 2]), np.asarray([1, 2]), kind(SGD(0.1))
    with pytest.raises(ArgumentError, match=r"Embedding1.W must be an array, not one of rows, got a step"):
        optimizer.update(net.params, loss_and_gradient(optimizer, net, x, t)[1])


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: SAM(SGD), DtypeError, "SAM: inner must be an Optimizer, got SGD; give an instance"),
        (lambda: Lookahead(3), DtypeError, "Lookahead: inner must be an Optimizer, got int; give an instance"),
        (lambda: SAM(SGD(), radius=0.0), ArgumentError, "SAM: radius must be above 0 and finite, got 0.0"),
        (lambda: Lookahead(SGD(), every=0), ArgumentError, "Lookahead: every must be a positive integer, got 0"),
        (lambda: Lookahead(SGD(), share=1.5), ArgumentError, "Lookahead: share must be above 0 and at most 1, got 1.5"),
        (lambda: Lookahead(SAM(SGD())), ArgumentError, r"inner must be an optimizer of one gradient .*SAM\(Lookahead"),
    ],
)
def test_wrappers_of_nothing_and_options_out_of_range_are_refused(make, error, text) -> None:
    with pytest.raises(error, match=text):
        make()
