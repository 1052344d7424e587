"""Losses that draw words: which they draw, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import Embedding, NegativeSamplingLoss, SampledSoftmaxLoss
from xpnet.layers.sampled_loss import Words
from xpnet.networks import Sequential
from xpnet.random import Generator, part_of_a_batch

KINDS = (NegativeSamplingLoss, SampledSoftmaxLoss)
X, T = np.random.default_rng(0).normal(size=(6, 3)), np.asarray([0, 4, 1, 1, 3, 4])


def test_words_are_drawn_as_often_as_a_power_of_their_frequency_says():
    frequencies = np.asarray([1.0, 0.0, 16.0, 81.0, 0.0])
    drawn = Words("loss", frequencies, 0.75, 5).drawn((20_000, 2), Generator(0), "words", 0, 0)
    shares = np.bincount(drawn.reshape(-1), minlength=5) / 40_000
    np.testing.assert_allclose(shares, [1 / 36, 0, 8 / 36, 27 / 36, 0], atol=0.01)
    assert not shares[[1, 4]].any()


def test_a_part_of_a_batch_draws_its_part_of_the_words():
    words = Words("loss", None, 1.0, 50)
    whole = words.drawn((6, 5), Generator(0), "words", 2, 0)

    def loss():
        return NegativeSamplingLoss(np.random.default_rng(0).normal(size=(50, 3)), negatives=4, rng=Generator(0))

    all_of_it, parts = loss(), []
    all_of_it(X, T)
    for rows in (slice(0, 2), slice(2, 6)):
        part = loss()
        with part_of_a_batch(rows.start, rows.stop - rows.start):
            part(X[rows], T[rows])
        parts.append(part.v.reshape(-1, 5))
    assert (np.concatenate(parts) == all_of_it.v.reshape(-1, 5)).all()
    assert whole.shape == (6, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_draws_words_of_its_own_and_prediction_counts_none(kind):
    loss = kind(np.random.default_rng(0).normal(size=(50, 3)), rng=Generator(0))
    first, second = loss(X, T), loss(X, T)
    assert first != second
    assert loss.step == 2
    loss.predict(X, T)
    assert loss.step == 2
    loss.step = 0
    assert loss(X, T) == first


def test_the_mean_of_sampled_gradients_nears_that_of_the_softmax():
    W = np.random.default_rng(1).normal(size=(5, 3))
    loss = SampledSoftmaxLoss(W, (4.0, 1.0, 2.0, 1.0, 3.0), negatives=200, power=1.0, rng=Generator(0))
    found = []
    for _ in range(20):
        loss(X, T)
        found.append(loss.backward())
    z = X @ W.T
    y = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.mean(found, axis=0), (y - np.eye(5)[T]) @ W / 6.0, atol=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_sequences_and_single_ones_are_the_same_rows(kind, asarray, tolerance):
    W = np.random.default_rng(0).normal(size=(5, 3))
    found = []
    for shape in ((6,), (2, 3)):
        loss = kind(asarray(W), negatives=2, rng=Generator(0))
        y = loss(asarray(X.reshape(*shape, 3)), asarray(T.reshape(shape)))
        found.append([to_numpy(y), to_numpy(loss.backward()).reshape(6, 3), to_numpy(loss.dW)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    one = kind(asarray(W), negatives=2, rng=Generator(0))
    assert one(asarray(X[0]), asarray(np.asarray(3))).shape == ()
    assert one.backward().shape == (3,)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_is_named(kind):
    loss, who = kind(np.ones((5, 3)), negatives=2), kind.__name__
    with pytest.raises(ArgumentError, match=f"{who}: labels must be from 0 to 4, got 5"):
        loss(X, T + 1)
    with pytest.raises(DtypeError, match=f"{who}: t must be class indices, got float64; cast it"):
        loss(X, T * 1.0)
    with pytest.raises(ShapeError, match=rf"{who}: integer t must be \(6,\), got \(2,\)"):
        loss(X, T[:2])
    with pytest.raises(ShapeError, match=rf"{who}: frequencies must be \(5,\), got \(2,\)"):
        kind(np.ones((5, 3)), (1.0, 2.0))
    for frequencies in ((0.0,) * 5, (1.0, -1.0, 1.0, 1.0, 1.0)):
        with pytest.raises(ArgumentError, match="frequencies must be finite, not negative and not all 0"):
            kind(np.ones((5, 3)), frequencies)
    with pytest.raises(ArgumentError, match="negatives must be a positive integer, got 0"):
        kind(np.ones((5, 3)), negatives=0)
    with pytest.raises(ArgumentError, match="power must be at least 0 and finite, got -1"):
        kind(np.ones((5, 3)), power=-1)


def test_the_table_of_a_loss_is_one_of_the_arrays_of_its_network():
    rng = Generator(0)
    layers = Embedding.create(5, 3, rng=rng), NegativeSamplingLoss.create(5, 3, rng=rng, init=1.0)
    net = Sequential(layers[0], loss=layers[1])
    assert list(net.params) == list(net.gradient(T, T)) == ["Embedding1.W", "loss.W"]
    assert list(net.states) == ["loss.step"]
    xn.gradient_check(net, T, T).raise_if_failed()
    assert net.astype("float64").params["loss.W"].dtype == "float64"
    assert net.params["loss.W"].dtype == "float32"
    assert "loss        NegativeSamplingLoss  W (5, 3)" in net.summary()
    with pytest.raises(ArgumentError, match="accuracy must be that of a score for each class"):
        net.accuracy(T, T)
    exact = net.gradient(T, T)["loss.W"]
    net.states["loss.step"] -= 1
    low = net.compute_in("float16").gradient(T, T)["loss.W"]
    np.testing.assert_allclose(low, exact, atol=1e-3)
    layers[1].freeze()
    assert list(net.gradient(T, T)) == ["Embedding1.W"]


def test_a_capture_refuses_words_that_are_drawn_on_the_host(cupy):
    net = Sequential(Embedding.create(5, 3), loss=NegativeSamplingLoss.create(5, 3))
    t = xn.asarray(T, dtype="int64")

    @xn.capture
    def step(x, t):
        return net.loss_and_gradient(x, t)[0]

    step(t, t)
    with pytest.raises(RuntimeError, match="capture: words must be drawn on the device, got NegativeSamplingLoss"):
        step(t, t)
