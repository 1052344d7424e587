"""The book's numerical gradient."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy

from xpnet.backend import array_namespace, backend_of, dtype_name
from xpnet.book.arrays import __getattr__ as __getattr__
from xpnet.errors import DtypeError
from xpnet.gradcheck.numerical import check_point, scalar
from xpnet.typing import Array

__all__ = ["np", "numerical_gradient", "numerical_gradient_2d"]

STEPS = {"float64": 1e-4}  # the book's
COARSE = 1e-2


def numerical_gradient(f: Callable[[Array], Any], x: Array) -> Array:
    """Return ``(f(x + h) - f(x - h)) / 2h`` with ``h = 1e-4``, moving each element of x itself.

    In float32, where rounding would hide that step, h is 1e-2.

    f may ignore its argument: ``lambda W: net.loss(x, t)`` reads the array that is changed, ``net.params["W1"]``. Each
    element is restored, even if f raises. ``xn.numerical_gradient`` writes to nothing and is more exact.

    Raises: ``DtypeError`` for an x that is not floating, or cannot be written to; ``ArgumentError`` for NaN in it;
    ``ShapeError`` where f returns more than one number.
    Source: Deep Learning from Scratch, section 4.4.

    >>> numerical_gradient(lambda x: np.sum(x**2), np.array([3.0, 4.0])).round(4)
    array([6., 8.])
    """
    check_point("numerical_gradient", "x", x)
    gradient, step = numpy.empty(x.shape), STEPS.get(dtype_name(x.dtype), COARSE)
    for at in product(*map(range, x.shape)):
        value = float(x[at])
        try:
            _write(x, at, value + step)
            above = scalar(f(x))
            _write(x, at, value - step)
            below = scalar(f(x))
        finally:
            _write(x, at, value)
        gradient[at] = (above - below) / (2.0 * step)
    return backend_of(x).asarray(gradient)


def numerical_gradient_2d(f: Callable[[Array], Any], X: Array) -> Array:
    """Return the gradient of ``f`` at each row of X, or at the one point X.

    Shapes: ``X (N, D)`` or ``(D,)``, result as X.
    Raises: as ``numerical_gradient``.

    >>> numerical_gradient_2d(lambda x: np.sum(x**2), np.array([[3.0, 4.0], [0.0, 2.0]])).round(4)
    array([[6., 8.],
           [0., 4.]])
    """
    if X.ndim < 2:
        return numerical_gradient(f, X)
    rows: Array = array_namespace(X).stack([numerical_gradient(f, X[i, ...]) for i in range(X.shape[0])])
    return rows


def _write(x: Any, at: tuple[int, ...], value: float) -> None:
    try:
        x[at] = value
    except (TypeError, ValueError) as error:
        got = f"{type(x).__module__}.{type(x).__name__}: {error}"
        remedy = "give xn.numerical_gradient a function of its argument, or a copy of x that is not a view"
        raise DtypeError("numerical_gradient", "x must be an array that can be written to", got, remedy) from error
