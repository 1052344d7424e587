"""One check of code that others wrote: a function of arrays, its points, and whether its gradient is right."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np

from xpnet.autodiff import value_and_grad
from xpnet.backend import Backend
from xpnet.errors import XpnetError

Host = np.ndarray[Any, Any]
STEP = 1e-3


@dataclass(frozen=True)
class Check:
    """``call(*arrays)`` of somebody's function at these points; ``name`` says whose and which.

    The result may be an array, a tuple or list of arrays, or an object whose ``fields`` are arrays.
    """

    name: str
    call: Callable[..., Any]
    points: tuple[Host, ...]

    def scalar(self, *arrays: Any) -> Any:
        """A weighted sum of all that the function returns."""
        total: Any = 0.0
        xp = array_api_compat.array_namespace(*arrays)
        for x in arrays:
            total = total + 0.0 * xp.sum(x)  # a function may not use all of them
        for at, y in enumerate(flat(self.call(*arrays))):
            if isinstance(y, float):
                total = total + np.cos(1.0 + at) * y
            elif "complex" in str(y.dtype):
                total = total + weighed(xp, xp.real(y), at) + weighed(xp, xp.imag(y), at + 7)
            elif "float" in str(y.dtype):
                total = total + weighed(xp, y, at)
        return total

    def expected(self) -> list[Host]:
        """The gradients by differences of order four on plain NumPy."""
        return [differences(self.scalar, self.points, at) for at in range(len(self.points))]

    def outcome(self, backend: Backend, expected: Callable[[], list[Host]]) -> tuple[str, str]:
        """Return ``right``, ``wrong``, ``refused`` or, with a NaN, ``lost``, and what to say of it.

        What is expected is asked for where there is something to compare.
        """
        arrays = tuple(backend.asarray(x) for x in self.points)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _, found = value_and_grad(self.scalar, tuple(range(len(arrays))))(*arrays)
        except XpnetError as error:
            return "refused", str(error)
        except Exception as error:  # somebody's code, or a library that lacks what it asks for
            return "refused", f"{type(error).__name__}: {error}"
        for d, e in zip(found, expected(), strict=True):
            host = backend.to_numpy(d)
            if np.any(np.isnan(host)):
                return "lost", f"a NaN in the gradient, {host.ravel()[:4]}"
            if not np.allclose(host, e, rtol=1e-6, atol=1e-7 * (1.0 + np.max(np.abs(e), initial=0.0)), equal_nan=False):
                return "wrong", f"{host.ravel()[:6]} for {e.ravel()[:6]}"
        return "right", ""


def flat(y: Any) -> list[Any]:
    if isinstance(y, tuple | list):
        return [item for part in y for item in flat(part)]
    if isinstance(y, dict):
        return [item for part in y.values() for item in flat(part)]
    return [y] if hasattr(y, "dtype") or isinstance(y, float) else []


def weighed(xp: Any, y: Any, at: int) -> Any:
    w = np.cos(1.0 + at + 1.7 * np.arange(math.prod(y.shape))).reshape(tuple(y.shape))
    return xp.sum(y * xp.asarray(w.tolist(), dtype=y.dtype))


def differences(f: Callable[..., Any], points: tuple[Host, ...], at: int) -> Host:
    """The derivative by every element of one argument."""
    d = np.zeros(points[at].shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for place in np.ndindex(*points[at].shape):

            def moved(step: float, place: Any = place) -> float:
                copies = [x.copy() for x in points]  # a function may write into its arguments
                copies[at][place] += step * STEP
                return float(f(*copies))

            d[place] = (8.0 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12.0 * STEP)
    return d


def like(x: Any, values: Any) -> Any:
    """An array of these values beside x."""
    xp = array_api_compat.array_namespace(x)
    return xp.asarray(values, dtype=x.dtype)


def some(*shape: int, seed: int = 0) -> Host:
    return np.asarray(np.random.default_rng([seed, *shape]).standard_normal(shape))


def positive(*shape: int, seed: int = 0) -> Host:
    return np.asarray(0.4 + np.random.default_rng([seed, *shape]).random(shape))


def inside(*shape: int, seed: int = 0) -> Host:
    """Numbers between 0.1 and 0.9."""
    return np.asarray(0.1 + 0.8 * np.random.default_rng([seed, *shape]).random(shape))
