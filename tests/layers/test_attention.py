"""Attention: what it may see, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet import gradient_check
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import MultiHeadAttention
from xpnet.random import Generator


def attention(causal: bool = False) -> MultiHeadAttention:
    return MultiHeadAttention.create(4, 2, causal=causal, rng=Generator(0))


def test_heads_must_divide_the_width():
    with pytest.raises(
        ArgumentError, match="MultiHeadAttention: heads must divide the width 6, got 4; choose one of 1, 2, 3, 6"
    ):
        MultiHeadAttention.create(6, 4)
    with pytest.raises(ArgumentError, match="heads must divide the width 2, got 3"):
        MultiHeadAttention(*[np.ones((2, 2))] * 4, *[np.ones(2)] * 4, heads=3)
    with pytest.raises(ArgumentError, match="heads must be a positive integer, got 0"):
        MultiHeadAttention.create(6, 0)


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"MultiHeadAttention: Wv must be \(2, 4\), got \(2, 2\)"):
        MultiHeadAttention(
            np.ones((2, 4)), np.ones((2, 4)), np.ones((2, 2)), np.ones((4, 2)), *[np.ones(4)] * 3, np.ones(2), heads=2
        )


@pytest.mark.parametrize("shape", [(2, 4), (3, 3), (3,), (2, 3, 4), (2, 3, 3, 3)])
def test_masks_of_another_shape_are_refused(backend, asarray, shape):
    with pytest.raises(ShapeError, match=r"mask must be \(2, 3\) or \(2, 3, 3\) or \(2 or 1, 2 or 1, 3 or 1, 3\), got "):
        attention()(asarray(np.ones((2, 3, 4))), asarray(np.ones(shape, dtype=bool)))


def test_masks_of_numbers_are_refused(backend, asarray):
    with pytest.raises(DtypeError, match=r"MultiHeadAttention: mask must be bool, got int(32|64); compare first"):
        attention()(asarray(np.ones((2, 3, 4))), asarray(np.ones((2, 3), dtype=np.int64)))


def test_a_sequence_without_positions_is_refused(backend, asarray):
    with pytest.raises(ShapeError, match=r"MultiHeadAttention: x must have at least one position, got \(2, 0, 4\)"):
        attention()(asarray(np.ones((2, 0, 4))))


def test_a_position_does_not_see_those_after_it(backend, asarray):
    x = np.random.default_rng(0).normal(size=(2, 5, 4))
    later = x.copy()
    later[:, 3:] += 1.0
    layer = attention(causal=True)
    y, moved = to_numpy(layer(asarray(x))), to_numpy(layer(asarray(later)))
    np.testing.assert_array_equal(y[:, :3], moved[:, :3])
    assert (y[:, 3:] != moved[:, 3:]).all()


def test_padding_behind_the_mask_changes_nothing(backend, asarray, tolerance):
    x = np.random.default_rng(0).normal(size=(1, 3, 4))
    padded = np.concatenate([x, np.full((1, 2, 4), 1e3)], axis=1)
    mask = np.asarray([[True, True, True, False, False]])
    layer = attention()
    np.testing.assert_allclose(
        to_numpy(layer(asarray(padded), asarray(mask)))[:, :3], to_numpy(layer(asarray(x))), atol=tolerance
    )


def test_scores_of_any_size_are_finite(backend, asarray):
    x = asarray(1e4 * np.random.default_rng(0).normal(size=(1, 3, 4)))
    layer = attention()
    assert np.isfinite(to_numpy(layer(x))).all()
    assert np.isfinite(to_numpy(layer.backward(1.0))).all()


def test_causal_and_masked_together_pass_the_gradient_check():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    mask = np.asarray([[False, True, True], [True, True, False]])  # the first position of the first sees nothing
    layer = attention(causal=True)
    gradient_check(layer, x, mask).raise_if_failed()
    np.testing.assert_array_equal(layer(x, mask)[0, 0], layer.bo)


def test_causal_is_a_truth_value():
    with pytest.raises(DtypeError, match="MultiHeadAttention: causal must be True or False, got 1; choose one"):
        MultiHeadAttention.create(4, 2, causal=1)
