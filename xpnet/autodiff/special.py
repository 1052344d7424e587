"""``xp.special``, the special functions of Variables under SciPy's names.

SciPy itself looks for an array's own ``special`` before it converts the array to NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from xpnet.autodiff.functions import as_variable
from xpnet.autodiff.instead import nearest
from xpnet.autodiff.rules import special_polynomials  # noqa: F401 (which declares some)
from xpnet.autodiff.rules.reductions import reduced_axes
from xpnet.autodiff.rules.special import SPECIAL, call
from xpnet.autodiff.table import base
from xpnet.backend import array_namespace, dtype_kind
from xpnet.errors import RuleMissingError
from xpnet.typing import Namespace


def softmax(x: Any, axis: Any = None) -> Any:
    """Return ``exp(x) / Σ exp(x)``."""
    xp = array_namespace(x)
    y = xp.exp(x - _largest(x, axis))
    return y / xp.sum(y, axis=axis, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """Return ``x - log Σ exp(x)``."""
    xp = array_namespace(x)
    y = x - _largest(x, axis)
    return y - xp.log(xp.sum(xp.exp(y), axis=axis, keepdims=True))


def logsumexp(x: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    """Return ``log Σ b exp(x)``."""
    xp = array_namespace(x)
    largest = _largest(x, axis)
    terms = xp.exp(x - largest)
    y = xp.log(xp.sum(terms if b is None else b * terms, axis=axis, keepdims=True)) + largest
    axes = reduced_axes(x, axis)
    return y if keepdims or not axes else xp.squeeze(y, axis=axes)


def _largest(x: Any, axis: Any) -> Any:
    """Return the largest x as a constant, or 0 where it is infinite."""
    array = base(x)
    xp = array_namespace(array)
    largest = xp.max(xp.real(array) if dtype_kind(array) == "complex" else array, axis=axis, keepdims=True)
    return xp.where(xp.isfinite(largest), largest, xp.zeros_like(largest))


def boxcox(x: Any, lmbda: Any) -> Any:
    """Return ``(x^λ - 1) / λ``, or ``log x`` where λ is 0."""
    log = array_namespace(x).log(x)
    return log * call("exprel", log * lmbda)


def boxcox1p(x: Any, lmbda: Any) -> Any:
    """Return ``boxcox(1 + x, λ)``."""
    log = array_namespace(x).log1p(x)
    return log * call("exprel", log * lmbda)


MADE_OF = {function.__name__: function for function in (softmax, log_softmax, logsumexp, boxcox, boxcox1p)}
"""The functions ``xp.special.<name>`` that are composed of others and of the standard."""

OTHER_NAMES = {"psi": "digamma"}


class Special(ModuleType):
    """The special functions of Variables over one library."""

    def __init__(self, space: Namespace) -> None:
        super().__init__(f"{space.__name__}.special", self.__doc__)
        names = {**dict(zip(SPECIAL, SPECIAL, strict=True)), **OTHER_NAMES}
        made = {name: partial(call, rule) for name, rule in names.items()} | MADE_OF
        for name, function in made.items():
            setattr(self, name, _of_variables(name, function, space))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        must = "a special function of Variables must have a rule"
        remedy = nearest(name, (*SPECIAL, *MADE_OF), "give it one with xn.elementwise")
        raise RuleMissingError(self.__name__, must, name, remedy)


def _of_variables(name: str, function: Callable[..., Any], space: Namespace) -> Callable[..., Any]:
    """Return the function with Variables as results; a composed function also gets its first argument as a Variable."""

    def recorded(*args: Any, **keywords: Any) -> Any:
        if name in MADE_OF:
            args = (space.asarray(args[0]), *args[1:])
        return as_variable(function(*args, **keywords))

    recorded.__name__ = recorded.__qualname__ = name
    recorded.__doc__ = function.__doc__
    return recorded
