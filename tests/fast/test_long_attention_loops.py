"""Compiled loops of long attention: equal to softmax written in NumPy, whatever the sizes leave of their squares."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("numba")

from xpnet.fast.numba import long_attention
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.heads import for_each_head, sum_over_groups


def heads_of(rng, N, heads, L, E):
    return rng.normal(size=(N, L, heads, E)).astype("float32").transpose(0, 2, 1, 3)


@pytest.mark.parametrize(
    ("heads", "groups", "L", "S", "E", "causal"),
    [(2, 1, 37, 37, 5, True), (4, 2, 21, 50, 20, False), (2, 2, 64, 64, 16, True), (1, 1, 3, 3, 33, False)],
)
def test_outputs_and_derivatives_are_those_of_softmax(heads, groups, L, S, E, causal):
    rng = np.random.default_rng(0)
    q, k, v, d = (heads_of(rng, 2, h, n, E) for h, n in ((heads, L), (groups, S), (groups, S), (heads, L)))
    layer = SimpleNamespace(causal=causal)
    scores = q.astype("float64") @ for_each_head(k, heads).mT
    if causal:
        scores += np.triu(np.full((L, S), -np.inf), 1)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    a = p @ for_each_head(v, heads)
    along = np.sum(d * a, axis=-1, keepdims=True)
    ds = p * (d @ for_each_head(v, heads).mT - along)
    expected = (ds @ for_each_head(k, heads), sum_over_groups(ds.mT @ q, groups), sum_over_groups(p.mT @ d, groups))

    found = np.empty((2, L, heads, E), "float32").transpose(0, 2, 1, 3)
    logarithms = long_attention.forward(layer, q, k, v, found)
    np.testing.assert_allclose(found, a, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(logarithms, scores.max(axis=-1) + np.log(e.sum(axis=-1)), rtol=1e-5, atol=1e-5)
    made = [np.empty((2, z.shape[2], z.shape[1], E), "float32").transpose(0, 2, 1, 3) for z in (q, k, v)]
    long_attention.backward(layer, (q, k, v), logarithms, d, along.astype("float32"), made)
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e38])
def test_values_that_make_shares_infinite_are_left_to_the_equations(which, value):
    given = [heads_of(np.random.default_rng(1), 1, 1, 20, 4) for _ in range(3)]
    given[which][0, 0, 3] = value
    with np.errstate(all="ignore"):
        found = long_attention.forward(SimpleNamespace(causal=False), *given, np.empty_like(given[0]))
    assert found is NotImplemented


def test_options_that_the_loops_do_not_know_are_left_to_others():
    x = np.zeros((1, 1, 1, 4), "float32")
    assert long_attention.suits(MultiHeadAttention.create(4, 1, causal=True, positions="rotary"), x, None)
    for options in ({"window": 3}, {"positions": "alibi"}):
        assert not long_attention.suits(MultiHeadAttention.create(4, 1, **options), x, None)
    layer = MultiHeadAttention.create(4, 1)
    assert not long_attention.suits(layer, x.astype("float64"), None)
    assert not long_attention.suits(layer, x, x)
