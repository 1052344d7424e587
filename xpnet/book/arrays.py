"""What the book takes from NumPy: the module ``np``, arrays of numbers and lists, and random numbers."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy

from xpnet.backend import Backend, array_namespace, dtype_kind, get_backend, is_array, make_backend
from xpnet.random import Floats, Generator, Shape
from xpnet.typing import Array


def __getattr__(name: str) -> Any:
    """``np``: the current backend's own NumPy, which is CuPy on CuPy; NumPy where the library is not like it."""
    if name != "np":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(get_backend().library.module)
    return module if hasattr(getattr(module, "random", None), "randn") else numpy


def as_array(x: Any) -> Array:
    """An array as it is; a number or a list as an array of the current backend, in float64 as the book's are."""
    if is_array(x) and type(x) not in (int, float):
        return x
    host = numpy.asarray(x)
    return get_backend().asarray(host, dtype="float64" if host.dtype.kind == "f" else None)


def as_floating(x: Any) -> Array:
    """The same, and integers as float64."""
    x = as_array(x)
    if dtype_kind(x) in ("real", "complex"):
        return x
    xp = array_namespace(x)
    floating: Array = xp.astype(x, xp.float64)
    return floating


def as_labels(t: Array) -> Array:
    """Class indices from class indices, one for each row or ``(N, 1)``, or from one-hot rows.

    Shapes: ``t (N,)``, ``(N, 1)`` or ``(N, K)``; result ``(N,)``.
    """
    xp = array_namespace(t)
    if t.ndim < 2:
        return t
    labels: Array = t[:, 0] if t.shape[1] == 1 else xp.argmax(t, axis=1)
    return labels


def doubles() -> Backend:
    """The current backend in float64, the dtype of the book's weights."""
    return make_backend(get_backend(), dtype="float64")


class GlobalGenerator(Generator):
    """Numbers of NumPy's global generator in the order in which they are asked for, as in the book."""

    def normal(self, shape: Shape, name: str, step: int = 0, use: int = 0) -> Floats:  # noqa: ARG002
        """Standard normal numbers, ``numpy.random.randn``."""
        return numpy.random.standard_normal(shape)
