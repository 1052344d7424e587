"""Convolutions: what they refuse, what they make, and what they keep."""

from __future__ import annotations

import re

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, ShapeError, XpnetError
from xpnet.gradcheck import gradient_check
from xpnet.layers import Affine, Convolution, Flatten, MaxPooling, Relu, SoftmaxWithLoss, TransposedConvolution
from xpnet.networks import Sequential
from xpnet.random import Generator


def refused(kind: type[XpnetError], text: str, call) -> None:
    with pytest.raises(kind, match=text) as raised:
        call()
    assert re.match(r"(?s)[^:]+: .+, got .*; .+", str(raised.value))


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape)


WEIGHTS = zeros(4, 3, 2, 2), zeros(4)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((2, 1, 5, 5), r"^Convolution: x must be \(N, 3, H, W\), got \(2, 1, 5, 5\)"),
        ((3, 5, 5), r"^Convolution: x must be \(N, 3, H, W\), got \(3, 5, 5\); add the batch axis"),
        (
            (2, 3, 1, 5),
            r"^Convolution: x with its padding must be at least \(2, 2\), the size of the window, got \(1, 5\) from an "
            r"image of \(1, 5\); make the window smaller, or pad more",
        ),
        ((2, 3, 0, 5), r"^Convolution: x with its padding must be at least \(2, 2\), .* got \(0, 5\)"),
    ],
)
def test_images_that_do_not_fit(shape, text):
    refused(ShapeError, text, lambda: Convolution(*WEIGHTS)(zeros(*shape)))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"stride": 0}, r"^Convolution: stride must be a whole number from 1, or a pair of them, got 0"),
        ({"stride": (1, 2, 3)}, r"^Convolution: stride must be .* got \(1, 2, 3\)"),
        ({"stride": 1.0}, r"^Convolution: stride must be .* got 1.0"),
        ({"pad": -1}, r'^Convolution: pad must be "same", or a whole number from 0, or a pair of them, .* got -1'),
        ({"pad": "valid"}, r"^Convolution: pad must be .* got 'valid'"),
        ({"pad": ((1, 0), 2, 3)}, r"^Convolution: pad must be .* got \(\(1, 0\), 2, 3\)"),
        ({"pad": ((1, -1), 2)}, r"^Convolution: pad must be .* got \(\(1, -1\), 2\)"),
        ({"dilation": (1, 0)}, r"^Convolution: dilation must be .* got \(1, 0\)"),
        ({"groups": 0}, r"^Convolution: groups must be a positive integer, got 0"),
        ({"groups": 3}, r"^Convolution: groups must divide the 4 of M, W's first axis, got 3"),
    ],
)
def test_options_that_do_not_fit(options, text):
    refused(ArgumentError, text, lambda: Convolution(*WEIGHTS, **options))


def test_weights_that_do_not_fit():
    refused(ShapeError, r"^Convolution: b must be \(4,\), got \(3,\)", lambda: Convolution(WEIGHTS[0], zeros(3)))
    refused(ShapeError, r"^Convolution: W must be \(M, D, FH, FW\), got", lambda: Convolution(zeros(4, 3), zeros(4)))
    refused(ArgumentError, "the size of each filter", lambda: Convolution(zeros(4, 3, 0, 2), zeros(4)))
    refused(
        ShapeError,
        r"^TransposedConvolution: b must be \(6,\), got \(4,\)",
        lambda: TransposedConvolution(*WEIGHTS, groups=2),
    )


def test_what_a_transposed_convolution_refuses():
    weights = zeros(4, 3, 2, 2), zeros(3)
    refused(
        ShapeError,
        r"^TransposedConvolution: x must be \(N, 4, H, W\), got \(1, 3, 2, 2\)",
        lambda: TransposedConvolution(*weights)(zeros(1, 3, 2, 2)),
    )
    refused(
        ArgumentError,
        r"^TransposedConvolution: output_pad must be below stride or dilation, got 2, not below 2",
        lambda: TransposedConvolution(*weights, stride=2, output_pad=2),
    )
    refused(
        ShapeError,
        r"^TransposedConvolution: y must have at least one element, got \(0, 0\) from images of \(1, 1\); pad less",
        lambda: TransposedConvolution(*weights, pad=1)(zeros(1, 4, 1, 1)),
    )


@pytest.mark.parametrize("kind", [Convolution, TransposedConvolution])
def test_created_from_sizes(kind, backend):
    layer = kind.create(4, 6, (3, 2), stride=2, pad=1, groups=2, rng=Generator(0))
    again = kind.create(4, 6, (3, 2), stride=2, pad=1, groups=2, rng=Generator(0))
    assert layer.W.shape == ((6, 2, 3, 2) if kind is Convolution else (4, 3, 3, 2))
    assert layer.b.shape == (6,)
    assert layer.W.dtype == backend.dtype
    np.testing.assert_array_equal(to_numpy(layer.W), to_numpy(again.W))


@pytest.mark.parametrize("kind", [Convolution, TransposedConvolution])
def test_initial_filters_have_the_variance_of_their_rule(kind):
    layer = kind.create(16, 32, 5, init="he", rng=Generator(0))
    assert to_numpy(layer.W).std() == pytest.approx((2.0 / (16 * 25)) ** 0.5, rel=0.02)
    assert not to_numpy(layer.b).any()


def test_sizes_that_cannot_be_created():
    refused(ArgumentError, r"^Convolution: channels must be a positive", lambda: Convolution.create(0, 4, 3))
    refused(ArgumentError, r"^Convolution: size must be .* got 0", lambda: Convolution.create(1, 4, 0))
    refused(
        ArgumentError,
        r"^Convolution: groups must divide the 3 channels, got 2",
        lambda: Convolution.create(3, 4, 3, groups=2),
    )


def test_dx_is_spared_where_nobody_asks_for_it():
    for layer in (Convolution(*WEIGHTS), TransposedConvolution(zeros(3, 4, 2, 2), zeros(4))):
        layer.needs_dx = False
        assert layer.backward(zeros(*layer(zeros(2, 3, 4, 4)).shape)) is None
        assert layer.dW.shape == layer.W.shape


@pytest.mark.parametrize("groups", [1, 2])
def test_the_gradient_check_tries_filters_side_by_side_only_without_groups(groups):
    rng = Generator(0)
    net = Sequential(
        Convolution.create(2, 4, 2, groups=groups, rng=rng),
        Relu(),
        MaxPooling(2, 2),
        Flatten(),
        Affine.create(4, 3, rng=rng),
        loss=SoftmaxWithLoss(),
    )
    x = Generator(1).normal((2, 2, 3, 3), "x").astype(np.float32)
    gradient_check(net, x, np.asarray([0, 2])).raise_if_failed()
