"""Convolutions equal torch's, forward and every gradient, over drawn shapes, axes and options."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from xpnet.layers import (
    Convolution,
    Convolution1D,
    Convolution3D,
    TransposedConvolution,
    TransposedConvolution1D,
    TransposedConvolution3D,
)

torch = pytest.importorskip("torch")
functional = torch.nn.functional

DTYPES = {np.float32: 1e-4, np.float64: 1e-10}
KINDS = {1: Convolution1D, 2: Convolution, 3: Convolution3D}
TRANSPOSED = {1: TransposedConvolution1D, 2: TransposedConvolution, 3: TransposedConvolution3D}


def each_from(axes: int, lowest: int, highest: int):
    return st.tuples(*[st.integers(lowest, highest)] * axes)


@st.composite
def drawn(draw):
    """Images, filters and options; the images may be smaller than a filter, the border wider than it."""
    axes = draw(st.sampled_from([1, 2, 2, 3]))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    C, M = (groups * draw(st.integers(1, 3)) for _ in range(2))
    size = draw(each_from(axes, 1, 4 if axes < 3 else 2))
    shape = (draw(st.integers(1, 3)), C, *draw(each_from(axes, 1, 7 if axes < 3 else 4)))
    steps = {"stride": draw(each_from(axes, 1, 3)), "dilation": draw(each_from(axes, 1, 3))}
    options = {**steps, "pad": draw(each_from(axes, 0, 5 if axes < 3 else 2)), "groups": groups}
    bias, dtype, seed = draw(st.booleans()), draw(st.sampled_from(list(DTYPES))), draw(st.integers(0, 99))
    return shape, M, size, options, bias, dtype, seed


def agree(layer, function, x, W, b, tolerance, rng, **options) -> None:
    y = layer(x)
    dout = rng.standard_normal(y.shape).astype(x.dtype)
    ours = [y, layer.backward(dout), layer.dW, *([] if b is None else [layer.db])]
    leaves = [None if array is None else torch.tensor(array, requires_grad=True) for array in (x, W, b)]
    expected = function(*leaves, **options)
    expected.backward(torch.tensor(dout))
    for found, wanted in zip(ours, [expected, *[leaf.grad for leaf in leaves if leaf is not None]], strict=True):
        wanted = wanted.detach().numpy()
        assert found.dtype == x.dtype
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * max(1.0, np.abs(wanted).max()))


def in_torch(options) -> dict:
    return {"padding" if name == "pad" else name: value for name, value in options.items()}


@given(drawn())
def test_convolution(case):
    (N, C, *lengths), M, size, options, bias, dtype, seed = case
    spans = [d * (F - 1) + 1 for d, F in zip(options["dilation"], size, strict=True)]
    assume(all(n + 2 * p >= span for n, p, span in zip(lengths, options["pad"], spans, strict=True)))
    rng = np.random.default_rng(seed)
    shapes = ((N, C, *lengths), (M, C // options["groups"], *size), (M,))
    x, W, b = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    b = b if bias else None
    axes = len(size)
    function = getattr(functional, f"conv{axes}d")
    agree(KINDS[axes](W, b, **options), function, x, W, b, DTYPES[dtype], rng, **in_torch(options))


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even")
@given(drawn())
def test_convolution_of_the_same_size(case):
    (N, C, *lengths), M, size, options, _, dtype, seed = case
    rng = np.random.default_rng(seed)
    shapes = ((N, C, *lengths), (M, C // options["groups"], *size), (M,))
    x, W, b = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    axes = len(size)
    options = {"dilation": options["dilation"], "groups": options["groups"]}
    layer = KINDS[axes](W, b, pad="same", **options)
    agree(layer, getattr(functional, f"conv{axes}d"), x, W, b, DTYPES[dtype], rng, padding="same", **options)


@given(drawn(), st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_convolution_with_a_border_on_one_side(case, border):
    (N, C, *lengths), M, size, options, _, dtype, seed = case
    axes = len(size)
    pad = tuple(zip(border[:axes], border[3 : 3 + axes], strict=True))
    spans = [d * (F - 1) + 1 for d, F in zip(options["dilation"], size, strict=True)]
    assume(all(n + sum(own) >= span for n, own, span in zip(lengths, pad, spans, strict=True)))
    rng = np.random.default_rng(seed)
    shapes = ((N, C, *lengths), (M, C // options["groups"], *size), (M,))
    x, W, b = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    around = [width for own in reversed(pad) for width in own]
    rest = {name: value for name, value in options.items() if name != "pad"}

    def bordered(x, W, b):
        return getattr(functional, f"conv{axes}d")(functional.pad(x, around), W, b, **rest)

    agree(KINDS[axes](W, b, pad=pad, **rest), bordered, x, W, b, DTYPES[dtype], rng)


@given(drawn(), st.lists(st.integers(0, 2), min_size=3, max_size=3))
def test_transposed_convolution(case, output_pad):
    (N, C, *lengths), M, size, options, bias, dtype, seed = case
    axes = len(size)
    steps = list(zip(options["stride"], options["dilation"], strict=True))
    output_pad = tuple(min(extra, max(pair) - 1) for extra, pair in zip(output_pad[:axes], steps, strict=True))
    spans = [
        s * (length - 1) + d * (F - 1) + 1 - 2 * p + extra
        for length, (s, d), F, p, extra in zip(lengths, steps, size, options["pad"], output_pad, strict=True)
    ]
    assume(min(spans) >= 1)
    rng = np.random.default_rng(seed)
    shapes = ((N, C, *lengths), (C, M // options["groups"], *size), (M,))
    x, W, b = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    b = b if bias else None
    layer = TRANSPOSED[axes](W, b, output_pad=output_pad, **options)
    told = {**in_torch(options), "output_padding": output_pad}
    agree(layer, getattr(functional, f"conv_transpose{axes}d"), x, W, b, DTYPES[dtype], rng, **told)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("x", "W", "options"),
    [
        ((2, 3, 5, 5), (4, 3, 1, 1), {}),
        ((2, 3, 5, 7), (4, 3, 5, 7), {}),
        ((1, 1, 1, 1), (1, 1, 1, 1), {"pad": 3}),
        ((2, 4, 6, 6), (8, 1, 3, 3), {"groups": 4, "pad": 1}),
        ((3, 16, 9, 9), (32, 16, 3, 3), {"stride": 2, "pad": 1}),
    ],
    ids=["1x1", "as large as the image", "one pixel", "each channel alone", "many channels"],
)
def test_convolution_at_the_edges(x, W, options, dtype):
    rng = np.random.default_rng(0)
    x, b = rng.standard_normal(x).astype(dtype), rng.standard_normal(W[0]).astype(dtype)
    W = rng.standard_normal(W).astype(dtype)
    agree(Convolution(W, b, **options), functional.conv2d, x, W, b, DTYPES[dtype], rng, **in_torch(options))


@pytest.mark.parametrize(("stride", "size"), [(1, 2), (2, 2), (2, 3), (3, 4), (3, 1)])
@pytest.mark.parametrize("length", [4, 5, 6, 7])
def test_the_same_size_as_in_tensorflow(length, size, stride):
    """``max((⌈n / s⌉ - 1) s + F - n, 0)`` zeros, of which the smaller half is before, as TensorFlow documents it."""
    zeros = max((-(-length // stride) - 1) * stride + size - length, 0)
    x, W = np.arange(1.0, length + 1)[None, None], np.random.default_rng(0).standard_normal((1, 1, size))
    around = functional.pad(torch.tensor(x), (zeros // 2, zeros - zeros // 2))
    expected = functional.conv1d(around, torch.tensor(W), stride=stride).numpy()
    layer = Convolution1D(W, stride=stride, pad="same")
    np.testing.assert_allclose(layer(x), expected)
    assert expected.shape[-1] == -(-length // stride)
    dout = np.ones(expected.shape)
    back = TransposedConvolution1D(W, stride=stride, pad="same")
    if length % stride == 0:  # its transpose leads back to the same size
        assert back(dout).shape == x.shape
        layer(x)
        np.testing.assert_allclose(back(dout), layer.backward(dout))
