"""Tables of vectors: what they refuse, and what they do where indices cannot be read."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import Embedding, EmbeddingBag, Linear, PositionalEmbedding, PositionalEncoding
from xpnet.random import Generator


def test_floating_indices_are_refused_and_the_cast_is_named(asarray):
    with pytest.raises(
        DtypeError, match=r"Embedding: x must be integer indices, got float.*xn.asarray\(x, dtype=.int64.\)"
    ):
        Embedding(asarray(np.eye(3)))(asarray(np.ones((2, 2))))


@pytest.mark.parametrize("wrong", [-1, 3])
def test_an_index_outside_the_vocabulary_is_refused_or_gives_nan(asarray, backend, wrong):
    layer = Embedding(asarray(np.eye(3)))
    x = asarray(np.asarray([[0, wrong, 2]]))
    if backend.library.readable(x):
        with pytest.raises(ArgumentError, match=rf"Embedding: indices must be from 0 to 2, got {wrong}; give W a row"):
            layer(x)
        return
    y = to_numpy(layer(x))
    np.testing.assert_array_equal(y[0, [0, 2]], np.eye(3)[[0, 2]])
    assert np.isnan(y[0, 1]).all()


@pytest.mark.parametrize("integer", ["int8", "uint8", "int16", "uint16", "int32"])
@pytest.mark.parametrize("vocabulary", [256, 300])
def test_indices_may_be_narrower_than_the_vocabulary_is_large(asarray, integer, vocabulary):
    W = np.random.default_rng(0).normal(size=(vocabulary, 2))
    x = np.asarray([[0, 5], [127, 5]])
    layer = Embedding(asarray(W))
    np.testing.assert_array_equal(to_numpy(layer(asarray(x.astype(integer)))), to_numpy(layer(asarray(x))))
    layer.backward(1.0)
    assert {i: row[0] for i, row in enumerate(to_numpy(layer.dW)) if row.any()} == {0: 1.0, 5: 2.0, 127: 1.0}


def test_a_large_vocabulary_gathers_its_gradient_by_sorting(asarray, tolerance):
    rng = np.random.default_rng(0)
    x, dout = rng.integers(0, 1000, (6, 50)), rng.normal(size=(6, 50, 3))
    layer = Embedding(asarray(rng.normal(size=(1000, 3))))
    layer(asarray(x))
    layer.backward(asarray(dout))
    expected = np.zeros((1000, 3))
    np.add.at(expected, x, dout)
    np.testing.assert_allclose(to_numpy(layer.dW), expected, atol=10 * tolerance)


def test_a_sequence_longer_than_the_table_of_positions_is_refused():
    layer = PositionalEmbedding(np.ones((3, 2)))
    with pytest.raises(ShapeError, match="PositionalEmbedding: x must have at most 3 positions, got 4; cut it"):
        layer(np.ones((1, 4, 2)))


def test_positions_beyond_the_sequence_have_no_gradient():
    layer = PositionalEmbedding(np.ones((3, 2)))
    layer(np.ones((4, 2, 2)))
    layer.backward(1.0)
    assert layer.dW.tolist() == [[4.0, 4.0], [4.0, 4.0], [0.0, 0.0]]


def test_waves_are_exact_in_float32_far_from_the_start():
    y = PositionalEncoding()(np.zeros((1, 2000, 8), dtype=np.float32))
    exact = PositionalEncoding()(np.zeros((1, 2000, 8)))
    np.testing.assert_allclose(y, exact, atol=2e-4)


def test_created_layers_draw_from_streams_of_their_own(backend):
    rng = Generator(0)
    one, other = Embedding.create(5, 4, rng=rng), Embedding.create(5, 4, rng=rng)
    assert (to_numpy(one.W) != to_numpy(other.W)).any()
    assert one.W.dtype == backend.dtype
    assert abs(float(np.std(to_numpy(Embedding.create(100, 50, rng=rng).W))) - 0.02) < 0.001
    assert PositionalEmbedding.create(7, 4, rng=rng).W.shape == (7, 4)
    with pytest.raises(ArgumentError, match="each size must be a positive integer, got 0"):
        Embedding.create(0, 4)


def test_linear_names_the_features_it_wants():
    with pytest.raises(ShapeError, match=r"Linear: x must be \(\.\.\., 3\), got \(2, 5, 4\)"):
        Linear(np.ones((3, 2)), np.ones(2))(np.ones((2, 5, 4)))


def test_the_row_of_padding_starts_and_stays_at_0(backend):
    layer = Embedding.create(5, 4, rng=Generator(0), padding_idx=2)
    W = to_numpy(layer.W)
    assert not W[2].any()
    assert W[[0, 1, 3, 4]].any(axis=1).all()
    layer(backend.asarray(np.asarray([[2, 1]]), "int64"))
    layer.backward(1.0)
    assert np.flatnonzero(to_numpy(layer.dW).any(axis=1)).tolist() == [1]


@pytest.mark.parametrize("wrong", [{"padding_idx": 5}, {"padding_idx": -1}, {"max_norm": 0.0}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ArgumentError, match=f"Embedding: {next(iter(wrong))} must be"):
        Embedding(np.ones((5, 2)), **wrong)


def test_rows_of_bags_beyond_their_length_may_be_anything():
    x = np.asarray([[1, 2, -7], [99, 99, 99]])
    y = EmbeddingBag(np.eye(3))(x, np.asarray([2, 0]))
    np.testing.assert_allclose(y, [[0.0, 0.5, 0.5], [0.0, 0.0, 0.0]])


def test_weights_of_bags_have_a_gradient_by_the_graph():
    W, weights = np.asarray([[1.0, 2.0], [3.0, 4.0]]), xn.Variable(np.asarray([2.0, 3.0, 5.0]))
    EmbeddingBag(W, reduction="sum")(np.asarray([0, 1, 1]), np.asarray([0, 2]), weights).backward(
        np.asarray([[1.0, 0.0], [0.0, 1.0]])
    )
    assert weights.grad.tolist() == [1.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((np.zeros(3, int),), r"x must be \(N, L\), or \(T,\) with bags, got \(3,\)"),
        ((np.zeros((3, 2), int), np.zeros(2, int)), r"bags must be \(3,\), got \(2,\)"),
        ((np.zeros(3, int), np.asarray([0, 2, 1])), r"offsets must begin with 0 and not fall, got \[0, 2, 1\]"),
        ((np.zeros(3, int), np.asarray([0.0, 2.0])), "bags must be integers, got float64"),
        ((np.zeros((3, 2), int), None, np.ones(3)), r"weights must be \(3, 2\), as x, got \(3,\)"),
        (
            (np.zeros((3, 2), int), None, np.ones((3, 2))),
            'weights must belong to a sum, got a mean; write reduction="sum"',
        ),
    ],
)
def test_bags_that_do_not_fit_are_refused(arguments, says):
    with pytest.raises((ShapeError, ArgumentError, DtypeError), match=f"EmbeddingBag: {says}"):
        EmbeddingBag(np.ones((5, 2)))(*arguments)
