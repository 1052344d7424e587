"""Attention: what it may see, and what it refuses."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet import gradient_check
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import CrossAttention, IdentityWithLoss, MultiHeadAttention
from xpnet.networks import Sequential
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
    with pytest.raises(
        ShapeError, match=r"mask must be \(2, 3\) or \(2, 3, 3\) or \(2 or 1, 2 or 1, 3 or 1, 3\), got "
    ):
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


def test_options_that_mean_nothing_are_refused():
    cases = (
        ({"kv_heads": 3}, "kv_heads must divide the 2 heads, got 3; choose one of 1, 2"),
        ({"kv_heads": 0}, "kv_heads must be a positive integer, got 0"),
        ({"window": 0}, "window must be a positive integer, got 0"),
        ({"positions": "sines"}, "positions must be None, 'rotary' or 'alibi', got 'sines'; None leaves"),
    )
    for options, text in cases:
        with pytest.raises(ArgumentError, match=f"MultiHeadAttention: {text}"):
            MultiHeadAttention.create(4, 2, **options)
    with pytest.raises(ArgumentError, match="rotary positions must have pairs of columns, an even width for each head"):
        MultiHeadAttention.create(6, 2, positions="rotary")
    with pytest.raises(DtypeError, match="bias must be True or False, got 0"):
        CrossAttention.create(4, 2, bias=0)
    with pytest.raises(ShapeError, match="Wk must have 2 columns, 2 for each of the 1 heads of keys"):
        MultiHeadAttention(*[np.ones((4, 4))] * 4, heads=2, kv_heads=1)


@pytest.mark.parametrize(
    ("name", "shape", "text"),
    [
        ("mask", (2, 4), r"CrossAttention: mask must be \(N, 3\), got \(2, 4\)"),
        ("memory_mask", (2, 3), r"memory_mask must be \(2, 4\) or \(2, 3, 4\) or .*, got \(2, 3\)"),
    ],
)
def test_masks_of_another_sequence_are_refused(name, shape, text):
    layer = CrossAttention.create(4, 2, memory_width=3)
    x, memory = np.ones((2, 3, 4), "float32"), np.ones((2, 4, 3), "float32")
    with pytest.raises(ShapeError, match=text):
        layer(x, memory, **{name: np.ones(shape, dtype=bool)})
    with pytest.raises(ShapeError, match="CrossAttention: memory must be"):
        layer(x, memory[:1])


def test_biases_that_are_left_out_are_no_parameters(tmp_path):
    layer = MultiHeadAttention.create(4, 2, kv_heads=1, bias=False, rng=Generator(0))
    assert list(layer.params) == ["Wq", "Wk", "Wv", "Wo"]
    arrays = [normal(name, *shape) for name, shape in zip("qkvo", [(4, 4), (4, 4), (4, 4), (4, 4)], strict=True)]
    some = MultiHeadAttention(*arrays, bv=normal("bv", 4), heads=2)
    assert list(some.params) == ["Wq", "Wk", "Wv", "Wo", "bv"]
    assert "bv (4,), heads=2" in repr(some)
    gradient_check(some, normal("x", 1, 3, 4)).raise_if_failed()
    net = Sequential(some, loss=IdentityWithLoss())
    xn.save(tmp_path / "net.safetensors", net)
    x = normal("x", 1, 3, 4)
    again = xn.load_network(tmp_path / "net.safetensors")
    np.testing.assert_allclose(again.predict(x), net.predict(x), rtol=1e-6)
    np.testing.assert_array_equal(copy.deepcopy(net).predict(x), net.predict(x))


def test_a_window_ends_what_a_position_sees(backend, asarray):
    x = np.random.default_rng(0).normal(size=(1, 6, 4))
    changed = x.copy()
    changed[:, 1] += 1.0
    layer = MultiHeadAttention.create(4, 2, causal=True, window=3, rng=Generator(0))
    moved = np.any(to_numpy(layer(asarray(x))) != to_numpy(layer(asarray(changed))), axis=(0, 2))
    assert moved.tolist() == [False, True, True, True, False, False]


def test_scores_of_rotary_positions_depend_on_distances_alone(backend, asarray, tolerance):
    """Shifted by padding that is masked, the same sequence gives the same."""
    x = np.random.default_rng(0).normal(size=(1, 3, 4))
    layer = MultiHeadAttention.create(4, 1, positions="rotary", rng=Generator(0))
    shifted = asarray(np.concatenate([np.ones((1, 2, 4)), x], axis=1))
    y = to_numpy(layer(shifted, asarray(np.asarray([[False, False, True, True, True]]))))[:, 2:]
    np.testing.assert_allclose(y, to_numpy(layer(asarray(x))), atol=10 * tolerance)
    turned_around = to_numpy(layer(asarray(x[:, ::-1])))[:, ::-1]
    assert not np.allclose(turned_around, to_numpy(layer(asarray(x))), atol=1e-3)
