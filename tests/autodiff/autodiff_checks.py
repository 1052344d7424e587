"""The libraries on which derivatives are tried, and checks along random directions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from asked_backends import is_asked_for

from xpnet.autodiff import Variable, stop_gradient
from xpnet.backend import LIBRARIES, array_namespace, make_backend, missing

PRESENT = [name for name in LIBRARIES if is_asked_for(name) and not missing(LIBRARIES[name])]


class Place:
    """A library with a device: array-api-strict on its second, with the flags off that a GPU would rather not have."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.strict = name == "array-api-strict"

    def inside(self) -> AbstractContextManager[Any]:
        """Let the library compute in float64."""
        with LIBRARIES[self.name].allow("float64"):
            self.backend = make_backend(self.name, "device1" if self.strict else None, "float64")
        if self.strict:
            return self.backend.xp.ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False)
        return LIBRARIES[self.name].allow("float64")

    def asarray(self, values: Any) -> Any:
        host = np.asarray(values)
        return self.backend.asarray(host, dtype="complex128" if host.dtype.kind == "c" else None)

    def asarray_of(self, values: Any) -> Any:
        """An array of the very dtype of the values, such as a mask."""
        return self.backend.asarray(np.asarray(values))

    def to_numpy(self, x: Any) -> np.ndarray:
        x = stop_gradient(x)
        return self.backend.to_numpy(x.value if type(x) is Variable else x)


def real_dot(w: Any, y: Any) -> Any:
    """``Re Σ w y``, a scalar of the result."""
    xp = array_namespace(y, w)
    total = xp.sum(y * w)
    return xp.real(total) if "complex" in str(total.dtype) else total


def slope(function: Callable[..., Any], points: list[Any], directions: list[Any], h: float) -> float:
    """The central difference of a real function along a direction, of order four."""

    def at(step: float) -> float:
        moved = [x + step * v for x, v in zip(points, directions, strict=True)]
        return float(function(*moved))

    return (8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12.0 * h)


def directions_like(points: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    found = []
    for x in points:
        v = rng.standard_normal(x.shape)
        found.append(np.asarray(v + 1j * rng.standard_normal(x.shape) if x.dtype.kind == "c" else v))
    return found
