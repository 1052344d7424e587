"""Numerical differentiation, by differences of function values alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet.backend import Backend, dtype_kind, dtype_name, is_array, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.typing import Array

Host: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
Evaluate: TypeAlias = Callable[[Host, Host], Host]
"""Values of the function where element ``indices[p]`` of the flattened argument has moved by ``moves[p, s]``.

Shapes: ``indices (P,)``, ``moves (P, S)``, result ``(P, S)``.
"""

EPSILON = {"float64": 2.0**-52, "complex128": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}

# Offsets of the differences in units of the step, and the weights of their values.
OFFSETS = np.asarray([-2.0, -1.0, 1.0, 2.0])
FOURTH = np.asarray([1.0, -8.0, 8.0, -1.0]) / 12.0
SECOND = np.asarray([0.0, -0.5, 0.5, 0.0])
HALVES = np.asarray([-0.5, 0.5])
HALVED_OFFSETS = np.asarray([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
WHOLE = np.asarray([1.0, -8.0, 0.0, 0.0, 8.0, -1.0]) / 12.0
HALVED = np.asarray([0.0, 1.0, -8.0, 8.0, -1.0, 0.0]) / 6.0

# The same from one side, and with half the step.
ONE_SIDED_OFFSETS = np.asarray([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
ONE_SIDED = np.asarray([-25.0 / 12.0, 0.0, 4.0, 0.0, -3.0, 4.0 / 3.0, -0.25])
ONE_SIDED_HALVED = np.asarray([-25.0 / 6.0, 8.0, -6.0, 8.0 / 3.0, -0.5, 0.0, 0.0])

NEAR = np.asarray([-1.0, 1.0])
BEND = 2.0**-10
MANY, SAMPLED = 256, 32

SHRINKINGS = 40
SMALLER = (1.0, 1.0 / 16.0, 1.0 / 256.0, 1.0 / 4096.0)
DOUBT = 30.0


def default_step(dtype: Any) -> float:
    """Return the step at which truncation equals rounding in the fourth-order difference, ``h ≈ ε^(1/5)``."""
    return {"float64": 2.0**-10, "float32": 2.0**-5}.get(dtype_name(dtype), 2.0**-2)


def differences(evaluate: Evaluate, indices: Host, steps: Host, eps: float, least: Host) -> tuple[Host, Host, Host]:
    """Return derivatives, ``(f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12h``, and the noise of rounding in them.

    A kink between -2h and 2h spoils a difference. It shows where h and h/2 disagree by more than rounding; there the
    smaller step that agrees best with its own half is used. The remaining disagreement is the third result. If a value
    is not finite, the step shrinks until all are, down to ``least``; if no step is small enough, the values of one side
    make the difference, or NaN if neither side has finite values or a limit.
    """
    values = evaluate(indices, steps[:, None] * OFFSETS)
    outside = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if outside.size:
        steps, values = shrunk(evaluate, indices, steps, values, outside, least)
    numeric, second = weighted(values, FOURTH) / steps, weighted(values, SECOND) / steps
    noise = eps * (np.max(np.abs(values), axis=1, initial=0.0) / steps)
    doubtful = np.flatnonzero(np.abs(numeric - second) > DOUBT * noise)
    error = np.full(numeric.shape, np.inf)
    for smaller in SMALLER:
        if not doubtful.size:
            break
        at, known = steps[doubtful] * smaller, values[doubtful] if smaller == 1.0 else None
        its_numeric, its_noise, its_error = halved(evaluate, indices[doubtful], at, eps, known)
        better = its_error + its_noise < error[doubtful]
        numeric[doubtful[better]] = its_numeric[better]
        noise[doubtful[better]] = its_noise[better]
        error[doubtful[better]] = (its_error + its_noise)[better]
        doubtful = doubtful[its_error > DOUBT * its_noise]
    for row in np.flatnonzero(np.isnan(numeric)):
        numeric[row], noise[row], error[row] = from_one_side(
            evaluate, indices[row], float(steps[row]), eps, float(least[row])
        )
    return numeric, noise, np.where(np.isfinite(error), error, 0.0)


def from_two(evaluate: Evaluate, here: float, steps: Host, eps: float, least: Host) -> Host | None:
    """Return derivatives of many elements in float64, ``(f(h) - f(-h)) / 2h`` with a small h; ``here`` is f(0).

    Where ``f(h) + f(-h) - 2 f(0)`` shows that f bends by more than a thousandth of its slope, or a value is not finite,
    they are those of ``differences``. The result is None for few elements, and where a sample differs from those.
    """
    if steps.size < MANY:
        return None
    indices, h = np.arange(steps.size), steps / 16.0
    sample = indices[:: steps.size // SAMPLED]
    exact, noise, error = differences(evaluate, sample, steps[sample], eps, least[sample])
    values = evaluate(sample, h[sample, None] * NEAR)
    largest = np.max(np.abs(exact), initial=0.0)
    trouble = np.abs((values[:, 1] - values[:, 0]) / (2.0 * h[sample]) - exact) - error
    if not np.all(trouble <= BEND * 2.0**-16 * largest + DOUBT * 16.0 * noise):
        return None
    values = evaluate(indices, h[:, None] * NEAR)
    numeric: Host = (values[:, 1] - values[:, 0]) / (2.0 * h)
    bend = np.abs(values[:, 0] - here + (values[:, 1] - here))
    sizes = np.max(np.abs(values), axis=1)
    straight = bend <= BEND * np.abs(values[:, 1] - values[:, 0]) + DOUBT * eps * sizes  # false for NaN
    bent = np.flatnonzero(~straight)
    if bent.size:
        numeric[bent], _, _ = differences(evaluate, bent, steps[bent], eps, least[bent])
    return numeric


def halved(
    evaluate: Evaluate, indices: Host, steps: Host, eps: float, known: Host | None = None
) -> tuple[Host, Host, Host]:
    """Return derivatives, their noise, and their distance from those of half the step; ``known`` are at OFFSETS."""
    if known is None:
        values = evaluate(indices, steps[:, None] * HALVED_OFFSETS)
    else:
        halves = evaluate(indices, steps[:, None] * HALVES)
        values = np.concatenate([known[:, :2], halves, known[:, 2:]], axis=1)
    numeric = weighted(values, WHOLE) / steps
    noise = eps * (np.max(np.abs(values), axis=1, initial=0.0) / steps)
    return numeric, noise, np.abs(numeric - weighted(values, HALVED) / steps)


def weighted(values: Host, weights: Host) -> Host:
    """Return ``Σ wₖ (fₖ - f₀)`` of each row without intermediate overflow; NaN where a value is not finite.

    The weights add up to 0, so that f₀ changes nothing but rounding: equal values give 0 on any BLAS.
    """
    finite: Host = np.asarray(np.isfinite(values).all(axis=1))
    scale = np.where(finite, np.max(np.abs(values), axis=1, initial=0.0), np.nan)
    scale = np.where(scale == 0.0, 1.0, scale)
    shares = np.where(finite[:, None], values, 0.0) / scale[:, None]
    result: Host = (shares - shares[:, :1]) @ weights * scale
    return result


def shrunk(
    evaluate: Evaluate, indices: Host, steps: Host, values: Host, outside: Host, least: Host
) -> tuple[Host, Host]:
    """Return steps, powers of two, at which every value is finite, and the values; unchanged if there are none."""
    steps, values = steps.copy(), values.copy()
    small = 2.0 ** np.floor(np.log2(steps))
    for _ in range(SHRINKINGS):
        small[outside] /= 4.0
        outside = outside[small[outside] >= least[outside]]
        tried = evaluate(indices[outside], small[outside, None] * OFFSETS)
        inside = np.isfinite(tried).all(axis=1)
        steps[outside[inside]], values[outside[inside]] = small[outside[inside]], tried[inside]
        outside = outside[~inside]
        if not outside.size:
            break
    return steps, values


def from_one_side(evaluate: Evaluate, index: int, step: float, eps: float, least: float) -> tuple[float, float, float]:
    """Return the derivative from the side with finite values, its noise and error; NaN where there is no limit."""
    best = none = (math.nan, math.nan, math.nan)
    first = math.nan
    if not np.isfinite(evaluate(np.asarray([index]), np.zeros((1, 1)))).all():
        return best
    for shrinking in range(SHRINKINGS):
        h = 2.0 ** (math.floor(math.log2(step)) - 2 * shrinking)
        if 0.5 * h < least:
            break
        for side in (h, -h):
            values = evaluate(np.asarray([index]), side * ONE_SIDED_OFFSETS[None, :])
            if np.isfinite(values).all():
                whole = float(weighted(values, ONE_SIDED)[0]) / side
                error = abs(whole - float(weighted(values, ONE_SIDED_HALVED)[0]) / side)
                noise = eps * float(np.max(np.abs(values))) / h
                first = error if math.isnan(first) else first
                if not error + noise >= best[1] + best[2]:
                    best = (whole, noise, error)
                if error <= DOUBT * noise:
                    return best
    steady = best[2] <= 0.1 * abs(best[0]) or best[2] <= first / 16.0  # which the slope of √x at 0 is not
    return best if steady else none


def scalar(value: Any) -> float:
    """Return the number in a scalar result.

    Raises: ``ShapeError`` for anything that holds more or less than one number.
    """
    host = to_numpy(value)
    if host.size != 1:
        raise ShapeError("numerical_gradient", "f must return one number", tuple(host.shape), "sum its result")
    number: float = host.reshape(()).item()
    return number


def one_by_one(f: Callable[[Array], Any], at: Host, backend: Backend) -> Evaluate:
    """Return an Evaluate that calls ``f`` once for every value, each time on a new array."""
    return each(lambda index, move: value_beside(f, backend.asarray(moved(at, index, move))))


def each(value: Callable[[Any, Any], Any]) -> Evaluate:
    """Return an Evaluate that asks for one value at a time, by the index and the move."""

    def evaluate(indices: Host, moves: Host) -> Host:
        values = np.empty(moves.shape, dtype=np.result_type(moves.dtype, np.float64))
        for p, s in np.ndindex(moves.shape):
            values[p, s] = value(indices[p], moves[p, s])
        return values

    return evaluate


def moved(at: Host, index: int, move: Any) -> Host:
    """Return a copy of the argument with one element moved, in the larger of the two dtypes."""
    copy = at.astype(np.result_type(at.dtype, np.asarray(move).dtype), order="C", copy=True)
    copy.reshape(-1)[index] += move
    return copy


def value_beside(f: Callable[[Array], Any], x: Array) -> float:
    """Return the value of f at a moved argument, or NaN if f refuses it as outside its domain."""
    try:
        with np.errstate(all="ignore"):
            return scalar(f(x))
    except (ValueError, ArithmeticError):
        return math.nan


def along(f: Callable[[Array], Any], at: Host, directions: Host, backend: Backend) -> Evaluate:
    """Return an Evaluate that moves the whole argument along ``directions[index]``."""
    return each(lambda index, move: value_beside(f, backend.asarray(at + move * directions[index])))


def steps_for(at: Host, step: float) -> Host:
    """Return the step of each element, ``h max(1, |x|)``."""
    steps: Host = step * np.maximum(1.0, np.abs(at.reshape(-1).astype(np.float64)))
    return steps


def least_steps(at: Host, eps: float) -> Host:
    """Return the smallest steps that move an element exactly."""
    least: Host = 4.0 * eps * np.abs(at.reshape(-1).astype(np.float64))
    return least


def check_point(who: str, name: str, x: Any) -> None:
    """Check that x is a floating, finite array.

    Raises: ``DtypeError``, ``ArgumentError``.
    """
    if not is_array(x) or dtype_kind(x) != "real":
        got = dtype_name(x.dtype) if is_array(x) else type(x).__name__
        remedy = f"make one with xn.asarray({name.removeprefix('an ')})"
        raise DtypeError(who, f"{name} must be a floating array", got, remedy)
    if not np.all(np.isfinite(to_numpy(x))):
        raise ArgumentError(who, f"{name} must be finite", "NaN or infinity in it", "remove them first")


def same_value(one: float, other: float, dtype: Any) -> bool:
    """Return whether two values differ by no more than another order of summation explains."""
    eps = EPSILON[dtype_name(dtype)]
    return one == other or abs(one - other) <= min(100.0 * eps, max(1e-4, 4.0 * eps)) * max(abs(one), abs(other))


def value_at(who: str, f: Callable[[Array], Any], at: Host, backend: Backend, dtype: Any) -> float:
    """Return the value of f at the point itself, after a check that it is reproducible.

    Raises: ``ArgumentError`` for a function whose values differ, or are not finite.
    """
    first = scalar(f(backend.asarray(at.copy())))
    if not math.isfinite(first):
        raise ArgumentError(who, "f must be finite", f"{first} at x", "move x into its domain")
    check_value(who, f, at, backend, dtype, first)
    return first


def check_value(who: str, f: Callable[[Array], Any], at: Host, backend: Backend, dtype: Any, first: float) -> None:
    """Raise unless f returns this value again.

    Raises: ``ArgumentError``.
    """
    again = scalar(f(backend.asarray(at.copy())))
    if not same_value(first, again, dtype):
        remedy = "seed its random numbers again in each call; a network restores its own in its methods"
        raise ArgumentError(who, "f must give the same value for the same x", f"{first} and {again}", remedy)


def check_differences(who: str, name: str, numeric: Host) -> None:
    """Check that all derivatives are numbers.

    Raises: ``ArgumentError`` that names the first element beside which f has no derivative.
    """
    wrong = np.argwhere(~np.isfinite(numeric))
    if wrong.size:
        where = f"{name}[{', '.join(map(str, wrong[0]))}]"
        must = "f must have finite values and a slope on one side at least"
        raise ArgumentError(who, must, f"none beside {where}", "move x into its domain")
