"""Functions of NumPy and CuPy called on Variables, ``np.exp(x)``, ``cp.sum(x)``: each is passed to the namespace.

NumPy asks an argument for ``__array_ufunc__`` and ``__array_function__``. CuPy asks for
``__cupy_override_elementwise_kernel__`` and passes a kernel, which is known by its name; ``cp.sum`` and similar
functions call a method of the argument. Functions that convert the argument to an array, as ``cp.concatenate`` does,
are refused, because the history would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from xpnet.autodiff.functions import WRAPPERS
from xpnet.autodiff.idioms import IDIOMS
from xpnet.autodiff.idioms.places import added_at
from xpnet.autodiff.idioms.reductions import ACCUMULATE, REDUCE
from xpnet.autodiff.idioms.table import refuse
from xpnet.autodiff.instead import nearest
from xpnet.autodiff.variable import Variable
from xpnet.autodiff.views import change
from xpnet.errors import RuleMissingError
from xpnet.typing import Namespace

WHO = "Variable"
CUPY_PREFIXES = ("cupyx_scipy_special_", "cupy_")

ORDERS = {
    **dict.fromkeys(("sum", "prod", "mean"), ("axis", "dtype", "out", "keepdims")),
    **dict.fromkeys(("max", "min", "amax", "amin", "ptp", "any", "all"), ("axis", "out", "keepdims")),
    **dict.fromkeys(("var", "std"), ("axis", "dtype", "out", "ddof", "keepdims")),
    **dict.fromkeys(("argmax", "argmin"), ("axis", "out", "keepdims")),
    **dict.fromkeys(("cumsum", "cumprod"), ("axis", "dtype", "out")),
    "clip": ("a_min", "a_max", "out"),
    "take": ("indices", "axis", "out", "mode"),
    "trace": ("offset", "axis1", "axis2", "dtype", "out"),
    "dot": ("b", "out"),
    "round": ("decimals", "out"),
    "diagonal": ("offset", "axis1", "axis2"),
}
"""The order of the arguments after the first, for functions that NumPy and CuPy call with all of them."""

FREE = ("reshape", "transpose", "squeeze", "tile")  # whose shapes and axes may stand alone or in a tuple


def function_named(xp: Namespace, name: str) -> Callable[..., Any]:
    """Return the function on Variables that NumPy calls by this name, such as ``linalg.norm``.

    Raises: ``RuleMissingError``, which names the most similar function that has a rule.
    """
    if name in IDIOMS:
        return lambda *args, **named: IDIOMS[name](xp, *args, **named)
    extension, _, short = name.rpartition(".")
    space = getattr(xp, extension) if extension in ("linalg", "fft", "special") else xp
    for place in (space, xp.special):
        found: Callable[..., Any] | None = getattr(place, short, None)
        if found is not None:
            return found
    known = [*IDIOMS, *(name for name in (*dir(space), *dir(xp.special)) if not name.startswith("_"))]
    must, remedy = "a function of Variables must have a rule", "give it one with xn.elementwise or xn.custom_vjp"
    raise RuleMissingError(WHO, must, name, nearest(name, known, remedy))


def called(xp: Namespace, name: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return the result of the function of this name, called with NumPy's arguments."""
    if name in ORDERS and len(args) > 1:
        named = dict(zip(ORDERS[name], args[1:], strict=False)) | named
        args = args[:1]
    named = {key: value for key, value in named.items() if not _is_default(key, value)}
    out = named.pop("out", None)
    out = out[0] if type(out) is tuple else out
    if out is not None and type(out) is not Variable:
        raise refuse(name, "the argument out", "leave it out: only a Variable can be given one")
    args = tuple(arg.item() if isinstance(arg, np.generic) else arg for arg in args)
    try:
        y = function_named(xp, name)(*args, **named)
    except TypeError as error:
        if "unexpected keyword argument" in str(error):
            raise refuse(name, str(error).rpartition(" ")[2], "leave it out") from error
        raise
    if out is None:
        return y
    change(out, xp.astype(xp.broadcast_to(y, out.shape), out.dtype))
    return out


DEFAULTS = {
    "order": ("K", "C"),
    "subok": (True, False),
    "casting": ("same_kind", "unsafe"),
    "keepdims": (False,),
    "where": (True,),
    "copy": (False,),
}


def _is_default(key: str, value: Any) -> bool:
    """Return whether an argument has a value that changes nothing, such as NumPy's default."""
    if type(value).__name__ == "_NoValueType" or (value is None and key != "axis"):  # to sort, None is no default
        return True
    return type(value) in (bool, str) and value in DEFAULTS.get(key, ())


def variables(items: Any) -> Iterator[Any]:
    """Yield the Variables and batches among arguments, also those inside lists and tuples."""
    for item in items:
        if type(item) in WRAPPERS:
            yield item
        elif isinstance(item, list | tuple):
            yield from variables(item)


def array_function(function: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return the result of one of NumPy's functions."""
    xp = next(variables((*args, *named.values()))).__array_namespace__()
    module = str(function.__module__).removeprefix("numpy").strip(".")
    name = str(function.__name__)
    full = f"{module}.{name}" if module in ("linalg", "fft") else name
    return called(xp, full, args, dict(named))


def array_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return the result of one of NumPy's or SciPy's ufuncs, or of its reduction."""
    xp = next(variables((*inputs, *named.get("out", ())))).__array_namespace__()
    name = str(ufunc.__name__)
    if method == "__call__":
        return called(xp, name, inputs, dict(named))
    if method == "outer" and not named:
        a, b = (xp.asarray(x) for x in inputs)
        return function_named(xp, name)(a[(..., *(None,) * b.ndim)], b)
    if method == "at" and name in ("add", "subtract") and type(inputs[0]) is Variable:
        x, key, values = inputs
        return change(x, added_at(xp, x, key, values, 1.0 if name == "add" else -1.0))
    table = {"reduce": REDUCE, "accumulate": ACCUMULATE}.get(method, {})
    if name not in table:
        raise refuse(
            f"{name}.{method}", "one without a rule", f"the nearest that has one is {next(iter(REDUCE))}.reduce"
        )
    axis = inputs[1] if len(inputs) > 1 else named.pop("axis", 0)
    named = {key: value for key, value in named.items() if not _is_default(key, value)}
    return table[name](xp, inputs[0], axis=axis, **named)


def elementwise(xp: Namespace, kernel: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return the result of one of CuPy's elementwise kernels for Variables and arrays.

    Raises: ``LibraryError`` for an unknown kernel, and for ``out``.
    """
    name = str(kernel.name)
    known = ""  # of somebody's own kernel, whatever it is called
    for prefix in CUPY_PREFIXES:
        if name.startswith(prefix):
            name = name.removeprefix(prefix)
            known = name
    dtype = named.pop("dtype", None)
    if len(args) > kernel.nin or named:
        raise refuse(name, f"the argument {next(iter(named), 'out')}", "leave it out: a Variable is not written to")
    if not known or kernel.nout > 1:
        raise refuse(name, "a kernel whose derivative is not known", "give it one with xn.elementwise")
    try:
        result = function_named(xp, known)(*args)
    except RuleMissingError as error:
        raise refuse(name, "a kernel whose derivative is not known", error.remedy) from error
    return result if dtype is None else xp.astype(result, dtype, copy=False)
