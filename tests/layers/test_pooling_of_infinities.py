"""Max pooling where values are infinite or NaN: which cell of a window wins, and what comes back."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpnet.backend import array_namespace, to_numpy
from xpnet.kernels.windows import Window
from xpnet.layers import MaxPooling

WHOLE = -np.inf, np.nan, np.inf, -1.0, 0.0, 2.0


def winners(x: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """The largest value of each window and its place in the image: the first of equals, the last NaN, no border."""
    (FH, FW), (sh, sw), ((ph, _), (pw, _)), _ = window
    OH, OW = window.places(x.shape)
    y, place = np.zeros((*x.shape[:2], OH, OW)), np.zeros((*x.shape[:2], OH, OW), dtype=np.int64)
    for n, c, i, j in np.ndindex(y.shape):
        best = None
        for k, m in np.ndindex(FH, FW):
            h, w = sh * i + k - ph, sw * j + m - pw
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                value = x[n, c, h, w]
                if best is None or value > best or np.isnan(value):
                    best, place[n, c, i, j] = value, h * x.shape[3] + w
        y[n, c, i, j] = best
    return y, place


def handed_back(dout: np.ndarray, place: np.ndarray, x: np.ndarray) -> np.ndarray:
    dx = np.zeros((*x.shape[:2], x.shape[2] * x.shape[3]))
    for n, c, i, j in np.ndindex(dout.shape):
        dx[n, c, place[n, c, i, j]] += dout[n, c, i, j]
    return dx.reshape(x.shape)


@settings(max_examples=15)
@given(data=st.data())
def test_a_gradient_goes_to_a_cell_of_the_image(data, asarray):
    size = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    pad = tuple(data.draw(st.integers(0, length // 2)) for length in size)
    stride = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    shape = (2, 2, *(length + data.draw(st.integers(0, 3)) for length in size))
    values = data.draw(st.lists(st.sampled_from(WHOLE), min_size=prod(shape), max_size=prod(shape)))
    x = np.reshape(values, shape)
    layer = MaxPooling(*size, stride, pad)
    found = layer(asarray(x))
    y, place = winners(x, layer.window)
    np.testing.assert_array_equal(to_numpy(found), y)
    dout = np.arange(1.0, y.size + 1.0).reshape(y.shape)
    np.testing.assert_array_equal(to_numpy(layer.backward(asarray(dout))), handed_back(dout, place, x))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_an_infinite_dout_reaches_the_cell_that_won_and_no_other(value, asarray):
    layer = MaxPooling(2, 2)
    layer(asarray(np.arange(16.0).reshape(1, 1, 4, 4)))
    dx = to_numpy(layer.backward(asarray([[[[1.0, value], [2.0, 3.0]]]])))
    expected = np.zeros((4, 4))
    expected[1::2, 1::2] = [[1.0, value], [2.0, 3.0]]
    np.testing.assert_array_equal(dx[0, 0], expected)


def test_graph_and_layer_agree_about_windows_of_minus_infinity(asarray):
    x = asarray(np.full((1, 1, 2, 2), -np.inf))
    layer = MaxPooling(3, 3, 1, 1)
    assert array_namespace(x).all(layer(x) == float("-inf"))
    assert to_numpy(layer.backward(1.0)).tolist() == [[[[4.0, 0.0], [0.0, 0.0]]]]
