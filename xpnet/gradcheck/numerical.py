"""Numerical differentiation: differences of function values, nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet.backend import Backend, backend_of, dtype_kind, dtype_name, is_array, to_numpy
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
HALVED_OFFSETS = np.asarray([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
WHOLE = np.asarray([1.0, -8.0, 0.0, 0.0, 8.0, -1.0]) / 12.0
HALVED = np.asarray([0.0, 1.0, -8.0, 8.0, -1.0, 0.0]) / 6.0

SMALLER = (1.0, 1.0 / 16.0, 1.0 / 256.0, 1.0 / 4096.0)
DOUBT = 30.0


def default_step(dtype: Any) -> float:
    """The step where truncation and rounding of the fourth-order difference meet, ``h ≈ ε^(1/5)``, a power of two."""
    return {"float64": 2.0**-10, "float32": 2.0**-5}.get(dtype_name(dtype), 2.0**-2)


def differences(evaluate: Evaluate, indices: Host, steps: Host, eps: float) -> tuple[Host, Host, Host]:
    """Derivatives of fourth order, ``(f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12h``, and the noise of rounding in them.

    A kink between -2h and 2h spoils a difference. It shows where h and h/2 disagree by more than rounding; there the
    smaller step that agrees best with its own half is taken. What disagreement is left is the third result.
    """
    values = evaluate(indices, steps[:, None] * OFFSETS)
    numeric, second = values @ FOURTH / steps, values @ SECOND / steps
    noise = eps * np.max(np.abs(values), axis=1, initial=0.0) / steps
    doubtful = np.flatnonzero(np.abs(numeric - second) > DOUBT * noise)
    error = np.full(numeric.shape, np.inf)
    for smaller in SMALLER:
        if not doubtful.size:
            break
        at = steps[doubtful] * smaller
        values = evaluate(indices[doubtful], at[:, None] * HALVED_OFFSETS)
        its_numeric = values @ WHOLE / at
        its_noise = eps * np.max(np.abs(values), axis=1, initial=0.0) / at
        its_error = np.abs(its_numeric - values @ HALVED / at)
        better = its_error + its_noise < error[doubtful]
        numeric[doubtful[better]] = its_numeric[better]
        noise[doubtful[better]] = its_noise[better]
        error[doubtful[better]] = (its_error + its_noise)[better]
        doubtful = doubtful[its_error > DOUBT * its_noise]
    return numeric, noise, np.where(np.isfinite(error), error, 0.0)


def scalar(value: Any) -> float:
    """The number in a scalar result.

    Raises: ``ShapeError`` for anything that holds more or less than one number.
    """
    host = to_numpy(value)
    if host.size != 1:
        raise ShapeError("numerical_gradient", "f must return one number", tuple(host.shape), "sum its result")
    number: float = host.reshape(()).item()
    return number


def one_by_one(f: Callable[[Array], Any], at: Host, backend: Backend) -> Evaluate:
    """An Evaluate that calls ``f`` once for every value, each time on a new array."""

    def evaluate(indices: Host, moves: Host) -> Host:
        values = np.empty(moves.shape, dtype=np.result_type(moves.dtype, np.float64))
        for p, index in enumerate(indices):
            for s, move in enumerate(moves[p]):
                moved = at.astype(np.result_type(at.dtype, moves.dtype), order="C", copy=True)
                moved.reshape(-1)[index] += move
                values[p, s] = scalar(f(backend.asarray(moved)))
        return values

    return evaluate


def along(f: Callable[[Array], Any], at: Host, directions: Host, backend: Backend) -> Evaluate:
    """An Evaluate that moves the whole argument along ``directions[index]``."""

    def evaluate(indices: Host, moves: Host) -> Host:
        values = np.empty(moves.shape)
        for p, index in enumerate(indices):
            for s, move in enumerate(moves[p]):
                values[p, s] = scalar(f(backend.asarray(at + move * directions[index])))
        return values

    return evaluate


def steps_for(at: Host, step: float) -> Host:
    """The step of each element, ``h max(1, |x|)``."""
    steps: Host = step * np.maximum(1.0, np.abs(at.reshape(-1).astype(np.float64)))
    return steps


def check_point(who: str, name: str, x: Any) -> None:
    """Derivatives are taken of floating, finite arrays.

    Raises: ``DtypeError``, ``ArgumentError``.
    """
    if not is_array(x) or dtype_kind(x) != "real":
        got = dtype_name(x.dtype) if is_array(x) else type(x).__name__
        remedy = f"make one with xn.asarray({name.removeprefix('an ')})"
        raise DtypeError(who, f"{name} must be a floating array", got, remedy)
    if not np.all(np.isfinite(to_numpy(x))):
        raise ArgumentError(who, f"{name} must be finite", "NaN or infinity in it", "remove them first")


def numerical_gradient(f: Callable[[Array], Any], x: Array, step: float | None = None) -> Array:
    """The gradient of ``f`` at ``x`` by central differences, ``g[i] = Σₖ wₖ f(x + k h eᵢ) / h``.

    ``f`` takes an array of x's library, shape and dtype and returns one number; ``x`` is never written to.
    The step follows from the dtype and grows with ``|x[i]|``.

    Raises: ``DtypeError`` for an x that is not floating; ``ArgumentError`` for NaN in it or a step of 0;
    ``ShapeError`` where f returns more than one number.
    Source: Deep Learning from Scratch, section 4.4.
    """
    check_point("numerical_gradient", "x", x)
    if step is not None and not step > 0.0:
        raise ArgumentError("numerical_gradient", "step must be above 0", step, "leave it out for a good one")
    backend, at = backend_of(x), to_numpy(x)
    seen = set()

    def noting(moved: Array) -> float:
        value = scalar(f(moved))
        seen.add(value)
        return value

    evaluate, steps = one_by_one(noting, at, backend), steps_for(at, step or default_step(x.dtype))
    gradient, _, _ = differences(evaluate, np.arange(at.size), steps, EPSILON[dtype_name(x.dtype)])
    if len(seen) == 1:
        warnings.warn(
            "numerical_gradient: f gave the same value for every x; where it reads a parameter and not its argument, "
            "bind the argument first: with net.using({'W1': W}): return net.loss(x, t)",
            stacklevel=2,
        )
    return backend.asarray(gradient.reshape(at.shape), dtype=x.dtype)
