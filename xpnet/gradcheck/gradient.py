"""``numerical_gradient``, of a function of its argument, or of one that reads the array itself."""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from xpnet.arguments import is_number
from xpnet.backend import Backend, backend_of, dtype_name, to_numpy
from xpnet.errors import ArgumentError
from xpnet.gradcheck.numerical import (
    EPSILON,
    Evaluate,
    Host,
    check_differences,
    check_point,
    check_value,
    default_step,
    differences,
    each,
    from_two,
    least_steps,
    moved,
    one_by_one,
    same_value,
    scalar,
    steps_for,
    value_at,
    value_beside,
)
from xpnet.random import Generator
from xpnet.typing import Array

WHO = "numerical_gradient"
FARTHEST = 2.0**-4
PROBES = 12


def numerical_gradient(f: Callable[[Array], Any], x: Array, step: float | None = None) -> Array:
    """Return the gradient of ``f`` at ``x`` by central differences, ``g[i] = Σₖ wₖ f(x + k h eᵢ) / h``.

    ``f`` takes an array of x's library, shape and dtype and returns one number. It gets copies, or one copy again and
    again if it neither keeps nor changes it; one trial shows whether
    f reads x itself, as the book's ``lambda W: net.loss(x, t)`` does, and then x is changed in place. It is restored
    when this returns or raises. The step follows from the dtype, grows with ``|x[i]|``, and shrinks where f is not
    finite beside x. A difference is made of four values; of two for many elements in float64, except where the two show
    that f bends or ends there, and if a sample shows that two are not enough for this f.

    Raises: ``DtypeError`` for an x that is not floating; ``ArgumentError`` for NaN in it, a step of 0, an f that is not
    deterministic or not finite, or that ignores its argument while x cannot be written to; ``ShapeError`` where f
    returns more than one number.
    Source: Deep Learning from Scratch, section 4.4.

    >>> xn.numerical_gradient(lambda x: (x**2).sum(), np.array([3.0, 4.0])).round(4)
    array([6., 8.])
    """
    check_point(WHO, "x", x)
    if step is not None and not (is_number(step) and step > 0.0):
        raise ArgumentError(WHO, "step must be above 0", repr(step), "leave it out for a good one")
    backend, at = backend_of(x), to_numpy(x)
    if not at.size:
        return backend.asarray(at)
    at = at.copy()
    here = value_at(WHO, f, at, backend, x.dtype)
    writable = can_be_written(x, at, backend)
    reads = writable and reads_itself(f, x, at, backend)
    if type(x) is np.ndarray and (reads or leaves_alone(f, at)):
        evaluate = element_by_element(f, x if reads else at.copy())
    else:
        evaluate = in_place(f, x, at, backend) if reads else one_by_one(f, at, backend)
    changes = False

    def noting(indices: Host, moves: Host) -> Host:
        nonlocal changes
        values = evaluate(indices, moves)
        changes = changes or bool(np.any(values != here))
        return values

    steps = steps_for(at, step or default_step(x.dtype))
    eps = EPSILON[dtype_name(x.dtype)]
    least, found = least_steps(at, eps), None
    if step is None and eps == EPSILON["float64"]:
        found = from_two(noting, here, steps, eps, least)
    if found is None:
        found, _, _ = differences(noting, np.arange(at.size), steps, eps, least)
    check_value(WHO, f, at, backend, x.dtype, here)
    gradient = found.reshape(at.shape)
    check_differences(WHO, "x", gradient)
    if not changes and not reads:
        say_that_it_is_constant(f, at, backend, writable)
    return backend.asarray(gradient, dtype=x.dtype)


def can_be_written(x: Array, at: Host, backend: Backend) -> bool:
    """Return whether the array can be assigned to, by writing its own values."""
    if getattr(type(x), "differentiates", False):
        return False
    try:
        x[...] = backend.asarray(at)  # type: ignore[index]
    except (TypeError, ValueError, RuntimeError):  # immutable, read-only, and what torch says of a leaf with a gradient
        return False
    return True


def reads_itself(f: Callable[[Array], Any], x: Array, at: Host, backend: Backend) -> bool:
    """Return whether the value of f, given the same argument, changes with x itself."""
    direction = Generator(0).normal(at.shape, "numerical_gradient.probe") * np.maximum(1.0, np.abs(at))
    for shrinking in range(PROBES):
        values = (at + FARTHEST * 16.0**-shrinking * direction).astype(at.dtype)
        outside, again = (value_beside(f, backend.asarray(values.copy())) for _ in range(2))
        inside = with_values(x, values, at, backend, partial(value_beside, f, backend.asarray(values.copy())))
        if not (math.isfinite(outside) or math.isfinite(inside)):
            continue
        return outside != inside if outside == again else not same_value(outside, inside, x.dtype)
    return False


def with_values(x: Array, values: Host, before: Host, backend: Backend, run: Callable[[], Any]) -> Any:
    """Return the result of ``run`` with these values in x, and restore x afterwards."""
    old = backend.asarray(before)
    try:
        x[...] = backend.asarray(values)  # type: ignore[index]
        return run()
    finally:
        x[...] = old  # type: ignore[index]


def in_place(f: Callable[[Array], Any], x: Array, at: Host, backend: Backend) -> Evaluate:
    """Return an Evaluate that calls ``f`` on x itself, changed for each value."""
    run = partial(value_beside, f, x)
    return each(lambda index, move: with_values(x, moved(at, index, move), at, backend, run))


def leaves_alone(f: Callable[[Array], Any], at: Host) -> bool:
    """Return whether f neither keeps its argument, a NumPy array, nor writes to it."""
    given = at.copy()
    kept = weakref.ref(given)
    value_beside(f, given)
    same = np.array_equal(given, at)
    del given
    return same and kept() is None


def element_by_element(f: Callable[[Array], Any], x: Host) -> Evaluate:
    """Return an Evaluate that moves one element of a NumPy array in place, calls f, and restores the element."""
    places: Any = x.flat

    def evaluate(indices: Host, moves: Host) -> Host:
        values: Any = np.empty(moves.shape)
        with np.errstate(all="ignore"):
            for row, index, its_moves in zip(values, indices.tolist(), moves.tolist(), strict=True):
                before = places[index]
                number = float(before)
                try:
                    for s, move in enumerate(its_moves):
                        places[index] = number + move
                        row[s] = quick_value(f, x)
                finally:
                    places[index] = before
        found: Host = values
        return found

    return evaluate


def quick_value(f: Callable[[Array], Any], x: Host) -> float:
    """Return the value of f, or NaN if f refuses x as outside its domain."""
    try:
        value = f(x)
    except (ValueError, ArithmeticError):
        return math.nan
    return value if type(value) in (float, np.float64) else scalar(value)


def say_that_it_is_constant(f: Callable[[Array], Any], at: Host, backend: Backend, writable: bool) -> None:
    """Warn about a constant function; raise if it ignores its argument and x cannot be changed.

    Raises: ``ArgumentError``.
    """
    remedy = "bind the argument first: with net.using({'W1': W}): return net.loss(x, t)"
    if writable:
        warnings.warn(f"{WHO}: f gave the same value for every x; where it should not, {remedy}", stacklevel=3)
    elif math.isfinite(value_beside(f, backend.asarray(np.full(at.shape, np.nan)))):
        must = "f must depend on its argument where x cannot be written to"
        raise ArgumentError(WHO, must, "the same value for every x", remedy)
