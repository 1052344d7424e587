"""Beside the edge of a domain the step shrinks; where there is no value, an error says so."""

from __future__ import annotations

import math

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, to_numpy
from xpnet.errors import ArgumentError
from xpnet.gradcheck import numerical_gradient

in_float64 = pytest.mark.parametrize("dtype", ["float64"])

NEAR = {
    "log": (lambda xp, x: xp.log(x), [0.001, 1e-5, 1e-9], lambda x: 1.0 / x),
    "log at 1e-30": (lambda xp, x: xp.log(x * 1e-20), [1e-9], lambda x: 1.0 / x),
    "log2": (lambda xp, x: xp.log2(x), [0.0015], lambda x: 1.0 / (x * math.log(2.0))),
    "sqrt": (lambda xp, x: xp.sqrt(x), [1e-3, 1e-6, 4e-4], lambda x: 0.5 / np.sqrt(x)),
    "acos": (lambda xp, x: xp.acos(x), [0.9999, -0.999, 0.9999999], lambda x: -1.0 / np.sqrt((1.0 - x) * (1.0 + x))),
    "asin": (lambda xp, x: xp.asin(x), [0.999], lambda x: 1.0 / np.sqrt((1.0 - x) * (1.0 + x))),
    "atanh": (lambda xp, x: xp.atanh(x), [-0.9995, 0.99999], lambda x: 1.0 / ((1.0 - x) * (1.0 + x))),
    "acosh": (lambda xp, x: xp.acosh(x), [1.001, 1.00001], lambda x: 1.0 / np.sqrt((x - 1.0) * (x + 1.0))),
    "log1p": (lambda xp, x: xp.log1p(x), [-0.999, -0.99999], lambda x: 1.0 / (1.0 + x)),
    "pow": (lambda xp, x: x**-0.5, [0.001, 1e-6], lambda x: -0.5 * x**-1.5),
    "pow 1.5": (lambda xp, x: x**1.5, [0.001], lambda x: 1.5 * x**0.5),
}


@in_float64
@pytest.mark.parametrize("name", sorted(NEAR))
def test_right_gradients_pass_within_two_steps_of_an_edge(name: str, asarray, xp) -> None:
    function, points, derivative = NEAR[name]
    x = np.asarray(points)
    expected = derivative(x)
    found = to_numpy(numerical_gradient(lambda at: xp.sum(function(xp, at)), asarray(x)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)

    def f(at):
        xp = array_namespace(at)
        return xp.sum(function(xp, at))

    assert xn.gradient_check(f, asarray(x)).ok
    wrong = xn.gradient_check(f, asarray(x), gradient=lambda at: asarray(expected * 1.01))
    assert not wrong.ok


def test_functions_that_raise_outside_their_domain() -> None:
    np.testing.assert_allclose(
        numerical_gradient(lambda at: math.log(float(at[0])), np.asarray([1e-4])), [1e4], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda at: np.sum(at**1.5), 0.0, 0.0),
        (lambda at: np.sum(np.sqrt(at) ** 4 + 3.0 * at), 0.0, 3.0),
        (lambda at: np.sum(np.sqrt(1.0 - at) ** 2), 1.0, -1.0),
    ],
)
def test_on_the_edge_the_side_that_has_values_counts(f, x: float, expected: float) -> None:
    np.testing.assert_allclose(numerical_gradient(f, np.asarray([x, 0.25]))[0], expected, atol=1e-4)


def test_no_value_is_an_error_and_no_nan() -> None:
    with pytest.raises(ArgumentError, match="f must be finite, got nan at x; move x into its domain"):
        numerical_gradient(lambda at: np.sum(np.log(np.abs(at)) * np.nan), np.asarray([1.0]))
    with pytest.raises(
        ArgumentError, match=r"finite values and a slope on one side at least, got none beside x\[1\]; move"
    ):
        numerical_gradient(lambda at: np.sum(np.where(at == 1.0, at, np.nan)) if at[1] != 1.0 else 1.0, np.ones(2))
    with pytest.raises(ArgumentError, match="f must be finite, got -inf at x"), np.errstate(all="ignore"):
        xn.gradient_check(lambda at: np.sum(np.log(at)), np.zeros(1), gradient=lambda at: at)


@pytest.mark.parametrize("f", [np.sqrt, lambda at: at**0.3, lambda at: np.log(at)], ids=["sqrt", "pow", "log"])
def test_a_slope_without_a_limit_is_an_error(f) -> None:
    x = np.asarray([0.0 if f is np.sqrt else 1e-320, 1.0])
    with pytest.raises(ArgumentError, match=r"a slope on one side at least, got none beside x\[0\]"):
        numerical_gradient(lambda at: np.sum(f(at)), x)


@pytest.mark.parametrize("x", [1.0, 1e6, -1e6, 1e-14])
def test_steps_that_would_not_move_x_are_none(x: float) -> None:
    """Beside a number of its size a step below its last digit gives a difference of 0."""
    beside = x * (1.0 + 1e-9)
    g = numerical_gradient(lambda at: np.sum(np.sqrt((at - x) * np.sign(x))), np.asarray([beside]))
    np.testing.assert_allclose(g, 0.5 * np.sign(x) / np.sqrt(abs(beside - x)), rtol=1e-4)
