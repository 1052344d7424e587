"""Poolings, paddings and upsamplings equal torch's, forward and gradient, over drawn shapes and options."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from xpnet.layers import (
    AdaptiveAveragePooling,
    AdaptiveMaxPooling,
    AveragePooling,
    AveragePooling1D,
    AveragePooling3D,
    BilinearUpsampling,
    GlobalAveragePooling,
    GlobalMaxPooling,
    MaxPooling,
    MaxPooling1D,
    MaxPooling3D,
    Padding,
    PixelShuffle,
    PixelUnshuffle,
    Upsampling,
)

torch = pytest.importorskip("torch")
functional = torch.nn.functional

DTYPES = {np.float32: 1e-4, np.float64: 1e-10}


LARGEST = {1: MaxPooling1D, 2: MaxPooling, 3: MaxPooling3D}
MEANS = {1: AveragePooling1D, 2: AveragePooling, 3: AveragePooling3D}
MODES = {"linear": 1, "bilinear": 2, "trilinear": 3}


@st.composite
def images(draw, lowest: int = 1, most: int = 9):
    """Images of one to three axes."""
    axes = draw(st.integers(1, 3))
    lengths = draw(st.tuples(*[st.integers(lowest, most if axes < 3 else min(most, 4))] * axes))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *lengths)
    x = np.random.default_rng(draw(st.integers(0, 99))).standard_normal(shape).astype(draw(st.sampled_from([*DTYPES])))
    if draw(st.booleans()):
        x = np.maximum(np.round(x), 0.0)  # full of ties, as after a ReLU
    return x


@st.composite
def drawn(draw):
    """Images, and a window with its options."""
    x = draw(images())
    each = st.tuples(*[st.integers(1, 4)] * (x.ndim - 2))
    size, stride = draw(each), draw(each)
    pad = tuple(draw(st.integers(0, length // 2)) for length in size)
    assume(all(n + 2 * p >= length for n, p, length in zip(x.shape[2:], pad, size, strict=True)))
    return x, size, stride, pad, draw(st.booleans())


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
    x, size, stride, pad, up = case
    function, kind = getattr(functional, f"max_pool{len(size)}d"), LARGEST[len(size)]
    layer = kind(*(size if len(size) == 2 else (size,)), stride, pad, ceil_mode=up)
    agree(layer, lambda x: function(x, size, stride, pad, ceil_mode=up), x)


@given(drawn(), st.booleans())
def test_average_pooling(case, counts):
    x, size, stride, pad, up = case
    assume(len(size) < 3 or all(n >= length for n, length in zip(x.shape[2:], size, strict=True)))  # torch asks for it
    function, kind = getattr(functional, f"avg_pool{len(size)}d"), MEANS[len(size)]
    options = {"ceil_mode": up, "count_include_pad": counts}
    layer = kind(*(size if len(size) == 2 else (size,)), stride, pad, **options)
    agree(layer, lambda x: function(x, size, stride, pad, **options), x)


@given(images(), st.data())
def test_adaptive_pooling(x, data):
    axes = x.ndim - 2
    size = data.draw(st.tuples(*[st.integers(1, 6 if axes < 3 else 3)] * axes))
    for kind, name in ((AdaptiveAveragePooling, "avg"), (AdaptiveMaxPooling, "max")):
        function = getattr(functional, f"adaptive_{name}_pool{axes}d")
        agree(kind(size), lambda x, function=function: function(x, size), x)


@given(images())
def test_global_pooling(x):
    axes, places = x.ndim - 2, tuple(range(2, x.ndim))
    largest = getattr(functional, f"adaptive_max_pool{axes}d")
    agree(GlobalAveragePooling(), lambda x: x.mean(dim=places), x)
    agree(GlobalMaxPooling(), lambda x: largest(x, 1).reshape(x.shape[:2]), x)


@given(images(lowest=4, most=6), st.sampled_from(["zeros", "reflect", "replicate", "circular"]), st.data())
def test_padding(x, mode, data):
    pad = data.draw(st.tuples(*[st.tuples(*[st.integers(0, 3)] * 2)] * (x.ndim - 2)))
    around = [width for own in reversed(pad) for width in own]
    name = "constant" if mode == "zeros" else mode
    agree(Padding(pad, mode), lambda x: functional.pad(x, around, mode=name), x)


@given(images(most=5), st.integers(1, 3), st.booleans())
def test_upsampling(x, scale, corners):
    axes = x.ndim - 2
    agree(Upsampling(scale), lambda x: functional.interpolate(x, scale_factor=scale), x)
    mode = next(mode for mode, own in MODES.items() if own == axes)

    def interpolated(x):
        return functional.interpolate(x, scale_factor=scale, mode=mode, align_corners=corners)

    agree(BilinearUpsampling(scale, align_corners=corners), interpolated, x)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_pixel_shuffle(scale):
    x = np.random.default_rng(0).standard_normal((2, 2 * scale**2, 2, 3))
    agree(PixelShuffle(scale), lambda x: functional.pixel_shuffle(x, scale), x)
    x = np.random.default_rng(0).standard_normal((2, 2, 2 * scale, 3 * scale))
    agree(PixelUnshuffle(scale), lambda x: functional.pixel_unshuffle(x, scale), x)


def test_max_pooling_of_nan_and_negative_infinity():
    x = np.asarray([[[[np.nan, 1.0, -np.inf, -np.inf], [2.0, 3.0, -np.inf, -np.inf]]]])
    agree(MaxPooling(2, 2), lambda x: functional.max_pool2d(x, 2), x)
