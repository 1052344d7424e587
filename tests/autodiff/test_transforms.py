"""grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp, stop_gradient: nesting, trees, complex conventions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import Variable, grad, hessian, hvp, jacobian, jvp, stop_gradient, value_and_grad, vjp
from xpnet.backend import array_namespace


def sum_of(x):
    return array_namespace(x).sum(x)


def test_perturbations_are_not_confused() -> None:
    assert float(grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0)) == 6.0
    assert float(grad(lambda x: x * grad(lambda y: x + y)(1.0))(3.0)) == 1.0
    assert float(grad(lambda x: grad(lambda y: (x * y) ** 2)(x))(2.0)) == pytest.approx(6 * 4)


def test_nested_in_every_place(place: Place) -> None:
    def f(x, y):
        return sum_of(x * x * y) + sum_of(y**3)

    x, y = place.asarray([1.0, 2.0]), place.asarray([3.0, 4.0])
    mixed = grad(lambda y: sum_of(grad(f)(x, y)))(y)
    np.testing.assert_allclose(place.to_numpy(mixed), [2.0, 4.0])
    mixed = grad(lambda x: sum_of(grad(f, 1)(x, y)))(x)
    np.testing.assert_allclose(place.to_numpy(mixed), [2.0, 4.0])


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_any_order(order: int) -> None:
    function = lambda x: array_namespace(x).sin(x) * 1.0  # noqa: E731
    for _ in range(order):
        function = grad(function)
    expected = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)][order % 4](0.3)
    assert float(function(np.asarray(0.3))) == pytest.approx(expected)


def test_argnums_and_keywords() -> None:
    def f(a, b, *, scale):
        return a * b * scale

    a, b = np.asarray(2.0), np.asarray(5.0)
    assert float(grad(f, 1)(a, b, scale=3.0)) == 6.0
    assert [float(g) for g in grad(f, (0, 1))(a, b, scale=3.0)] == [15.0, 6.0]
    assert float(grad(f, -1)(a, b, scale=1.0)) == 2.0
    value, gradients = value_and_grad(f, (1,))(a, b, scale=1.0)
    assert (float(value), float(gradients[0])) == (10.0, 2.0)
    assert type(value) is not Variable


class Pair(NamedTuple):
    first: object
    second: object


def test_trees_come_back_in_their_form() -> None:
    tree = {"W": np.ones((2, 2)), "rest": [np.asarray(2.0), (np.asarray(3.0), None)], "pair": Pair(1.0, np.ones(2))}

    def f(p):
        return sum_of(p["W"] * p["rest"][0]) * p["rest"][1][0] + sum_of(p["pair"].second) * p["pair"].first

    g = grad(f)(tree)
    assert g["W"].tolist() == [[6.0, 6.0], [6.0, 6.0]]
    assert float(g["rest"][0]) == 12.0
    assert float(g["rest"][1][0]) == 8.0
    assert g["rest"][1][1] is None
    assert type(g["pair"]) is Pair
    assert (float(g["pair"].first), g["pair"].second.tolist()) == (2.0, [1.0, 1.0])


def test_an_unused_leaf_of_a_tree_has_zeros() -> None:
    g = grad(lambda p: sum_of(p["a"]))({"a": np.ones(2), "b": np.ones(3)})
    assert g["b"].tolist() == [0.0, 0.0, 0.0]


def test_vjp_and_jvp_are_transposes(place: Place) -> None:
    rng = np.random.default_rng(0)
    x, y, dx, dy, dout = (rng.standard_normal((2, 3)) for _ in range(5))

    def f(x, y):
        xp = array_namespace(x)
        return xp.sin(x) * y + x @ y.T @ x

    arrays = [place.asarray(value) for value in (x, y, dx, dy, dout)]
    value, pullback = vjp(f, *arrays[:2])
    gx, gy = pullback(arrays[4])
    again, tangent = jvp(f, tuple(arrays[:2]), tuple(arrays[2:4]))
    np.testing.assert_allclose(place.to_numpy(value), place.to_numpy(again))
    left = np.sum(place.to_numpy(tangent) * dout)
    right = np.sum(place.to_numpy(gx) * dx) + np.sum(place.to_numpy(gy) * dy)
    assert left == pytest.approx(right)
    h = 1e-5
    numeric = (f(x + h * dx, y + h * dy) - f(x - h * dx, y - h * dy)) / (2 * h)
    np.testing.assert_allclose(place.to_numpy(tangent), numeric, rtol=1e-6, atol=1e-8)


def test_vjp_again_and_over_trees() -> None:
    (a, b), pullback = vjp(lambda p: (p["x"] * 2.0, {"y": p["x"] * p["x"]}), {"x": np.asarray(3.0)})
    assert float(a) == 6.0
    assert float(b["y"]) == 9.0
    for weight in (1.0, 2.0):
        (g,) = pullback((weight, {"y": 1.0}))
        assert float(g["x"]) == 2.0 * weight + 6.0
    values, tangents = jvp(
        lambda p: (p["x"] * 2.0, stop_gradient(p["x"])), ({"x": np.asarray(3.0)},), ({"x": np.asarray(1.0)},)
    )
    assert float(tangents[0]) == 2.0
    assert float(tangents[1]) == 0.0
    assert float(values[1]) == 3.0


def test_derivatives_of_a_pullback() -> None:
    def f(x):
        _, pullback = vjp(lambda y: y * y * x, x)
        return pullback(np.asarray(1.0))[0]

    assert float(f(np.asarray(3.0))) == 18.0
    assert float(grad(f)(np.asarray(3.0))) == 12.0
    assert float(grad(lambda x: jvp(lambda y: y * y * x, (x,), (np.asarray(1.0),))[1])(np.asarray(3.0))) == 12.0


def test_jacobian_and_hessian(place: Place) -> None:
    rng = np.random.default_rng(1)
    a = rng.standard_normal((3, 2))
    x = rng.standard_normal(2)
    found = jacobian(lambda x: x @ place.asarray(a.T))(place.asarray(x))
    np.testing.assert_allclose(place.to_numpy(found), a)
    cube = hessian(lambda x: sum_of(x**3) + x[0] * x[1])(place.asarray(x))
    np.testing.assert_allclose(place.to_numpy(cube), np.diag(6 * x) + 1.0 - np.eye(2), atol=1e-12)
    product = hvp(lambda x: sum_of(x**3) + x[0] * x[1], place.asarray(x), place.asarray([1.0, 2.0]))
    np.testing.assert_allclose(place.to_numpy(product), place.to_numpy(cube) @ [1.0, 2.0])


def test_jacobian_shapes_and_arguments() -> None:
    x, y = np.ones((2, 3)), np.ones(3)
    by_x, by_y = jacobian(lambda x, y: x * y, (0, 1))(x, y)
    assert by_x.shape == (2, 3, 2, 3)
    assert by_y.shape == (2, 3, 3)
    tree = jacobian(lambda p: p["x"] @ p["y"])({"x": x, "y": y})
    assert (tree["x"].shape, tree["y"].shape) == ((2, 2, 3), (2, 3))
    assert jacobian(lambda x: x[:, :0])(x).shape == (2, 0, 2, 3)


def test_hessian_blocks() -> None:
    f = lambda a, b: sum_of(a * a) * b  # noqa: E731
    (aa, ab), (ba, bb) = hessian(f, (0, 1))(np.asarray([1.0, 2.0]), np.asarray(3.0))
    np.testing.assert_allclose(aa, 6.0 * np.eye(2))
    np.testing.assert_allclose(ab, [2.0, 4.0])
    np.testing.assert_allclose(ba, [2.0, 4.0])
    assert float(bb) == 0.0


def test_second_derivatives_of_linear_functions_are_zero() -> None:
    x = np.asarray([1.0, 2.0])
    assert hessian(sum_of)(x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert hvp(sum_of, x, np.ones(2)).tolist() == [0.0, 0.0]
    assert float(grad(grad(lambda x: 3.0 * x))(2.0)) == 0.0


def test_stop_gradient() -> None:
    assert float(grad(lambda x: x * stop_gradient(x))(3.0)) == 3.0
    assert float(grad(grad(lambda x: x * x * stop_gradient(x)))(3.0)) == 6.0
    x = np.ones(2)
    assert stop_gradient({"x": x})["x"] is x


def test_transforms_leave_variables_alone() -> None:
    x = Variable(np.asarray(2.0))
    g = grad(lambda x: x * x)(x)
    assert x.grad is None
    g.backward()
    assert float(x.grad) == 2.0


def test_complex_gradients_point_uphill() -> None:
    z = np.asarray([1.0 + 2.0j, -0.5 + 0.1j])
    g = grad(lambda z: sum_of(array_namespace(z).real(z * array_namespace(z).conj(z))))(z)
    np.testing.assert_allclose(g, 2 * z)
    _, pullback = vjp(lambda z: z * z, z)
    np.testing.assert_allclose(pullback(np.asarray([1.0 + 1.0j, 2.0]))[0], np.conj(2 * z) * [1.0 + 1.0j, 2.0])
    _, tangent = jvp(lambda z: z * z, (z,), (np.asarray([1.0j, 2.0]),))
    np.testing.assert_allclose(tangent, 2 * z * [1.0j, 2.0])
    np.testing.assert_allclose(jacobian(lambda z: z * z)(z), np.diag(2 * z))
    x = Variable(z)
    array_namespace(x).imag(array_namespace(x).sum(x * 1.0j)).backward()
    np.testing.assert_allclose(x.grad, np.conj(1.0) * np.ones(2))


def test_it_may_be_compiled_by_jax() -> None:
    jax = pytest.importorskip("jax")
    f = lambda x: sum_of(array_namespace(x).tanh(x)[1:] * x[:-1] ** 2)  # noqa: E731
    x = jax.numpy.arange(4.0)
    np.testing.assert_allclose(jax.jit(grad(f))(x), jax.grad(f)(x), rtol=1e-5)
    np.testing.assert_allclose(jax.vmap(grad(f))(x[None, :])[0], jax.grad(f)(x), rtol=1e-5)


def test_threads_do_not_meet() -> None:
    def third(x: float) -> float:
        cube = grad(grad(grad(lambda x: x**4)))
        return float(cube(np.asarray(float(x))))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(third, range(1, 40))) == [24.0 * x for x in range(1, 40)]


def test_any_mapping_gives_a_dict() -> None:
    g = grad(lambda p: sum_of(p["a"] * p["a"]))(MappingProxyType({"a": np.ones(2)}))
    assert g["a"].tolist() == [2.0, 2.0]
