"""Vectors of words: scores and gradients, and which words are near."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.layers.row_gradient import RowGradient
from xpnet.networks import CBOW, SkipGram
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator

AROUND, CANDIDATES = np.asarray([[0, 1], [3, 3]]), np.asarray([[2, 0, 4], [1, 1, 3]])


def test_scores_are_products_with_the_mean_vector_around(backend, asarray, tolerance):
    net = CBOW(5, 3, rng=Generator(0))
    net.params["Embedding2.W"] = 100.0 * net.params["Embedding2.W"]
    W, U = (to_numpy(net.params[name]).astype(np.float64) for name in ("Embedding1.W", "Embedding2.W"))
    expected = np.einsum("nkd,nd->nk", U[CANDIDATES], W[AROUND].mean(axis=1))
    scores = to_numpy(net.predict((asarray(AROUND), asarray(CANDIDATES))))
    np.testing.assert_allclose(scores, expected, rtol=100 * tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", [CBOW, SkipGram])
def test_gradients_agree_with_numerical_differentiation(kind):
    t = np.asarray([[1.0, 0.0, 0.0]] * 2)
    x = (AROUND if kind is CBOW else AROUND[:, :1], CANDIDATES)
    xn.gradient_check(kind(5, 3, rng=Generator(0)), x, t).raise_if_failed()


@pytest.mark.parametrize("kind", [CBOW, SkipGram])
def test_by_rows_a_step_changes_the_words_of_its_batch_alone(kind, backend, asarray, tolerance, defer_to_variables):
    around = AROUND if kind is CBOW else AROUND[:, :1]
    x, t = (asarray(around), asarray(CANDIDATES[:, :1])), asarray([[1.0], [0.0]])
    whole, net = kind(5, 3, rng=Generator(0)), kind(5, 3, rng=Generator(0), by_rows=True)
    for each in (whole, net):
        each.params["Embedding2.W"] = each.params["Embedding2.W"] + 0.5
    before = {name: to_numpy(W).copy() for name, W in net.params.items()}
    expected, gradients = whole.gradient(x, t), net.gradient(x, t)
    for name, found in gradients.items():
        assert isinstance(found, RowGradient)
        np.testing.assert_allclose(to_numpy(found.dense()), to_numpy(expected[name]), rtol=tolerance, atol=tolerance)
    SGD(0.1).update(net.params, gradients)
    for name, seen in (("Embedding1.W", around), ("Embedding2.W", CANDIDATES[:, :1])):
        moved = np.any(to_numpy(net.params[name]) != before[name], axis=1)
        np.testing.assert_array_equal(np.flatnonzero(moved), np.unique(seen))


def test_words_with_the_same_words_around_become_alike():
    """``a x a`` and ``b y b``, where 0 and 1 both stand between 2, and 3 and 4 between 5."""
    middle = np.asarray([0, 1, 3, 4])
    around = np.asarray([[2, 2], [2, 2], [5, 5], [5, 5]])
    candidates = np.stack([around[:, 0], np.asarray([5, 5, 2, 2])], axis=1)
    net, optimizer = SkipGram(6, 4, rng=Generator(0)), Adam(0.05)
    for _ in range(100):
        grads = net.gradient((middle[:, None], candidates), np.asarray([[1.0, 0.0]] * 4, dtype=np.float32))
        optimizer.update(net.params, grads)
    found, cosines = net.similar(0, 2)
    assert found.tolist() == [0, 1]
    assert cosines[0] == pytest.approx(1.0)
    assert cosines[1] > 0.9


def test_similar_words_by_word_and_by_vector(backend, asarray):
    net = CBOW(4, 2)
    net.params["Embedding1.W"] = asarray(np.asarray([[1.0, 0.0], [2.0, 0.1], [0.0, 0.0], [-1.0, 0.2]]))
    for query in (0, np.int64(0), asarray(np.asarray([3.0, 0.0]))):
        found, cosines = net.similar(query, 4)
        assert found.tolist() == [0, 1, 2, 3]
        np.testing.assert_allclose(cosines, [1.0, 2.0 / np.hypot(2.0, 0.1), 0.0, -1.0 / np.hypot(1.0, 0.2)], rtol=1e-6)


def test_other_words_and_counts_are_refused():
    net = CBOW(4, 2)
    for word in (-1, 4):
        with pytest.raises(ArgumentError, match=f"CBOW.similar: a word must be from 0 to 3, got {word}"):
            net.similar(word)
    with pytest.raises(ArgumentError, match="count must be a positive integer, got 0"):
        net.similar(0, 0)
    with pytest.raises(ShapeError, match=r"CBOW.similar: a vector must be \(2,\), got \(3,\)"):
        net.similar(np.ones(3))
    with pytest.raises(ArgumentError, match="SkipGram: width must be a positive integer"):
        SkipGram(4, 0)
