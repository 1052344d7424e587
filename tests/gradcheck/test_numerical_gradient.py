"""``numerical_gradient``: right on every backend, and it leaves x as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.backend import to_numpy
from xpnet.gradcheck import numerical_gradient
from xpnet.gradcheck.numerical import FOURTH, HALVED, ONE_SIDED, ONE_SIDED_HALVED, SECOND, WHOLE, weighted
from xpnet.random import Generator


@given(coefficients=st.lists(st.integers(-3, 3), min_size=2, max_size=5).filter(lambda found: any(found[1:])))
def test_gradient_of_a_polynomial(coefficients, asarray, xp, dtype) -> None:
    x = np.asarray([-1.5, 0.25, 2.0])

    def f(at):
        value = at * 0.0
        for c in reversed(coefficients):
            value = value * at + float(c)
        return xp.sum(value)

    g = numerical_gradient(f, asarray(x))
    expected = np.polynomial.Polynomial(coefficients).deriv()(x)
    np.testing.assert_allclose(to_numpy(g), expected, atol={"float32": 3e-3, "float64": 1e-10}[dtype])


def test_gradient_has_the_library_device_dtype_and_shape_of_x(asarray, xp, backend) -> None:
    for values in (np.ones((2, 3)), np.float64(2.0), np.ones((0, 2))):
        x = asarray(values)
        g = numerical_gradient(lambda at: xp.sum(at * at), x)
        assert (g.shape, g.dtype, g.device) == (x.shape, backend.dtype, x.device)
        np.testing.assert_allclose(to_numpy(g), 2.0 * values, atol=1e-2)


@pytest.mark.parametrize("weights", [FOURTH, SECOND, WHOLE, HALVED, ONE_SIDED, ONE_SIDED_HALVED])
def test_the_difference_of_equal_values_is_0(weights) -> None:
    """On every BLAS, in whatever order it adds: a cause of wrong gradients is told by the elements that are 0."""
    values = np.repeat(Generator(0).normal((99, 1), "values"), len(weights), axis=1)
    assert not weighted(values, weights).any()


def test_f_gets_copies_and_x_stays_as_it_was(asarray, xp) -> None:
    values = np.asarray([0.1, -0.2, 1e8])
    x = asarray(values)
    before = to_numpy(x).copy()
    seen = []

    def f(at):
        seen.append(at)
        return xp.sum(at)

    numerical_gradient(f, x)
    assert all(at is not x for at in seen)
    np.testing.assert_array_equal(to_numpy(x), before)


def test_x_survives_a_function_that_writes_into_its_argument() -> None:
    x = np.asarray([1.0, 2.0])

    def f(at):
        value = float(at @ at)
        at[...] = 99.0
        return value

    np.testing.assert_allclose(numerical_gradient(f, x), [2.0, 4.0], rtol=1e-10)
    assert x.tolist() == [1.0, 2.0]


def test_large_and_tiny_x_get_steps_of_their_size(asarray, xp, dtype) -> None:
    x = np.asarray([1e6, 1e-6, -1e3])
    g = to_numpy(numerical_gradient(lambda at: xp.sum(at * at * 1e-6), asarray(x)))
    np.testing.assert_allclose(g, 2e-6 * x, rtol={"float32": 2e-2, "float64": 1e-6}[dtype], atol=1e-5)


@pytest.mark.parametrize("result", [float, lambda v: v, lambda v: np.asarray([float(v)]), lambda v: np.asarray(v)])
def test_f_may_return_a_number_or_an_array_of_one(result) -> None:
    g = numerical_gradient(lambda at: result(np.sum(at * at)), np.asarray([3.0]))
    np.testing.assert_allclose(g, [6.0], rtol=1e-10)


def test_arrays_that_do_not_lie_in_order() -> None:
    for x in (np.arange(6.0).reshape(2, 3).T, np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(12.0)[::-2]):
        np.testing.assert_allclose(numerical_gradient(lambda at: np.sum(at**2), x), 2.0 * x, atol=1e-9)


def test_a_minimum_is_no_reason_for_a_warning(asarray, xp) -> None:
    assert not to_numpy(numerical_gradient(lambda at: xp.sum(at * at), asarray(np.zeros(3)))).any()


MANY = np.linspace(-3.0, 3.0, 601)  # one element is 0


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: np.sum(x * x * x), 3.0 * MANY**2),
        (lambda x: np.sum(np.abs(x + 1e-5)), np.sign(MANY + 1e-5)),  # a kink beside one element
        (lambda x: np.sum(np.sin(400.0 * x)), 400.0 * np.cos(400.0 * MANY)),  # two values are not enough
        (lambda x: np.sum(np.sqrt(x + 3.00001)), 0.5 / np.sqrt(MANY + 3.00001)),  # an edge beside the first
    ],
    ids=["smooth", "kink", "wave", "edge"],
)
def test_gradient_by_many_elements(f, slope) -> None:
    np.testing.assert_allclose(numerical_gradient(f, MANY.copy()), slope, rtol=1e-5, atol=1e-6)


def test_two_values_are_enough_for_most_elements_of_a_smooth_function() -> None:
    calls = []
    numerical_gradient(lambda x: calls.append(1) or np.sum(np.exp(x)), MANY)
    assert len(calls) < 3 * MANY.size


def test_a_function_that_keeps_its_argument_gets_an_array_of_its_own_each_time() -> None:
    kept = []
    numerical_gradient(lambda x: kept.append(x) or np.sum(x * x), np.ones(3))
    assert len({x.tobytes() for x in kept}) > 3


def test_a_function_may_write_to_its_argument() -> None:
    def squares(x):
        x *= x
        return np.sum(x)

    np.testing.assert_allclose(numerical_gradient(squares, np.asarray([1.0, 2.0])), [2.0, 4.0], atol=1e-9)
