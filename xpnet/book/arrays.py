"""The names that the book takes from NumPy: the module ``np``, arrays of numbers and lists, random numbers."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import numpy

from xpnet.backend import Backend, array_namespace, dtype_kind, get_backend, is_array, make_backend, to_numpy
from xpnet.random import Floats, Generator, Shape
from xpnet.typing import Array


def __getattr__(name: str) -> Any:
    """Return ``np``: NumPy, or on CuPy a module with the same functions."""
    if name != "np":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    library = get_backend().library
    twin = import_module(library.module)
    return LikeNumPy(twin) if twin is not numpy and hasattr(twin, "ndarray") else numpy


class LikeNumPy(ModuleType):
    """A library with NumPy's functions, whose random numbers are NumPy's own: the same on every backend."""

    def __init__(self, twin: ModuleType) -> None:
        super().__init__(twin.__name__, twin.__doc__)
        self.twin = twin
        self.random = HostRandom()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.twin, name)


class HostRandom:
    """The functions of ``numpy.random``, whose arrays are on the current backend."""

    def __getattr__(self, name: str) -> Any:
        drawn = getattr(numpy.random, name)

        def on_the_backend(*args: Any, **named: Any) -> Any:
            numbers = drawn(*map(on_the_host, args), **{name: on_the_host(value) for name, value in named.items()})
            if not isinstance(numbers, numpy.ndarray):
                return numbers
            return get_backend().asarray(numbers, dtype=numbers.dtype.name)

        return on_the_backend


def on_the_host(value: Any) -> Any:
    """Return an array as NumPy's, and anything else unchanged."""
    return to_numpy(value) if is_array(value) else value


def as_array(x: Any) -> Any:
    """Return an array unchanged, and a number or a list as a float64 array of the current backend, as in the book."""
    if is_array(x) and type(x) not in (int, float):
        return x
    host = numpy.asarray(x)
    return get_backend().asarray(host, dtype="float64" if host.dtype.kind == "f" else None)


def as_floating(x: Any) -> Array:
    """Return an array or number as ``as_array`` does, with integers as float64."""
    array: Array = as_array(x)
    xp = array_namespace(array)
    return array if dtype_kind(array) in ("real", "complex") else xp.astype(array, xp.float64)


def as_labels(t: Array) -> Array:
    """Return class indices from class indices, one for each row or ``(N, 1)``, or from one-hot rows.

    Shapes: ``t (N,)``, ``(N, 1)`` or ``(N, K)``; result ``(N,)``.
    """
    xp = array_namespace(t)
    if t.ndim < 2:
        return t
    return t[:, 0] if t.shape[1] == 1 else xp.argmax(t, axis=1)


def doubles() -> Backend:
    """Return the current backend in float64, the dtype of the book's weights."""
    return make_backend(get_backend(), dtype="float64")


class GlobalGenerator(Generator):
    """A generator that draws from NumPy's global one in the order of the calls, as the book does."""

    def normal(self, shape: Shape, name: str, step: int = 0, use: int = 0, start: int = 0) -> Floats:  # noqa: ARG002
        """Return standard normal numbers, ``numpy.random.randn``."""
        return numpy.random.standard_normal(shape)
