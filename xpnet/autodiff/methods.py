"""Methods of arrays that the standard lacks and that are in common use, ``x.sum()``, ``x.ravel()``.

Each calls the function of the namespace with the same name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from xpnet.autodiff.foreign import FREE, called
from xpnet.autodiff.idioms.table import refuse
from xpnet.autodiff.record import base
from xpnet.autodiff.variable import Variable
from xpnet.autodiff.views import change
from xpnet.backend import array_namespace, size_of
from xpnet.typing import Namespace

NAMES = (
    *("sum", "prod", "mean", "max", "min", "ptp", "var", "std", "any", "all", "argmax", "argmin", "argsort", "nonzero"),
    *("cumsum", "cumprod", "reshape", "ravel", "flatten", "astype", "copy", "transpose", "dot", "clip", "squeeze"),
    *("swapaxes", "repeat", "take", "diagonal", "trace", "round", "conj", "conjugate", "compress", "searchsorted"),
)


@cache
def _own(plain: Namespace, name: str, *args: Any) -> list[float] | None:
    """Return the result of the method of the library's own arrays for ``[0, 1]``, or None if they lack it."""
    method = getattr(plain.asarray([0.0, 1.0]), name, None)
    if method is None:
        return None
    y = plain.reshape(plain.asarray(method(*args)), (-1,))
    return [float(y[at]) for at in range(y.shape[0])]


def _as_the_library(self: Variable, name: str, named: dict[str, Any]) -> None:
    """Use the library's default where it differs from NumPy's, as in torch's ``x.var()``; refuse another ``repeat``.

    Raises: ``LibraryError``.
    """
    plain = array_namespace(base(self))
    if name in ("var", "std") and not {"ddof", "correction"} & named.keys():
        named["ddof"] = 1.0 if _own(plain, "var") == [0.5] else 0.0
    if name == "repeat" and _own(plain, "repeat", 2) not in (None, [0.0, 0.0, 1.0, 1.0]):
        raise refuse("repeat", "the method, by which this library means another one", "use xp.repeat(x, n) or xp.tile")


def _method(name: str) -> Callable[..., Any]:
    def method(self: Variable, *args: Any, **named: Any) -> Any:
        if name in FREE and (len(args) > 1 or (args and isinstance(args[0], int))):
            args = (args,)
        if "dim" in named:  # torch's name
            named["axis"] = named.pop("dim")
        if "keepdim" in named:
            named["keepdims"] = named.pop("keepdim")
        if name in ("var", "std", "repeat"):
            _as_the_library(self, name, named)
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
    """Return the only element, or the one at the indices, as a Python number; transforms refuse it."""
    x = self[args] if args else self
    kind = type(base(self))
    number = x.number("item")
    return (
        number.item() if hasattr(kind, "item") else complex(number) if "complex" in str(self.dtype) else float(number)
    )


def _tolist(self: Variable) -> Any:
    """Return nested lists of Python numbers; transforms refuse it."""
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
