"""Initial values of parameters, drawn on the host from named streams."""

from __future__ import annotations

from math import isfinite, sqrt
from numbers import Integral
from typing import Any

import numpy as np

from xpnet.backend import get_backend
from xpnet.errors import ArgumentError
from xpnet.random import Generator
from xpnet.typing import Array

# σ² n for each rule, where n is the sum of the sizes named by the axes of W
RULES = {"he": (2.0, (0,)), "glorot": (2.0, (0, 1)), "lecun": (1.0, (0,))}


def normal_weights(shape: tuple[int, int], init: str | float, rng: Generator, name: str) -> Array:
    """Weights of the current backend, ``W = σ z`` with z standard normal.

    ``init`` is σ itself or ``"he"`` (√(2/D)), ``"glorot"`` (√(2/(D + M))), ``"lecun"`` (√(1/D)).

    Shapes: ``W (D, M)``.
    Raises: ``ArgumentError`` for an unknown name or sizes that are no positive integers.
    Source: Glorot and Bengio, 2010; He et al., 2015, section 2.2; LeCun et al., 1998, section 4.6.
    """
    for size in shape:
        check_size("initial weights", "each size", size)
    if isinstance(init, str):
        if init not in RULES:
            raise ArgumentError(
                "initial weights", f"init must be one of {', '.join(RULES)} or a number", repr(init), "choose one"
            )
        numerator, axes = RULES[init]
        scale = sqrt(numerator / sum(shape[axis] for axis in axes))
    else:
        scale = float(init)
        if not isfinite(scale) or scale < 0.0:
            raise ArgumentError("initial weights", "σ must be finite and not negative", repr(init), "try 0.01")
    return get_backend().asarray(scale * rng.normal(shape, name))


def zeros(shape: tuple[int, ...]) -> Array:
    """Zeros of the current backend, ``b = 0``."""
    return get_backend().asarray(np.zeros(shape))


def check_size(who: str, what: str, size: Any) -> None:
    """Raise ArgumentError unless the size is a positive integer."""
    if isinstance(size, bool) or not isinstance(size, Integral) or int(size) < 1:
        raise ArgumentError(who, f"{what} must be a positive integer", repr(size), "give a whole number from 1")
