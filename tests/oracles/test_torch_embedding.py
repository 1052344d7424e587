"""Tables and bags of vectors agree with torch, over options and inputs that hypothesis draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.layers import Embedding, EmbeddingBag

torch = pytest.importorskip("torch")
V, D = 5, 3


def compare(found, layer, y, W):
    dout = np.random.default_rng(1).normal(size=y.shape)
    y.backward(torch.asarray(dout))
    np.testing.assert_allclose(found, y.detach().numpy(), atol=1e-12)
    layer.backward(dout)
    np.testing.assert_allclose(layer.dW, W.grad.numpy(), atol=1e-12)


@given(st.lists(st.integers(0, V - 1), min_size=1, max_size=8), st.none() | st.integers(0, V - 1))
def test_embedding(x, padding):
    host = np.random.default_rng(0).normal(size=(V, D))
    if padding is not None:
        host[padding] = 0.0
    layer, W = Embedding(host, padding_idx=padding), torch.tensor(host, requires_grad=True)
    compare(layer(np.asarray(x)), layer, torch.nn.functional.embedding(torch.asarray(x), W, padding_idx=padding), W)


def test_rows_beyond_the_norm_are_looked_up_shortened():
    host, x = np.random.default_rng(0).normal(size=(V, D)), np.asarray([0, 3, 3])
    expected = torch.nn.functional.embedding(torch.asarray(x), torch.tensor(host), max_norm=0.9)
    np.testing.assert_allclose(Embedding(host, max_norm=0.9)(x), expected.numpy(), rtol=1e-6)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=4),
    st.sampled_from(["mean", "sum"]),
    st.none() | st.integers(0, V - 1),
    st.booleans(),
)
def test_bags_by_offsets(lengths, reduction, padding, weighted):
    rng = np.random.default_rng(sum(lengths))
    host, x = rng.normal(size=(V, D)), rng.integers(0, V, sum(lengths))
    offsets = np.cumsum([0, *lengths[:-1]])
    weights = rng.normal(size=x.shape) if weighted and reduction == "sum" else None
    layer, W = EmbeddingBag(host, reduction, padding_idx=padding), torch.tensor(host, requires_grad=True)
    y = torch.nn.functional.embedding_bag(
        torch.asarray(x),
        W,
        torch.asarray(offsets),
        mode=reduction,
        padding_idx=padding,
        per_sample_weights=None if weights is None else torch.asarray(weights),
    )
    compare(layer(x, offsets, weights), layer, y, W)
