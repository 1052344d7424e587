"""SciPy's solvers get gradients of functions over nested parameters, on every library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, DtypeError

optimize = pytest.importorskip("scipy.optimize")
integrate = pytest.importorskip("scipy.integrate")


@pytest.fixture(params=["float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    return request.param


def bowl(params: Any) -> Any:
    """Smallest at w = (1, 2, 3), b = -1."""
    xp = array_namespace(params["w"])
    goal = xp.cumulative_sum(xp.ones_like(params["w"]))
    return xp.sum((params["w"] - goal) ** 2) + (params["b"][0] + 1.0) ** 4 + xp.sum(params["w"] * 0.0)


def start(asarray: Any) -> dict[str, Any]:
    return {"w": asarray([0.0, 0.0, 0.0]), "b": [asarray(0.5)]}


@pytest.mark.usefixtures("defer_to_variables")
@pytest.mark.parametrize("options", [{}, {"method": "L-BFGS-B"}, {"method": "Newton-CG", "hessp": True}])
def test_minimize(options: dict[str, Any], backend: Any, asarray: Any) -> None:
    arguments = xn.for_scipy(bowl, start(asarray), **options)
    result = optimize.minimize(*arguments)
    best = arguments.tree(result.x)
    np.testing.assert_allclose(backend.to_numpy(best["w"]), [1.0, 2.0, 3.0], atol=1e-4)
    np.testing.assert_allclose(backend.to_numpy(best["b"][0]), -1.0, atol=0.1)
    assert type(best["w"]) is type(asarray(1.0))


def lines(x: Any) -> Any:
    xp = array_namespace(x)
    return xp.stack([x[0] + x[1] - 3.0, x[0] * x[1] - 2.0, 0.0 * x[0]])


@pytest.mark.usefixtures("defer_to_variables")
def test_least_squares_and_root(backend: Any, asarray: Any) -> None:
    x0 = asarray([0.5, 2.5])
    arguments = xn.for_scipy(lines, x0, "least_squares")
    np.testing.assert_allclose(optimize.least_squares(*arguments).x, [1.0, 2.0], atol=1e-6)
    result = optimize.root(*xn.for_scipy(lambda x: lines(x)[:2], x0, "root"))
    np.testing.assert_allclose(result.x, [1.0, 2.0], atol=1e-6)
    jac = arguments[2](np.asarray([1.0, 2.0]))
    np.testing.assert_allclose(jac, [[1.0, 1.0], [2.0, 1.0], [0.0, 0.0]])


def test_solve_bvp() -> None:
    """The pendulum ``y'' = -sin y`` from 0 to 1."""

    def fun(x: Any, y: Any) -> Any:
        xp = array_namespace(y)
        return xp.stack([y[1, ...], -xp.sin(y[0, ...])])

    def bc(ya: Any, yb: Any) -> Any:
        return array_namespace(ya).stack([ya[0], yb[0] - 1.0])

    x = np.linspace(0.0, 1.0, 6)
    jacobians = xn.for_solve_bvp(fun, bc)
    found = integrate.solve_bvp(fun, bc, x, np.zeros((2, 6)), **jacobians)
    plain = integrate.solve_bvp(fun, bc, x, np.zeros((2, 6)))
    assert found.success
    np.testing.assert_allclose(found.sol(0.5), plain.sol(0.5), atol=1e-6)
    y = np.asarray([[0.1, 0.4], [0.3, 0.2]])
    expected = np.zeros((2, 2, 2))
    expected[0, 1], expected[1, 0] = 1.0, -np.cos(y[0])
    np.testing.assert_allclose(jacobians["fun_jac"](x[:2], y), expected, atol=1e-12)


def test_what_is_refused() -> None:
    with pytest.raises(ArgumentError, match="solver must be one of minimize, least_squares, root, got 'linprog'"):
        xn.for_scipy(bowl, np.ones(2), "linprog")
    with pytest.raises(DtypeError, match="x0 must be made of arrays, got str"):
        xn.for_scipy(bowl, "x")
