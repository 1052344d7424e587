"""Tables of vectors: what they refuse, and what they do where indices cannot be read."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import Embedding, Linear, PositionalEmbedding, PositionalEncoding
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
