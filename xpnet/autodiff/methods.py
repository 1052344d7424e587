"""The methods of arrays that the standard has not and that one types without thinking, ``x.sum()``, ``x.ravel()``.

Each is the function of the namespace by that name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet.autodiff.foreign import FREE, called
from xpnet.autodiff.record import base
from xpnet.autodiff.variable import Variable
from xpnet.autodiff.views import change
from xpnet.backend import size_of

NAMES = (
    *("sum", "prod", "mean", "max", "min", "ptp", "var", "std", "any", "all", "argmax", "argmin", "argsort", "nonzero"),
    *("cumsum", "cumprod", "reshape", "ravel", "flatten", "astype", "copy", "transpose", "dot", "clip", "squeeze"),
    *("swapaxes", "repeat", "take", "diagonal", "trace", "round", "conj", "conjugate", "compress", "searchsorted"),
)


def _method(name: str) -> Callable[..., Any]:
    def method(self: Variable, *args: Any, **named: Any) -> Any:
        if name in FREE and (len(args) > 1 or (args and isinstance(args[0], int))):
            args = (args,)
        if "dim" in named:  # torch's word
            named["axis"] = named.pop("dim")
        if "keepdim" in named:
            named["keepdims"] = named.pop("keepdim")
        return called(self.__array_namespace__(), name, (self, *args), named)

    method.__name__ = name
    method.__doc__ = f"Return ``xp.{name}(x, …)`` with NumPy's arguments."
    return method


def _sort(self: Variable, axis: int = -1, kind: Any = None) -> None:
    """Sort the array in place."""
    change(self, called(self.__array_namespace__(), "sort", (self, axis), {"kind": kind}))


def _fill(self: Variable, value: Any) -> None:
    """Assign the value to all elements."""
    self[...] = value


def _item(self: Variable, *args: int) -> Any:
    """Return the one element as a Python number, outside of transforms."""
    x = self[args] if args else self
    kind = type(base(self))
    number = x.number("item")
    return (
        number.item() if hasattr(kind, "item") else complex(number) if "complex" in str(self.dtype) else float(number)
    )


def _tolist(self: Variable) -> Any:
    """Return nested lists of Python numbers, outside of transforms."""
    return [_tolist(item) for item in self] if self.ndim else _item(self)


METHODS: dict[str, Any] = {
    **{name: _method(name) for name in NAMES},
    "sort": _sort,
    "fill": _fill,
    "item": _item,
    "tolist": _tolist,
    "real": property(lambda x: called(x.__array_namespace__(), "real", (x,), {})),
    "imag": property(lambda x: called(x.__array_namespace__(), "imag", (x,), {})),
    "flat": property(lambda x: iter(x.ravel())),
    "itemsize": property(lambda x: base(x).itemsize),
    "nbytes": property(lambda x: size_of(base(x)) * base(x).itemsize),
}
