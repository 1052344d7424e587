"""Poolings: names, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.layers import AveragePooling, GlobalAveragePooling, MaxPooling, Pooling

WITH_WINDOW = pytest.mark.parametrize("kind", [MaxPooling, AveragePooling])


def test_the_book_s_name_is_the_same_layer():
    assert Pooling is MaxPooling


def test_a_tie_goes_to_the_first_of_equals(asarray):
    layer = MaxPooling(2, 2)
    layer(asarray(np.ones((1, 1, 2, 2))))
    np.testing.assert_array_equal(to_numpy(layer.backward(3.0)), [[[[3.0, 0.0], [0.0, 0.0]]]])


def test_windows_of_many_cells_are_told_apart():
    x = np.zeros((1, 1, 20, 20))
    x[0, 0, 17, 3] = 1.0
    layer = MaxPooling(20, 20)
    assert layer(x).item() == 1.0
    np.testing.assert_array_equal(layer.backward(1.0), x)


@WITH_WINDOW
def test_images_smaller_than_the_window(kind):
    text = rf"^{kind.__name__}: x with its padding must be at least \(2, 3\), the size of the window, got \(1, 9\)"
    with pytest.raises(ShapeError, match=text):
        kind(2, 3)(np.zeros((1, 1, 1, 9)))


@WITH_WINDOW
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, 2), "pool_h must be a positive integer, got 0"),
        ((2, 2.0), "pool_w must be a positive integer, got 2.0"),
        (((2, 2), 2), r"pool_h must be a positive integer, got \(2, 2\)"),
        ((2, 2, 0), "stride must be a whole number from 1, or a pair of them, got 0"),
        ((2, 2, 2, -1), 'pad must be "same", or a whole number from 0'),
        ((3, 2, 1, 2), r"pad must be at most half of the window, \(3, 2\), got \(2, 2\); pad less"),
    ],
)
def test_options_that_do_not_fit(kind, arguments, text):
    with pytest.raises(ArgumentError, match=f"^{kind.__name__}: {text}"):
        kind(*arguments)


def test_images_without_elements_have_no_mean():
    with pytest.raises(ShapeError, match=r"^GlobalAveragePooling: images must have elements, got \(2, 3, 0, 4\)"):
        GlobalAveragePooling()(np.zeros((2, 3, 0, 4)))
