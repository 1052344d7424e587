"""Derivatives of one's own, checked by differences; and functions that are computed twice, or over a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiff_checks import Place, slope

import xpnet as xn
from xpnet.autodiff import Variable
from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, DerivativeError, DtypeError, GradientError, ShapeError, StateError

X = np.asarray([0.3, -0.7, 1.2])


@xn.custom_vjp
def scaled_sine(x: Any, a: Any) -> Any:
    """``a sin x`` with its own derivative; the kept arrays are bare."""
    xp = array_namespace(x)
    return a * xp.sin(x), (xp.cos(x), xp.sin(x), a)


@scaled_sine.backward
def _(kept: Any, dout: Any) -> Any:
    cos, sin, a = kept
    return dout * a * cos, array_namespace(dout).sum(dout * sin)


def total(x: Any, a: Any) -> Any:
    return array_namespace(x).sum(scaled_sine(x, a) ** 2)


def test_a_derivative_of_ones_own(place: Place) -> None:
    x, a = place.asarray(X), place.asarray(np.asarray(1.5))
    dx, da = xn.grad(total, (0, 1))(x, a)
    np.testing.assert_allclose(place.to_numpy(dx), 2.0 * 1.5**2 * np.sin(X) * np.cos(X), rtol=1e-12)
    np.testing.assert_allclose(place.to_numpy(da), 2.0 * 1.5 * np.sum(np.sin(X) ** 2), rtol=1e-12)
    np.testing.assert_allclose(place.to_numpy(scaled_sine(x, a)), 1.5 * np.sin(X), rtol=1e-12)


def test_its_second_derivative_and_jvp() -> None:
    v = np.asarray([1.0, -0.5, 0.25])
    found = xn.hvp(lambda x: total(x, np.asarray(1.5)), X, v)
    np.testing.assert_allclose(found, 2.0 * 1.5**2 * np.cos(2.0 * X) * v, rtol=1e-12)
    value, move = xn.jvp(lambda x: scaled_sine(x, np.asarray(1.5)), (X,), (v,))
    np.testing.assert_allclose(move, 1.5 * np.cos(X) * v, rtol=1e-12)
    np.testing.assert_allclose(value, 1.5 * np.sin(X), rtol=1e-12)


def test_the_checker_finds_a_wrong_one() -> None:
    wrong = xn.custom_vjp(lambda x: (x * x, x), lambda x, dout: dout * x)
    right = xn.custom_vjp(lambda x: (x * x, x), lambda x, dout: 2.0 * dout * x)
    with xn.use_backend("numpy", dtype="float64"):
        xn.gradient_check(lambda x: array_namespace(x).sum(right(x)), X).raise_if_failed()
        with pytest.raises(GradientError):
            xn.gradient_check(lambda x: array_namespace(x).sum(wrong(x)), X).raise_if_failed()


def test_several_results() -> None:
    @xn.custom_vjp
    def both(x: Any) -> Any:
        return (x * x, x * 3.0), x

    both.backward(lambda x, dout: 2.0 * x * dout[0] + 3.0 * dout[1])
    found = xn.grad(lambda x: array_namespace(x).sum(both(x)[0] * both(x)[1]))(X)
    np.testing.assert_allclose(found, 9.0 * X**2, rtol=1e-12)
    np.testing.assert_allclose(xn.grad(lambda x: array_namespace(x).sum(both(x)[1]))(X), 3.0 * np.ones(3))


def test_what_lies_outside_of_the_library_joins_the_graph() -> None:
    """A function that only takes arrays of NumPy, with the derivative that it has."""
    points, heights = np.linspace(-1.0, 2.0, 7), np.linspace(-1.0, 2.0, 7) ** 2

    def run(x: Any) -> Any:
        assert type(x) is np.ndarray
        return np.interp(x, points, heights), x

    lines = xn.custom_vjp(run, lambda x, dout: dout * np.gradient(heights, points)[np.searchsorted(points, x)])
    assert lines(Variable(X)).shape == (3,)
    with pytest.raises((TypeError, AssertionError)):  # not its second: forward takes no Variables
        xn.hessian(lambda x: array_namespace(x).sum(lines(x)))(X)


@pytest.mark.parametrize(
    ("backward", "error", "text"),
    [
        (lambda x, dout: None, DerivativeError, "None for argument 0; return it"),
        (lambda x, dout: dout[:2], ShapeError, r"argument 0 must have its shape, \(3,\), got \(2,\)"),
        (lambda x, dout: (dout, dout), ArgumentError, "for each of the 1 arguments, got 2"),
        (None, DerivativeError, "it must have a backward, got none"),
    ],
)
def test_what_backward_must_return(backward: Any, error: type[Exception], text: str) -> None:
    f = xn.custom_vjp(lambda x: (x * x, x), backward)
    with pytest.raises(error, match=text):
        xn.grad(lambda x: array_namespace(x).sum(f(x)))(X)


def test_forward_must_return_two() -> None:
    with pytest.raises(ArgumentError, match="return the value, and whatever backward needs, got ndarray"):
        xn.custom_vjp(lambda x: x * x)(X)


def test_elementwise(place: Place) -> None:
    square = xn.elementwise(lambda x, y: x * x * y, lambda x, y: 2.0 * x * y, lambda x, y: x * x)
    y = place.asarray(np.asarray([[2.0], [3.0]]))

    def cube(x: Any, y: Any) -> Any:
        return array_namespace(x).sum(square(x, y) * x)

    dx, dy = xn.grad(cube, (0, 1))(place.asarray(X), y)
    np.testing.assert_allclose(place.to_numpy(dx), 15.0 * X**2, rtol=1e-12)
    np.testing.assert_allclose(place.to_numpy(dy), np.full((2, 1), np.sum(X**3)), rtol=1e-12)
    again = xn.grad(lambda x: array_namespace(x).sum(xn.grad(cube)(x, y)))(place.asarray(X))
    np.testing.assert_allclose(place.to_numpy(again), 30.0 * X, rtol=1e-12)


def test_elementwise_by_a_constant_alone() -> None:
    power = xn.elementwise(lambda x, n: x**n, lambda x, n: n * x ** (n - 1.0), None)
    assert xn.grad(lambda x: power(x, 3.0))(2.0) == 12.0
    with pytest.raises(DerivativeError, match="None for argument 1"):
        xn.grad(lambda n: power(2.0, n))(3.0)
    with pytest.raises(ArgumentError, match="a derivative for each of the 1 arguments, got 2"):
        power(2.0)


def test_a_function_of_the_host(place: Place) -> None:
    def sine(x: Any) -> Any:
        assert type(x) is np.ndarray
        return np.sin(x)

    x = place.asarray(X)
    np.testing.assert_allclose(place.to_numpy(xn.pure_callback(sine, x)), np.sin(X))
    with pytest.raises(DerivativeError, match=r"pure_callback: .* got sine; call it in the forward of a custom_vjp"):
        xn.grad(lambda x: array_namespace(x).sum(xn.pure_callback(sine, x)))(x)
    f = xn.custom_vjp(lambda x: (xn.pure_callback(sine, x), x), lambda x, dout: dout * array_namespace(x).cos(x))
    np.testing.assert_allclose(place.to_numpy(xn.grad(lambda x: array_namespace(x).sum(f(x)))(x)), np.cos(X))


def test_constants(place: Place) -> None:
    tree = xn.constant({"a": place.asarray(X), "n": 2.0})
    assert type(tree["a"]) is Variable
    assert array_namespace(tree["a"], place.asarray(X)) is array_namespace(tree["a"])
    with pytest.raises(StateError, match="a constant"):
        xn.grad(lambda x: array_namespace(tree["a"]).sum(tree["a"]))(place.asarray(X))
    with pytest.raises(DtypeError, match="must be an array or a number, got str"):
        xn.constant("a")


def test_checkpoint_keeps_the_gradient_and_computes_again(place: Place) -> None:
    calls = []

    def long(params: Any, x: Any) -> Any:
        calls.append(1)
        xp = array_namespace(x, params["w"])
        for _ in range(3):
            x = xp.tanh(x * params["w"])
        return x, x * x

    def loss(f: Any, params: Any, x: Any) -> Any:
        a, b = f(params, x)
        return array_namespace(a).sum(a * b)

    params, x = {"w": place.asarray(X)}, place.asarray(X + 0.5)
    expected = xn.grad(lambda params, x: loss(long, params, x), (0, 1))(params, x)
    calls.clear()
    found = xn.grad(lambda params, x: loss(xn.checkpoint(long), params, x), (0, 1))(params, x)
    assert len(calls) == 2
    np.testing.assert_allclose(place.to_numpy(found[0]["w"]), place.to_numpy(expected[0]["w"]), rtol=1e-12)
    np.testing.assert_allclose(place.to_numpy(found[1]), place.to_numpy(expected[1]), rtol=1e-12)


def test_second_derivatives_through_a_checkpoint() -> None:
    f = xn.checkpoint(lambda x: array_namespace(x).sum(x**3))
    np.testing.assert_allclose(xn.hessian(f)(X), np.diag(6.0 * X), rtol=1e-12, atol=1e-12)
    moved = xn.jvp(f, (X,), (np.ones(3),))[1]
    assert float(moved) == pytest.approx(slope(lambda x: np.sum(x**3), [X], [np.ones(3)], 1e-3))


def test_checkpoint_refuses_what_is_no_argument() -> None:
    def loss(w: Any) -> Any:
        return array_namespace(w).sum(xn.checkpoint(lambda x: x * w)(w * 2.0))

    with pytest.raises(StateError, match="all Variables must be arguments"):
        xn.grad(loss)(X)


def spread(x: Any, a: Any) -> Any:
    xp = array_namespace(x)
    return xp.concat([xp.sin(x) * a, xp.exp(x)[:2] * x[1], x[:1] * 0.0 + 2.0])


def test_jacobians_in_forward_mode(place: Place) -> None:
    x, a = place.asarray(X), place.asarray(np.asarray(1.5))
    found = xn.jacobian(spread, (0, 1), mode="forward")(x, a)
    expected = xn.jacobian(spread, (0, 1))(x, a)
    for d, e in zip(found, expected, strict=True):
        assert tuple(d.shape) == tuple(e.shape)
        np.testing.assert_allclose(place.to_numpy(d), place.to_numpy(e), rtol=1e-12, atol=1e-14)


def test_forward_mode_nests_and_refuses_complex_numbers() -> None:
    second = xn.jacobian(xn.jacobian(lambda x: array_namespace(x).sum(x**3), mode="forward"), mode="forward")(X)
    np.testing.assert_allclose(second, np.diag(6.0 * X), rtol=1e-12, atol=1e-12)
    with pytest.raises(DtypeError, match="numbers must be real in forward mode"):
        xn.jacobian(lambda x: x * x, mode="forward")(X + 1j)
    with pytest.raises(ArgumentError, match="mode must be 'reverse' or 'forward', got 'both'"):
        xn.jacobian(spread, mode="both")


def test_tree_map() -> None:
    assert xn.tree_map(lambda a, b: a + b, {"a": 1.0, "b": [2.0]}, {"a": 3.0, "b": [4.0]}) == {"a": 4.0, "b": [6.0]}


def test_vmap_is_the_function_over_a_batch(place: Place) -> None:
    A = np.arange(6.0).reshape(2, 3)
    f = xn.vmap(lambda a, x: array_namespace(a).sum(a * x), (0, None))
    np.testing.assert_allclose(place.to_numpy(f(place.asarray(A), place.asarray(X))), A @ X)
    per_row = xn.vmap(xn.grad(lambda a: array_namespace(a).sum(a**3)))(place.asarray(A))
    np.testing.assert_allclose(place.to_numpy(per_row), 3.0 * A**2)
    with pytest.raises(ShapeError, match=r"the same size, got \[2, 3\]"):
        xn.vmap(lambda a, x: a)(place.asarray(A), place.asarray(X))
