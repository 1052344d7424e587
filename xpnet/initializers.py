"""Initial values of parameters, drawn on the host from named streams: the same bits on every backend."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, prod, sqrt
from typing import Any, TypeAlias

import numpy as np

from xpnet.arguments import check_size as check_size
from xpnet.arguments import is_number
from xpnet.backend import get_backend
from xpnet.errors import ArgumentError, ShapeError
from xpnet.random import Floats, Generator, Shape
from xpnet.typing import Array

__all__ = ["constant", "normal", "normal_weights", "ones", "orthogonal", "uniform", "zeros"]

Rule: TypeAlias = Callable[[Shape, Generator, str], Floats]
"""Values for a shape, from a stream of a generator by its name."""

Init: TypeAlias = str | float | Rule
"""The name of a rule, a standard deviation, or a rule."""


def normal_weights(shape: Shape, init: Init, rng: Generator, name: str) -> Array:
    """Return weights of the current backend, ``W = σ z`` with z standard normal, or by another rule.

    ``init`` is σ itself, the book's ``weight_init_std``, or the name of a rule. For ``D`` inputs and ``M`` outputs σ is
    √(2/D) for ``"he"``, √(2/(D + M)) for ``"glorot"`` and √(1/D) for ``"lecun"``, which the book calls Xavier's; with
    ``"_uniform"`` after the name z is uniform, of the same variance. ``"orthogonal"`` is ``orthogonal()``. It may also
    be a function ``rule(shape, rng, name)``, such as ``constant(0.5)``.

    Shapes: ``W (D, M)``, or the filters ``(M, C, ...)`` of a convolution, whose fans are C and M times their size.
    Raises: ``ArgumentError`` for an unknown name or sizes that are not positive integers.
    Source: Glorot and Bengio, 2010; He et al., 2015, section 2.2; LeCun et al., 1998, section 4.6.

    >>> W = normal_weights((1000, 100), "he", Generator(0), "W")
    >>> print(f"{W.std():.4f} {np.sqrt(2 / 1000):.4f}")
    0.0447 0.0447
    """
    who = "initial weights"
    for size in shape:
        check_size(who, "each size", size)
    if isinstance(init, str) and init not in RULES:
        must = f"init must be one of {', '.join(RULES)}, a number or a function"
        raise ArgumentError(who, must, repr(init), "choose one")
    rule = init if callable(init) else RULES[init] if isinstance(init, str) else normal(init)
    values = np.asarray(rule(shape, rng, name), dtype=np.float64)
    if values.shape != tuple(shape):
        raise ShapeError(who, f"the rule must give {tuple(shape)}", values.shape, "return an array of that shape")
    return get_backend().asarray(values)


def zeros(shape: Shape) -> Array:
    """Return zeros of the current backend, ``b = 0``.

    >>> zeros((3,))
    array([0., 0., 0.], dtype=float32)
    """
    return get_backend().asarray(np.zeros(shape))


def ones(shape: Shape) -> Array:
    """Return ones of the current backend, ``γ = 1``.

    >>> ones((3,))
    array([1., 1., 1.], dtype=float32)
    """
    return get_backend().asarray(np.ones(shape))


def normal(std: float) -> Rule:
    """Return the rule of normal numbers of a standard deviation, ``σ z``.

    >>> W = Affine.create(1000, 100, init=normal(0.02)).W
    >>> print(f"{W.std():.2f}")
    0.02
    """
    sigma = check_number("σ", std, least=0.0)
    return lambda shape, rng, name: sigma * rng.normal(shape, name)


def uniform(limit: float) -> Rule:
    """Return the rule of uniform numbers, ``a (2 u - 1)`` from -a to a.

    >>> W = Affine.create(1000, 100, init=uniform(0.5)).W
    >>> print(f"{W.min():.2f} {W.max():.2f}")
    -0.50 0.50
    """
    a = check_number("the limit", limit, least=0.0)
    return lambda shape, rng, name: a * (2.0 * rng.uniform(shape, name) - 1.0)


def constant(value: float) -> Rule:
    """Return the rule of one value everywhere.

    >>> Affine.create(2, 2, init=constant(0.5)).W
    array([[0.5, 0.5],
           [0.5, 0.5]], dtype=float32)
    """
    number = check_number("the constant", value)
    return lambda shape, rng, name: np.full(shape, number)  # noqa: ARG005


def orthogonal(gain: float = 1.0) -> Rule:
    """Return the rule of random rotations, ``Wᵀ W = g² 1``, or ``W Wᵀ`` where W is wider than high.

    Filters are rows ``(M, C FH FW)``. It is a product of reflections, computed by sums and products in a fixed order,
    so that its bits do not depend on a linear algebra library; a thousand by a thousand take about a second.

    Source: Saxe et al., 2014; Stewart, 1980, section 3.

    >>> W = Affine.create(3, 3, init=orthogonal()).W
    >>> np.abs(W.T @ W - np.eye(3)).max() < 1e-6
    np.True_
    """
    g = check_number("the gain", gain, least=0.0)

    def rule(shape: Shape, rng: Generator, name: str) -> Floats:
        high, wide = shape[0], prod(shape[1:])
        z = rng.normal((max(high, wide), min(high, wide)), name)
        q = reflections(z)
        return np.reshape(g * (q if high >= wide else q.T), shape)

    return rule


def fans(shape: Shape) -> tuple[int, int]:
    """Return the numbers of inputs and outputs that meet at one weight, ``D, M`` of ``(D, M)``."""
    if len(shape) <= 2:
        return shape[0], shape[-1]
    return prod(shape[1:]), shape[0] * prod(shape[2:])


def by_variance(variance: Callable[[int, int], float], even: bool) -> Rule:
    """Return the rule of a variance that depends on the fans."""

    def rule(shape: Shape, rng: Generator, name: str) -> Floats:
        square = variance(*fans(shape))
        return (uniform(sqrt(3.0 * square)) if even else normal(sqrt(square)))(shape, rng, name)

    return rule


def reflections(z: Floats) -> Floats:
    """Make orthonormal columns from normal numbers: reflection k sends its part of column k to the axis k.

    Shapes: ``z`` and result ``(R, C)`` with R ≥ C.
    """
    q = np.eye(*z.shape)
    for k in reversed(range(z.shape[1])):
        v = z[k:, k].copy()
        length = np.sqrt(sum_of_rows(v * v))
        sign = 1.0 if v[0] >= 0.0 else -1.0
        v[0] += sign * length
        part = q[k:, k:]
        part -= (2.0 / sum_of_rows(v * v)) * v[:, None] * sum_of_rows(v[:, None] * part)
        part[:, 0] *= -sign
    return q


def sum_of_rows(x: Floats) -> Any:
    """Return ``Σᵢ x[i]`` by halves, in a fixed order that is the same on every machine."""
    while len(x) > 1:
        half = len(x) // 2
        folded = x[:half] + x[half : 2 * half]
        if len(x) % 2:
            folded[0] += x[-1]
        x = folded
    return x[0]


def check_number(what: str, value: Any, least: float = -np.inf) -> float:
    """Return the value as a float; ArgumentError unless it is finite and not below the least."""
    if not is_number(value) or not isfinite(value) or value < least:
        must = f"{what} must be finite{' and not negative' if least == 0.0 else ''}"
        raise ArgumentError("initial weights", must, repr(value), "try 0.01")
    return float(value)


VARIANCES: dict[str, Callable[[int, int], float]] = {
    "he": lambda inputs, outputs: 2.0 / inputs,  # noqa: ARG005
    "glorot": lambda inputs, outputs: 2.0 / (inputs + outputs),
    "lecun": lambda inputs, outputs: 1.0 / inputs,  # noqa: ARG005
}
RULES: dict[str, Rule] = {
    **{name: by_variance(variance, even=False) for name, variance in VARIANCES.items()},
    **{f"{name}_uniform": by_variance(variance, even=True) for name, variance in VARIANCES.items()},
    "orthogonal": orthogonal(),
}
