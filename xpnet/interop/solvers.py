"""Functions over nested parameters for SciPy's solvers: of one vector on the host, with their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from xpnet.autodiff import grad, hvp, jacobian, value_and_grad
from xpnet.autodiff.tree import leaves, same_form
from xpnet.backend import backend_of, get_backend, to_numpy
from xpnet.errors import ArgumentError, DtypeError

Function = Callable[..., Any]


class Arguments(tuple[Any, ...]):
    """The positional arguments of a SciPy solver; ``tree(result.x)`` has the structure of the parameters."""

    tree: Function


def for_scipy(
    f: Function, x0: Any, solver: str = "minimize", method: str | None = None, hessp: bool = False
) -> Arguments:
    """Return the arguments of a solver of ``scipy.optimize``, ``minimize(*xn.for_scipy(f, x0))``.

    ``x0`` is an array, or nested dicts, lists and tuples of arrays of any library; ``f`` gets the like. The solver is
    ``minimize``, for a scalar ``f`` with its gradient and, with ``hessp``, its second derivatives along a vector; or
    ``least_squares`` or ``root``, for an ``f`` that returns one axis of residuals, with their Jacobian.

    Raises: ``ArgumentError`` for another solver; ``DtypeError`` for parameters that are not floating arrays.

    >>> from scipy.optimize import minimize
    >>> def f(p):
    ...     return (p["x"] - 3.0) ** 2 + (p["y"] + 1.0) ** 2
    >>> arguments = xn.for_scipy(f, {"x": np.array(0.0), "y": np.array(0.0)})
    >>> best = arguments.tree(minimize(*arguments).x)
    >>> best["x"].round(3), best["y"].round(3)
    (np.float64(3.0), np.float64(-1.0))
    """
    places = leaves(x0)
    for x in places:
        if not isinstance(x, float | int) and not hasattr(x, "shape"):
            raise DtypeError(
                "for_scipy", "x0 must be made of arrays", type(x).__name__, "convert it with xn.asarray(x)"
            )
    arrays = [get_backend().asarray(float(x)) if isinstance(x, float | int) else x for x in places]
    ends = np.cumsum([0, *(prod(x.shape) for x in arrays)])

    def tree(x: Any) -> Any:
        pieces = iter(
            backend_of(like).asarray(np.reshape(x[a:b], tuple(like.shape)))
            for like, a, b in zip(arrays, ends[:-1], ends[1:], strict=True)
        )
        return same_form(lambda _: next(pieces), x0)

    def flat(found: Any) -> Any:
        return np.concatenate([np.ravel(np.asarray(to_numpy(d), dtype=np.float64)) for d in leaves(found)])

    def value(x: Any) -> tuple[float, Any]:
        y, d = value_and_grad(f)(tree(x))
        return float(to_numpy(y)), flat(d)

    def along(x: Any, v: Any) -> Any:
        return flat(hvp(f, tree(x), tree(v)))

    def residuals(x: Any) -> Any:
        return np.asarray(to_numpy(f(tree(x))), dtype=np.float64)

    def rows(x: Any) -> Any:
        blocks = [np.asarray(to_numpy(J), dtype=np.float64) for J in leaves(jacobian(f)(tree(x)))]
        return np.concatenate([J.reshape(J.shape[0], -1) for J in blocks], axis=1)

    start = flat(same_form(lambda x: x, arrays))
    choices = {
        "minimize": (value, start, (), method, True, None, along if hessp else None),
        "least_squares": (residuals, start, rows),
        "root": (residuals, start, (), method or "hybr", rows),
    }
    if solver not in choices:
        raise ArgumentError("for_scipy", f"solver must be one of {', '.join(choices)}", repr(solver), "choose one")
    arguments = Arguments(choices[solver])
    arguments.tree = tree
    return arguments


def for_solve_bvp(fun: Function, bc: Function) -> dict[str, Function]:
    """Return the derivatives that ``scipy.integrate.solve_bvp(fun, bc, x, y, **xn.for_solve_bvp(fun, bc))`` takes.

    ``fun(x, y)`` returns ``dy/dx`` of shape ``(n, m)`` at m independent points; ``bc(ya, yb)`` returns n residuals.

    >>> from scipy.integrate import solve_bvp
    >>> def fun(x, y):  # y'' = -y
    ...     return np.stack([y[1], -y[0]])
    >>> def bc(ya, yb):  # y(0) = 0 and y(π/2) = 1: a sine
    ...     return np.stack([ya[0], yb[0] - 1.0])
    >>> x = np.linspace(0.0, np.pi / 2.0, 5)
    >>> found = solve_bvp(fun, bc, x, np.zeros((2, 5)), **xn.for_solve_bvp(fun, bc))
    >>> np.abs(found.sol(x)[0] - np.sin(x)).max() < 1e-4
    np.True_
    """

    def fun_jac(x: Any, y: Any) -> Any:
        rows = [grad(lambda y, at=at: fun(x, y)[at, ...].sum())(y) for at in range(y.shape[0])]
        return np.stack([np.asarray(row) for row in rows])

    def bc_jac(ya: Any, yb: Any) -> tuple[Any, Any]:
        da, db = jacobian(bc, (0, 1))(ya, yb)
        return np.asarray(da), np.asarray(db)

    return {"fun_jac": fun_jac, "bc_jac": bc_jac}
