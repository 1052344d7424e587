"""Transforms of functions that change their arguments: the derivative is by what they were given."""

from __future__ import annotations

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import Variable, grad, hessian, hvp, jacobian, jvp, stop_gradient, value_and_grad, vjp
from xpnet.backend import array_namespace


def total(x):
    return array_namespace(x).sum(x)


def before_use(x):
    x[1] = 5.0
    return x * x


def after_use(x):
    y = x * x
    x[1] = 5.0
    return y


def between_uses(x):
    y = x * x
    x[1] = 5.0
    return y + x


def by_itself(x):
    x[1] = x[0] * x[2]
    return x * x


def twice(x):
    x[1] = 5.0
    x[0] = x[1] * x[2]
    return x * x


def by_mask(x):
    x[x > 2.0] = 5.0
    return x * x


def through_another_name(x):
    y = x
    y[1] = 5.0
    return x * x


def in_place(x):
    x *= x
    x[1] = 5.0
    return x


POINT = np.asarray([1.0, 2.0, 3.0])
SLOPES = {  # of each function, its Jacobian at (1, 2, 3)
    before_use: [[2, 0, 0], [0, 0, 0], [0, 0, 6]],
    after_use: [[2, 0, 0], [0, 4, 0], [0, 0, 6]],
    between_uses: [[3, 0, 0], [0, 4, 0], [0, 0, 7]],
    by_itself: [[2, 0, 0], [18, 0, 6], [0, 0, 6]],
    twice: [[0, 0, 150], [0, 0, 0], [0, 0, 6]],
    by_mask: [[2, 0, 0], [0, 4, 0], [0, 0, 0]],
    through_another_name: [[2, 0, 0], [0, 0, 0], [0, 0, 6]],
    in_place: [[2, 0, 0], [0, 0, 0], [0, 0, 6]],
}


@pytest.mark.parametrize("f", SLOPES, ids=lambda f: f.__name__)
def test_a_function_that_changes_its_argument(f, place: Place) -> None:
    J, x, v = np.asarray(SLOPES[f], dtype=float), place.asarray(POINT), place.asarray([1.0, -2.0, 0.5])
    found = {
        "grad": (grad(lambda x: total(f(x)))(x), J.sum(axis=0)),
        "value_and_grad": (value_and_grad(lambda x: total(f(x)))(x)[1], J.sum(axis=0)),
        "vjp": (vjp(f, x)[1](v)[0], place.to_numpy(v) @ J),
        "jvp": (jvp(f, (x,), (v,))[1], J @ place.to_numpy(v)),
        "jacobian": (jacobian(f)(x), J),
    }
    for name, (got, expected) in found.items():
        np.testing.assert_allclose(place.to_numpy(got), expected, err_msg=name)
    np.testing.assert_array_equal(place.to_numpy(x), POINT)


def test_second_derivatives_of_a_function_that_changes_its_argument() -> None:
    def f(x):
        y = x**3
        x[1] = x[0] * x[2]
        return total(x * y)  # x0⁴ + x0 x1³ x2 + x2⁴

    x0, x1, x2 = POINT
    H = [
        [12 * x0**2, 3 * x1**2 * x2, x1**3],
        [3 * x1**2 * x2, 6 * x0 * x1 * x2, 3 * x0 * x1**2],
        [x1**3, 3 * x0 * x1**2, 12 * x2**2],
    ]
    np.testing.assert_allclose(hessian(f)(POINT), H)
    np.testing.assert_allclose(hvp(f, POINT, np.asarray([1.0, 2.0, 3.0])), H @ np.asarray([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(grad(lambda x: total(grad(f)(x)))(POINT), np.sum(H, axis=0))


def test_arguments_in_dicts_and_lists_may_be_changed_and_replaced() -> None:
    def f(p):
        p["a"][0] = 7.0
        p["b"][0] = p["b"][0] * 2.0
        p["c"] = 0.0
        return total(p["a"] * p["a"]) + total(p["b"][0] * p["b"][1])

    given = {"a": np.asarray([1.0, 2.0]), "b": [np.asarray([3.0]), np.asarray([4.0])], "c": np.ones(2)}
    g = grad(f)(given)
    assert g["a"].tolist() == [0.0, 4.0]
    assert [d.tolist() for d in g["b"]] == [[8.0], [6.0]]
    assert g["c"].tolist() == [0.0, 0.0]
    assert given["a"].tolist() == [1.0, 2.0]
    assert given["c"].tolist() == [1.0, 1.0]


def test_an_inner_transform_of_a_changed_argument() -> None:
    def f(x):
        x[0] = x[1] * 2.0
        return total(grad(lambda y: total(y**3))(x))  # 3 (4 x1² + x1² + x2²)

    np.testing.assert_allclose(grad(f)(POINT), [0.0, 60.0, 18.0])


def test_the_gradient_of_a_changed_leaf_is_by_what_it_was_made_with() -> None:
    x = Variable(POINT, name="x")
    x[1] = 5.0
    total(x * x).backward()
    assert x.grad.tolist() == [2.0, 0.0, 6.0]
    y = Variable(POINT) * 1.0
    y[0] = 2.0
    total(y * y).backward()
    assert y.grad.tolist() == [4.0, 4.0, 6.0]


@pytest.mark.parametrize("argnums", [0, -2, (0,), [0], np.int64(0)])
def test_argnums(argnums) -> None:
    g = grad(lambda a, b: total(a * b), argnums)(POINT, np.asarray([4.0, 5.0, 6.0]))
    several = isinstance(argnums, tuple | list)
    assert (g[0] if several else g).tolist() == [4.0, 5.0, 6.0]
    assert isinstance(g, tuple) is several


def test_one_argument_named_twice() -> None:
    a, b = grad(lambda a, b: total(a * b), (0, -2))(POINT, POINT)
    a *= 0.0
    assert b.tolist() == POINT.tolist()


@pytest.mark.parametrize("argnums", ["x", "0", 1.0, None, True, ("a",)])
@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
def test_argnums_that_are_none(argnums, transform) -> None:
    with pytest.raises(TypeError, match="argnums must be the number of an argument"):
        transform(total, argnums)(POINT)


def test_stop_gradient_does_not_follow_changes() -> None:
    def f(x):
        held = stop_gradient(x)
        x[0] = 3.0
        return total(x * held)

    assert grad(f)(POINT).tolist() == [0.0, 2.0, 3.0]
