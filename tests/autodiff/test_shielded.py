"""What a result does not take has the gradient 0, whatever its slope is; what it takes keeps its inf or NaN."""

from __future__ import annotations

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import Variable, elementwise, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp, vmap
from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError

X = np.asarray([0.0, 1.0, 4.0])
SQRT, LOG = np.asarray([0.0, 0.5, 0.25]), np.asarray([0.0, 1.0, 0.25])


def zeros(x):
    return array_namespace(x).zeros_like(x)


def assigned(y, key, value):
    y[key] = value
    return y


root = elementwise(lambda x: array_namespace(x).sqrt(x), lambda x: 0.5 / array_namespace(x).sqrt(x))

# function of the namespace and X, and the gradient of the sum of what it returns
SHIELDED = {
    "where": (lambda xp, x: xp.where(x > 0, xp.sqrt(x), zeros(x)), SQRT),
    "where, the other branch": (lambda xp, x: xp.where(x <= 0, zeros(x), xp.log(x)), LOG),
    "where beside another use": (lambda xp, x: xp.where(x > 0, xp.sqrt(x), zeros(x)) + 3.0 * x, SQRT + 3.0),
    "where of NaN": (lambda xp, x: xp.where(x > 0, x * xp.log(x), zeros(x)), [0.0, 1.0, 1.0 + np.log(4.0)]),
    "where behind a chain": (lambda xp, x: xp.where(x > 0, xp.exp(1.0 / x) + x**0.5, zeros(x)), None),
    "where of a broadcast": (lambda xp, x: xp.where(x > 0, xp.sqrt(x) * xp.ones_like(x)[:, None], 0.0 * x), 3.0 * SQRT),
    "where, reshaped": (lambda xp, x: xp.where((x > 0)[:, None], xp.reshape(xp.sqrt(x), (3, 1)), 0.0), SQRT),
    "where, summed": (lambda xp, x: xp.where(xp.sum(x) > 9.0, xp.sum(xp.sqrt(x)), xp.sum(x)), [1.0, 1.0, 1.0]),
    "own": (lambda xp, x: xp.where(x > 0, root(x), zeros(x)), SQRT),
    "picked": (lambda xp, x: xp.sqrt(x)[1:], SQRT),
    "picked by a key": (lambda xp, x: xp.sqrt(x)[xp.asarray([2, 1, 1], device=x.device)], [0.0, 1.0, 0.25]),
    "taken": (lambda xp, x: xp.take(xp.sqrt(x), xp.asarray([2, 1], device=x.device)), SQRT),
    "joined": (lambda xp, x: xp.concat([xp.sqrt(x), x])[1:], [1.0, 1.5, 1.25]),
    "stacked": (lambda xp, x: xp.stack([xp.sqrt(x), x])[0, 1:], SQRT),
    "assigned": (lambda xp, x: assigned(1.0 / x, (0, ...), 1.0), [0.0, -1.0, -1.0 / 16.0]),
    "masked": (lambda xp, x: assigned(1.0 / x, x == 0, 1.0), [0.0, -1.0, -1.0 / 16.0]),
    "masked squares": (lambda xp, x: assigned((zeros(x) / x - x) ** 2 + xp.log(x), x == 0, 1.0), [0.0, 3.0, 8.25]),
}


@pytest.mark.parametrize("name", SHIELDED)
@np.errstate(all="ignore")
def test_what_is_not_taken_has_no_gradient(name, place: Place) -> None:
    f, expected = SHIELDED[name]
    if expected is None:
        expected = [0.0, 0.5 - np.e, 0.25 - np.exp(0.25) / 16.0]
    total = lambda x: array_namespace(x).sum(f(array_namespace(x), x))  # noqa: E731
    np.testing.assert_allclose(place.to_numpy(grad(total)(place.asarray(X))), expected, rtol=1e-12)
    x = Variable(place.asarray(X))
    total(x).backward(check=True)
    np.testing.assert_allclose(place.to_numpy(x.grad), expected, rtol=1e-12)


@pytest.mark.parametrize("name", SHIELDED)
@np.errstate(all="ignore")
def test_all_transforms_agree(name, place: Place) -> None:
    if place.name == "jax" and name not in ("where", "taken"):
        pytest.skip("jax compiles every operation for every shape")
    f, _ = SHIELDED[name]
    x, v = place.asarray(X), place.asarray(np.asarray([1.0, -1.0, 0.5]))
    total = lambda x: array_namespace(x).sum(f(array_namespace(x), x))  # noqa: E731
    expected = place.to_numpy(grad(total)(x))
    np.testing.assert_allclose(place.to_numpy(jvp(total, (x,), (v,))[1]), expected @ [1.0, -1.0, 0.5], rtol=1e-12)
    matrices = [place.to_numpy(jacobian(lambda x: f(array_namespace(x), x), mode=mode)(x)) for mode in MODES]
    np.testing.assert_allclose(matrices[0], matrices[1], rtol=1e-12)
    np.testing.assert_allclose(np.sum(matrices[0], axis=tuple(range(matrices[0].ndim - 1))), expected, rtol=1e-12)
    if name not in ("masked", "masked squares"):  # no mask of a batch can be assigned through on every library
        batch = array_namespace(x).stack([x, x + 1.0])
        np.testing.assert_allclose(place.to_numpy(vmap(grad(total))(batch))[0], expected, rtol=1e-12)


MODES = ("reverse", "forward")


@np.errstate(all="ignore")
def test_second_derivatives_behind_where(place: Place) -> None:
    def f(x):
        xp = array_namespace(x)
        return xp.sum(xp.where(x > 0, xp.sqrt(x) * x, x * x))

    x, expected = place.asarray(X), np.diag([2.0, 0.75, 0.375])
    np.testing.assert_allclose(place.to_numpy(hessian(f)(x)), expected)
    np.testing.assert_allclose(place.to_numpy(hvp(f, x, place.asarray(np.ones(3)))), np.diag(expected))
    for mode in MODES:
        np.testing.assert_allclose(place.to_numpy(jacobian(grad(f), mode=mode)(x)), expected)
        np.testing.assert_allclose(place.to_numpy(jacobian(jacobian(f, mode="forward"), mode=mode)(x)), expected)


@np.errstate(all="ignore")
def test_where_a_first_derivative_is_finite(place: Place) -> None:
    def f(x):  # the slope of x√x is 0 where it is not taken, that of the slope is infinite
        xp = array_namespace(x)
        return xp.sum(xp.where(x > 0, x**1.5, zeros(x)))

    x, expected = place.asarray(X), np.asarray([0.0, 0.75, 0.375])
    gradient = lambda x: array_namespace(x).sum(grad(f)(x))  # noqa: E731
    np.testing.assert_allclose(place.to_numpy(grad(gradient)(x)), expected)
    np.testing.assert_allclose(place.to_numpy(hessian(f)(x)), np.diag(expected))


@np.errstate(all="ignore")
def test_what_a_result_takes_nothing_of(place: Place) -> None:
    def f(x):
        xp = array_namespace(x)
        return xp.where(xp.sum(x) > 9.0, xp.max(xp.mean(1.0 / x) * xp.log(x)), 2.0 * xp.sum(x))

    np.testing.assert_allclose(place.to_numpy(grad(f)(place.asarray(X))), [2.0, 2.0, 2.0])


def test_compiled_by_jax_it_is_the_same() -> None:
    jax = pytest.importorskip("jax")
    f, expected = SHIELDED["where of NaN"]
    total = lambda x: array_namespace(x).sum(f(array_namespace(x), x))  # noqa: E731
    np.testing.assert_allclose(jax.jit(grad(total))(jax.numpy.asarray(X)), expected, rtol=1e-5)


def test_a_graph_gives_memory_of_its_own(place: Place) -> None:
    def f(x, y):
        xp = array_namespace(x)
        return xp.sum(xp.where(x > 0, xp.sqrt(x), zeros(x))) + xp.sum(x + y)

    with np.errstate(all="ignore"):
        dx, dy = grad(f, (0, 1))(place.asarray(X), place.asarray(X))
    np.testing.assert_allclose(place.to_numpy(dx), SQRT + 1.0)
    if place.name not in ("jax", "array-api-strict"):
        dy += dx
        np.testing.assert_allclose(place.to_numpy(dx), SQRT + 1.0)


@np.errstate(all="ignore")
def test_what_is_taken_keeps_its_infinity(place: Place) -> None:
    def f(x):
        xp = array_namespace(x)
        return xp.sum(xp.where(x < 3.0, xp.sqrt(x), x))

    np.testing.assert_allclose(place.to_numpy(grad(f)(place.asarray(X))), [np.inf, 0.5, 1.0])
    square = lambda x: array_namespace(x).sum(array_namespace(x).sqrt(x[:2]) ** 2)  # noqa: E731
    assert np.isnan(place.to_numpy(grad(square)(place.asarray(X)))[0])  # 0 · ∞, which might be 1


@np.errstate(all="ignore")
def test_check_names_what_is_taken(place: Place) -> None:
    def f(x):
        xp = array_namespace(x)
        return xp.sum(xp.where(x > 0, xp.log(x), zeros(x))) + xp.sum(xp.sqrt(x) ** 2)

    with pytest.raises(ArgumentError, match="from sqrt"):
        value_and_grad(f, check=True)(place.asarray(X))


@np.errstate(all="ignore")
def test_several_results(place: Place) -> None:
    def f(x):
        xp = array_namespace(x)
        return xp.where(x > 0, xp.log(x), zeros(x)), 2.0 * x

    _, pullback = vjp(f, place.asarray(X))
    (d,) = pullback((place.asarray(np.ones(3)), place.asarray(np.ones(3))))
    np.testing.assert_allclose(place.to_numpy(d), LOG + 2.0)


@np.errstate(all="ignore")
def test_powers_that_overflow_do_not_change_with_their_exponent(place: Place) -> None:
    def f(n):
        xp = array_namespace(n)
        base = place.asarray(np.asarray([2.0, 1e200, np.inf]))
        return xp.sum(1.0 / base**n)

    np.testing.assert_allclose(place.to_numpy(grad(f)(place.asarray(np.asarray(3.0)))), -np.log(2.0) / 8.0)
