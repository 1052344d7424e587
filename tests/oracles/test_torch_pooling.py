"""Poolings equal torch's, forward and gradient, over drawn shapes and options."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from xpnet.layers import AveragePooling, GlobalAveragePooling, MaxPooling

torch = pytest.importorskip("torch")
functional = torch.nn.functional

DTYPES = {np.float32: 1e-4, np.float64: 1e-10}


@st.composite
def drawn(draw):
    """Images, a window with its options, and how many different values the images hold."""
    pair = st.tuples(st.integers(1, 4), st.integers(1, 4))
    size, stride = draw(pair), draw(pair)
    pad = tuple(draw(st.integers(0, length // 2)) for length in size)
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    assume(all(n + 2 * p >= length for n, p, length in zip(shape[2:], pad, size, strict=True)))
    x = np.random.default_rng(draw(st.integers(0, 99))).standard_normal(shape).astype(draw(st.sampled_from([*DTYPES])))
    if draw(st.booleans()):
        x = np.maximum(np.round(x), 0.0)  # full of ties, as after a ReLU
    return x, size, stride, pad


def agree(layer, function, x) -> None:
    tolerance = DTYPES[x.dtype.type]
    y = layer(x)
    dout = np.random.default_rng(1).standard_normal(y.shape).astype(x.dtype)
    leaf = torch.tensor(x, requires_grad=True)
    expected = function(leaf)
    expected.backward(torch.tensor(dout))
    dx = layer.backward(dout)
    for found, wanted in ((y, expected.detach()), (dx, leaf.grad)):
        assert found.dtype == x.dtype
        np.testing.assert_allclose(found, wanted.numpy(), rtol=tolerance, atol=tolerance)


@given(drawn())
def test_max_pooling_also_among_equal_values(case):
    x, size, stride, pad = case
    agree(MaxPooling(*size, stride, pad), lambda x: functional.max_pool2d(x, size, stride, pad), x)


@given(drawn())
def test_average_pooling(case):
    x, size, stride, pad = case
    agree(AveragePooling(*size, stride, pad), lambda x: functional.avg_pool2d(x, size, stride, pad), x)


@given(drawn())
def test_global_average_pooling(case):
    agree(GlobalAveragePooling(), lambda x: functional.adaptive_avg_pool2d(x, 1)[:, :, 0, 0], case[0])


def test_max_pooling_of_nan_and_negative_infinity():
    x = np.asarray([[[[np.nan, 1.0, -np.inf, -np.inf], [2.0, 3.0, -np.inf, -np.inf]]]])
    agree(MaxPooling(2, 2), lambda x: functional.max_pool2d(x, 2), x)
