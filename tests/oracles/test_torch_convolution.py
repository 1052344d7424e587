"""Convolutions equal torch's, forward and every gradient, over drawn shapes and options."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from xpnet.layers import Convolution, TransposedConvolution

torch = pytest.importorskip("torch")
functional = torch.nn.functional

DTYPES = {np.float32: 1e-4, np.float64: 1e-10}
pairs_from = lambda lowest, highest: st.tuples(*[st.integers(lowest, highest)] * 2)  # noqa: E731


@st.composite
def drawn(draw):
    """Images, filters and options; the images may be smaller than a filter, the border wider than it."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    C, M = (groups * draw(st.integers(1, 3)) for _ in range(2))
    size = draw(pairs_from(1, 4))
    shape = (draw(st.integers(1, 3)), C, *draw(pairs_from(1, 7)))
    options = {"stride": draw(pairs_from(1, 3)), "pad": draw(pairs_from(0, 5)), "dilation": draw(pairs_from(1, 3))}
    return shape, M, size, {**options, "groups": groups}, draw(st.sampled_from(list(DTYPES))), draw(st.integers(0, 99))


def agree(layer, function, x, W, b, tolerance, rng, **options) -> None:
    y = layer(x)
    dout = rng.standard_normal(y.shape).astype(x.dtype)
    ours = [y, layer.backward(dout), layer.dW, layer.db]
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, W, b)]
    expected = function(*leaves, **options)
    expected.backward(torch.tensor(dout))
    for found, wanted in zip(ours, [expected, *[leaf.grad for leaf in leaves]], strict=True):
        wanted = wanted.detach().numpy()
        assert found.dtype == x.dtype
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * max(1.0, np.abs(wanted).max()))


@given(drawn())
def test_convolution(case):
    (N, C, H, width), M, (FH, FW), options, dtype, seed = case
    (ph, pw), (dh, dw) = options["pad"], options["dilation"]
    assume(H + 2 * ph > dh * (FH - 1) and width + 2 * pw > dw * (FW - 1))
    rng = np.random.default_rng(seed)
    shapes = ((N, C, H, width), (M, C // options["groups"], FH, FW), (M,))
    x, W, b = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    torch_s = {"padding" if name == "pad" else name: value for name, value in options.items()}
    agree(Convolution(W, b, **options), functional.conv2d, x, W, b, DTYPES[dtype], rng, **torch_s)


@given(drawn(), pairs_from(0, 2))
def test_transposed_convolution(case, output_pad):
    (N, C, H, width), M, (FH, FW), options, dtype, seed = case
    steps = list(zip(options["stride"], options["dilation"], strict=True))
    output_pad = tuple(min(extra, max(pair) - 1) for extra, pair in zip(output_pad, steps, strict=True))
    spans = [
        s * (length - 1) + d * (F - 1) + 1 - 2 * p + extra
        for length, (s, d), F, p, extra in zip((H, width), steps, (FH, FW), options["pad"], output_pad, strict=True)
    ]
    assume(min(spans) >= 1)
    rng = np.random.default_rng(seed)
    shapes = ((N, C, H, width), (C, M // options["groups"], FH, FW), (M,))
    x, W, b = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    layer = TransposedConvolution(W, b, output_pad=output_pad, **options)
    torch_s = {"padding" if name == "pad" else name: value for name, value in options.items()}
    torch_s["output_padding"] = output_pad
    agree(layer, functional.conv_transpose2d, x, W, b, DTYPES[dtype], rng, **torch_s)


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
    torch_s = {"padding" if name == "pad" else name: value for name, value in options.items()}
    agree(Convolution(W, b, **options), functional.conv2d, x, W, b, DTYPES[dtype], rng, **torch_s)
