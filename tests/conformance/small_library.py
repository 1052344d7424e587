"""A library with arrays of its own, whole or damaged."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

import array_api_compat.numpy as whole
import numpy as np

from xpnet.autodiff.namespace import DTYPES, VALUES
from xpnet.autodiff.rules import COMPOSITES, RULES

OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")


def library(name: str = "small_library", **changes: Any) -> ModuleType:
    """A library with arrays of its own around NumPy's; ``changes`` replaces functions, or removes them with None."""
    module = ModuleType(name)

    class Array:
        def __init__(self, values: Any) -> None:
            self.values = values

        dtype = property(lambda self: self.values.dtype)
        shape = property(lambda self: self.values.shape)
        ndim = property(lambda self: self.values.ndim)
        size = property(lambda self: self.values.size)
        T = property(lambda self: Array(self.values.T))
        mT = property(lambda self: Array(self.values.mT))
        device = "cpu"
        __hash__ = None

        def to_device(self, device: str) -> Array:
            return self

        def __array_namespace__(self, api_version: str | None = None) -> ModuleType:
            return module

        def __dlpack__(self, **keywords: Any) -> Any:
            return self.values.__dlpack__(**keywords)

        def __dlpack_device__(self) -> Any:
            return self.values.__dlpack_device__()

        def __getitem__(self, key: Any) -> Array:
            return outside(self.values[inside(key)])

        def __setitem__(self, key: Any, value: Any) -> None:
            self.values[inside(key)] = inside(value)

    def inside(value: Any) -> Any:
        if type(value) in (tuple, list):
            return type(value)(map(inside, value))
        return value.values if type(value) is Array else value

    def outside(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            return Array(np.asarray(value))
        if isinstance(value, tuple) and any(isinstance(item, np.ndarray) for item in value):
            items = map(outside, value)
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        return value

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            return outside(function(*inside(args), **{key: inside(value) for key, value in keywords.items()}))

        return call

    def binary(operate: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
        def known(other: Any) -> bool:
            return type(other) in (Array, int, float, complex, bool)

        def method(self: Array, other: Any) -> Any:
            return outside(operate(self.values, inside(other))) if known(other) else NotImplemented

        def reflected(self: Array, other: Any) -> Any:
            return outside(operate(inside(other), self.values)) if known(other) else NotImplemented

        return method, reflected

    for short in (*OPERATORS, *COMPARISONS):
        operate = getattr(operator, f"{short}_" if short in ("and", "or") else short)
        method, reflected = binary(changes.pop(f"__{short}__", operate))
        setattr(Array, f"__{short}__", method)
        if short in OPERATORS:
            setattr(Array, f"__r{short}__", reflected)
    for short in ("neg", "pos", "abs", "invert"):
        setattr(Array, f"__{short}__", wrapped(getattr(operator, short)))
    for short, convert in {"bool": bool, "int": int, "float": float, "complex": complex}.items():
        setattr(Array, f"__{short}__", lambda self, convert=convert: convert(self.values))
    Array.__index__ = lambda self: operator.index(self.values)

    for full in (*RULES, *COMPOSITES, *VALUES):
        function = changes[full] if full in changes else of(whole, full)
        if function is not None:
            *extension, short = full.split(".")
            place = module
            for part in extension:
                place = place.__dict__.setdefault(part, ModuleType(f"{name}.{part}"))
            setattr(place, short, wrapped(function))
    for short in (*DTYPES, "pi", "e", "inf", "nan", "newaxis", "__array_namespace_info__"):
        if hasattr(whole, short):
            setattr(module, short, getattr(whole, short))
    return module


def of(module: Any, full: str) -> Any:
    """A function by its full name, None where a module has no such."""
    for part in full.split("."):
        module = getattr(module, part, None)
    return module


def refuse(*_: Any, **__: Any) -> Any:
    raise ArithmeticError("no hyperbolas\nhere")


DAMAGE = {
    "fft.hfft": None,
    "argmin": None,
    "tan": lambda x: np.tan(x) * (1.0 + 1e-6),
    "cosh": refuse,
    "__floordiv__": operator.truediv,
}
