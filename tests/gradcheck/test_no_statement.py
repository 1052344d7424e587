"""What no difference can judge is refused, and no size of numbers lets a wrong gradient pass."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError
from xpnet.gradcheck import numerical_gradient
from xpnet.layers import Affine, Dropout, Layer, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential

in_float64 = pytest.mark.parametrize("dtype", ["float64"])


class Noisy(Layer):
    """Multiplies by a number that is drawn anew in each call."""

    def __init__(self, seed: int, size: float) -> None:
        super().__init__()
        self.rng, self.size = np.random.default_rng(seed), size

    def forward(self, x):
        self.factor = 1.0 + self.size * float(self.rng.standard_normal())
        return x * self.factor

    def backward(self, dout):
        return dout * 7.0


@in_float64
@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-6])
@pytest.mark.parametrize("mode", ["every", "directions"])
def test_a_layer_that_is_not_deterministic_is_refused(size: float, mode: str, asarray) -> None:
    for seed in range(10):
        with pytest.raises(ArgumentError, match=r"f must give the same value for the same x, got .* and .*; seed its"):
            xn.gradient_check(Noisy(seed, size), asarray([1.0, 2.0]), mode=mode)


def test_a_function_that_is_not_deterministic_is_refused() -> None:
    rng = np.random.default_rng(0)
    for check in (
        lambda f, x: numerical_gradient(f, x),
        lambda f, x: xn.gradient_check(f, x, gradient=lambda at: 2.0 * at),
    ):
        with pytest.raises(ArgumentError, match="f must give the same value for the same x"):
            check(lambda at: np.sum(at * at) * (1.0 + 1e-3 * rng.random()), np.asarray([1.0, 2.0]))


def test_a_function_that_counts_its_calls_is_refused() -> None:
    calls = []

    def f(at):
        calls.append(1)
        return float(np.sum(at)) + (len(calls) > 4)

    with pytest.raises(ArgumentError, match="f must give the same value for the same x"):
        xn.gradient_check(f, np.asarray([1.0]), gradient=np.ones_like)


@in_float64
def test_dropout_draws_from_fixed_streams_and_is_checked(asarray) -> None:
    assert xn.gradient_check(Dropout(0.5), asarray(np.arange(12.0).reshape(3, 4) + 1.0)).ok
    rng = np.random.default_rng(0)
    net = Sequential(
        Affine(rng.standard_normal((3, 4)), np.zeros(4)),
        Dropout(0.3),
        Relu(),
        Affine(rng.standard_normal((4, 2)), np.zeros(2)),
        loss=SoftmaxWithLoss(),
    )
    x, t = rng.standard_normal((5, 3)), np.asarray([0, 1, 1, 0, 1])
    assert xn.gradient_check(net, x, t).ok
    for name, found in net.numerical_gradient(x, t).items():
        assert np.isfinite(found).all(), name


@in_float64
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e153, 1e155, 1e200, 1e300])
def test_the_size_of_a_derivative_lets_nothing_wrong_pass(scale: float, asarray) -> None:
    def f(at):
        return array_namespace(at).sum(at * scale)

    x = asarray([1.0, -2.0])
    assert xn.gradient_check(f, x).ok
    for factor in (-1.0, 0.5, 0.0, 1.001):
        report = xn.gradient_check(f, x, gradient=lambda at, factor=factor: asarray([factor * scale, factor * scale]))
        assert not report.ok, factor


def test_a_gradient_that_overflows_is_no_pass() -> None:
    with pytest.raises(ArgumentError, match="f must be finite"), np.errstate(all="ignore"):
        xn.gradient_check(lambda at: np.sum(at * 1e308) * 1e3, np.ones(2), gradient=np.ones_like)


@in_float64
@pytest.mark.parametrize("offset", [1e6, 1e9, 1e12])
@pytest.mark.parametrize("mode", ["every", "directions"])
def test_an_offset_hides_no_wrong_sign(offset: float, mode: str, asarray) -> None:
    def f(at):
        xp = array_namespace(at)
        return xp.sum(at * at) + offset

    x = asarray([1.0, -0.5, 3.0])
    assert xn.gradient_check(f, x, mode=mode).ok
    for factor in (-1.0, 0.0, 3.0):
        report = xn.gradient_check(f, x, mode=mode, gradient=lambda at, factor=factor: 2.0 * factor * at)
        assert not report.ok, factor


@in_float64
def test_an_offset_that_hides_everything_is_refused(asarray) -> None:
    def f(at):
        xp = array_namespace(at)
        return xp.sum(at) + 1e15

    for sign in (1.0, -1.0):
        with pytest.raises(
            ArgumentError, match="must differ by more than their rounding as argument 0 moves, got values"
        ):
            xn.gradient_check(f, asarray([1.0, 2.0]), gradient=lambda at, sign=sign: asarray([sign, sign]))
