"""Activations: scores of any size, kinks, the error function, options that are refused."""

from __future__ import annotations

from math import erf, inf, nan, pi

import numpy as np
import pytest

import xpnet as xn
from xpnet import kernels
from xpnet.backend import array_namespace, to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.layers import (
    Elu,
    Gelu,
    Identity,
    LeakyRelu,
    LogSoftmax,
    Relu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Tanh,
)

MAKE = {
    "Identity": Identity,
    "Relu": Relu,
    "LeakyRelu": LeakyRelu,
    "Elu": Elu,
    "Sigmoid": Sigmoid,
    "Tanh": Tanh,
    "Softplus": Softplus,
    "Silu": Silu,
    "Gelu": Gelu,
    "Gelu, tanh": lambda: Gelu(approximate="tanh"),
    "Softmax": Softmax,
    "LogSoftmax": LogSoftmax,
}
FAR = np.asarray([[-1e4, -300.0, -20.0, 0.0, 20.0, 300.0, 1e4]])


@pytest.mark.parametrize("name", MAKE)
def test_scores_far_out_give_finite_outputs_and_gradients(name, asarray, defer_to_variables) -> None:
    """By the layer's own backward and through the graph of its forward, where one branch must not spoil the other."""
    layer, x = MAKE[name](), asarray(FAR)
    dout = asarray(np.ones(FAR.shape))
    y, dx = layer(x), layer.backward(dout)
    assert np.isfinite(to_numpy(y)).all()
    assert np.isfinite(to_numpy(dx)).all()
    recorded = xn.Variable(x)
    layer.forward(recorded).backward(dout)
    found, expected = to_numpy(recorded.grad), to_numpy(dx)
    smooth = FAR != 0.0
    np.testing.assert_allclose(found[smooth], expected[smooth], rtol=1e-4, atol=1e-4)


ENDS = {
    "LeakyRelu": (-100.0, 1e4, 0.01, 1.0),
    "Elu": (-1.0, 1e4, 0.0, 1.0),
    "Softplus": (0.0, 1e4, 0.0, 1.0),
    "Silu": (0.0, 1e4, 0.0, 1.0),
    "Gelu": (0.0, 1e4, 0.0, 1.0),
    "Gelu, tanh": (0.0, 1e4, 0.0, 1.0),
    "Tanh": (-1.0, 1.0, 0.0, 0.0),
}


@pytest.mark.parametrize("name", ENDS)
def test_far_out_the_limits_are_met_exactly(name, asarray) -> None:
    layer, low, high = MAKE[name](), 0, -1
    y, dx = to_numpy(layer(asarray(FAR)))[0], to_numpy(layer.backward(1.0))[0]
    expected = np.asarray(ENDS[name], dtype=y.dtype)
    np.testing.assert_array_equal([y[low], y[high], dx[low], dx[high]], expected)


def test_no_slope_leaves_infinity_as_it_is(asarray) -> None:
    layer = LeakyRelu(0.0)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(to_numpy(layer(asarray([inf, 1.0, -1.0, nan]))), [inf, 1.0, 0.0, nan])
    np.testing.assert_array_equal(to_numpy(layer.backward(1.0)), [1.0, 1.0, 0.0, 0.0])


@pytest.mark.parametrize("make", [Relu, LeakyRelu, lambda: Elu(alpha=2.0)])
def test_a_kink_is_told_from_a_mistake(make) -> None:
    x = np.asarray([[-1.0, 0.0, 2.0]])
    (row,) = xn.gradient_check(make(), x).rows
    assert (row.status, row.kinks) == ("kink", 1)


def test_elu_of_alpha_1_has_no_kink() -> None:
    (row,) = xn.gradient_check(Elu(), np.asarray([[-1.0, 0.0, 2.0]])).rows
    assert row.status == "ok"


def test_softmax_sums_to_1_and_log_softmax_is_its_logarithm(asarray, tolerance) -> None:
    x = asarray(np.random.default_rng(0).normal(size=(2, 3, 5)))
    y = to_numpy(Softmax()(x))
    np.testing.assert_allclose(np.sum(y, axis=-1), 1.0, rtol=tolerance)
    np.testing.assert_allclose(np.exp(to_numpy(LogSoftmax()(x))), y, rtol=tolerance)


# The error function


def test_erf_is_that_of_the_c_library_to_rounding(asarray, dtype) -> None:
    x = np.concatenate([np.linspace(-7.0, 7.0, 2001), 10.0 ** -np.arange(1.0, 30.0), [0.0]]).astype(dtype)
    expected = np.asarray([erf(value) for value in x])
    tolerance = {"float32": 4e-7, "float64": 1.2e-15}[dtype]
    np.testing.assert_allclose(to_numpy(kernels.erf(asarray(x))), expected, rtol=tolerance, atol=0.0)


def test_erf_is_odd_and_ends_in_1(asarray) -> None:
    x = asarray([0.3, 5.0, 1e4, inf, -0.3, -5.0, -1e4, -inf, nan])
    y = to_numpy(kernels.erf(x))
    np.testing.assert_array_equal(y[:4], -y[4:8])
    np.testing.assert_array_equal(y[2:4], [1.0, 1.0])
    assert np.isnan(y[8])


def test_erf_of_a_half_precision_number_is_the_nearest_one() -> None:
    x = np.linspace(-4.0, 4.0, 201).astype(np.float16)
    y = kernels.erf(x)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, [erf(value) for value in x], rtol=6e-4)


def test_the_recorded_derivatives_of_gelu_are_those_of_the_normal_distribution(defer_to_variables, asarray) -> None:
    """``(x Φ)' = Φ + x φ`` and ``(x Φ)'' = (2 - x²) φ``, which the reference of erf must have in itself."""
    x = asarray([-9.0, -3.0, -0.5, 0.0, 0.5, 3.0, 9.0])
    host = to_numpy(x).astype(np.float64)

    def total(f):
        return lambda x: array_namespace(x).sum(f(x))

    slopes = xn.grad(total(Gelu().forward))
    bends = xn.grad(total(slopes))
    phi = np.exp(-0.5 * host**2) / np.sqrt(2.0 * pi)
    below = np.asarray([0.5 * (1.0 + erf(value / np.sqrt(2.0))) for value in host])
    rounding = 200.0 * np.finfo(to_numpy(x).dtype).eps
    np.testing.assert_allclose(to_numpy(slopes(x)), below + host * phi, atol=rounding)
    np.testing.assert_allclose(to_numpy(bends(x)), (2.0 - host**2) * phi, atol=50.0 * rounding)


def test_the_tanh_form_of_gelu_is_close_to_the_exact_one(asarray) -> None:
    x = asarray(np.linspace(-6.0, 6.0, 501))
    difference = to_numpy(Gelu()(x)) - to_numpy(Gelu(approximate="tanh")(x))
    assert 4e-4 < np.max(np.abs(difference)) < 5e-4


# Bad input


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LeakyRelu(slope=nan), r"^LeakyRelu: slope must be a finite number, got nan; give a float"),
        (lambda: LeakyRelu(slope="0.1"), r"^LeakyRelu: slope must be a finite number, got '0.1';"),
        (lambda: LeakyRelu(True), r"^LeakyRelu: slope must be a finite number, got True;"),
        (lambda: Elu(alpha=inf), r"^Elu: alpha must be a finite number, got inf;"),
        (lambda: Elu(alpha=None), r"^Elu: alpha must be a finite number, got None;"),
        (lambda: Gelu(approximate="erf"), r"^Gelu: approximate must be \"none\" or \"tanh\", got 'erf'; choose one"),
        (lambda: Gelu(True), r"^Gelu: approximate must be \"none\" or \"tanh\", got True;"),
    ],
)
def test_options_out_of_range(make, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        make()


def test_numbers_of_numpy_are_numbers() -> None:
    for layer in (LeakyRelu(np.float32(0.25)), LeakyRelu(np.asarray(0.25)[()])):
        assert type(layer.slope) is float
        assert layer.slope == 0.25
    assert Elu(np.int64(2)).alpha == 2.0


@pytest.mark.parametrize("layer", [Softmax(), LogSoftmax()])
def test_softmax_of_no_classes(layer, asarray) -> None:
    text = rf"^{type(layer).__name__}: x must hold at least one class, got \(2, 0\); give it scores on the last axis"
    with pytest.raises(ShapeError, match=text):
        layer(asarray(np.ones((2, 0))))
    with pytest.raises(ShapeError, match=r"x must be \(\.\.\., K\), got \(\);"):
        layer(asarray(1.0))
