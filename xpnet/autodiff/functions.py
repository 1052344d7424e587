"""The functions of the namespace: each checks its arguments and records what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.record import apply, apply_value, bare, base, constant, record
from xpnet.autodiff.signatures import Takes
from xpnet.autodiff.table import Rule
from xpnet.autodiff.variable import Variable
from xpnet.autodiff.views import link
from xpnet.backend import array_namespace, dtype_kind
from xpnet.typing import Namespace

WRAPPERS = frozenset((Variable, Batch))


def recorded_function(rule: Rule, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    plain = rule.outputs is None and not rule.operands and takes.alone
    least, most, within = takes.least, takes.most, takes.within

    def recorded(*args: Any, **keywords: Any) -> Any:
        if plain and len(args) == 1 and type(args[0]) is Variable:
            x = args[0]
            value = x.value
            call = recorded if type(value) in WRAPPERS else function
            if keywords:
                if not within(keywords):
                    takes.check(args, keywords)
                y = call(value, **keywords)
            else:
                y = call(value)
            return record(rule, y, (value,), (x.node,), x.node.trace, keywords)
        if not least <= len(args) <= most or (keywords and not within(keywords)):
            takes.check(args, keywords)
        if rule.operands:
            args = (*args, *(keywords.pop(name, None) for name in rule.operands[len(args) :]))
        return as_variable(apply(rule, function, args, keywords))

    return recorded


def as_variable(value: Any) -> Any:
    """Return arrays as constant Variables, alone or in a tuple; return a Variable or batch unchanged."""
    if type(value) in WRAPPERS:
        return value
    if isinstance(value, tuple):
        items = [as_variable(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return constant(value) if hasattr(value, "dtype") and hasattr(value, "shape") else value


def composite_function(function: Callable[..., Any], space: Namespace, takes: Takes) -> Callable[..., Any]:
    least, most, within = takes.least, takes.most, takes.within

    def composed(*args: Any, **keywords: Any) -> Any:
        if not least <= len(args) <= most or (keywords and not within(keywords)):
            takes.check(args, keywords)
        return as_variable(function(space, *args, **keywords))

    return composed


def viewing_function(rule: Rule, recorded: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, which also notes that its result is a view of its argument."""

    def viewing(*args: Any, **keywords: Any) -> Any:
        y = recorded(*args, **keywords)
        x = args[0]
        if (
            type(x) is type(y) is Variable
            and y.node.rule in (rule, None)
            and not keywords.get("copy")
            and y.dtype == x.dtype
        ):
            link(y, x, rule, args[1:], keywords or None)
        return y

    return viewing


def value_only_function(rule: Rule, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    least, most, within = takes.least, takes.most, takes.within

    def value_only(*args: Any, **keywords: Any) -> Any:
        if not least <= len(args) <= most or (keywords and not within(keywords)):
            takes.check(args, keywords)
        return as_variable(apply_value(rule, function, args, {name: bare(arg) for name, arg in keywords.items()}))

    return value_only


def _joined(rule: Any, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    """Return ``concat`` or ``stack``, which take their operands in a list."""

    def joined(*given: Any, **keywords: Any) -> Any:
        if len(given) != 1 or (keywords and not takes.within(keywords)):
            takes.check(given, keywords)
        (arrays,) = given
        return as_variable(apply(rule, lambda *args, **options: function(args, **options), tuple(arrays), keywords))

    return joined


def _asarray(rule: Any, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    """Return ``asarray``, which keeps the history of a Variable and of lists that contain some."""

    def asarray(*given: Any, **keywords: Any) -> Any:
        if len(given) != 1 or (keywords and not takes.within(keywords)):
            takes.check(given, keywords)
        (obj,) = given
        if type(obj) in (list, tuple) and (first := _first_variable(obj)) is not None:
            obj = _stacked(obj, first)
        return as_variable(apply(rule, function, (obj,), keywords))

    return asarray


def _first_variable(items: Any) -> Variable | None:
    """Return a Variable in nested lists, or None if there is none."""
    for item in items:
        found = item if type(item) is Variable else _first_variable(item) if type(item) in (list, tuple) else None
        if found is not None:
            return found
    return None


def _stacked(items: Any, like: Variable) -> Any:
    """Return nested lists as one array; numbers get the dtype of a Variable among them."""
    if type(items) in (list, tuple):
        return like.__array_namespace__().stack([_stacked(item, like) for item in items])
    if hasattr(items, "shape"):
        return items
    return like.__array_namespace__().asarray(items, dtype=like.dtype, device=like.device)


def _astype(rule: Any, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    """Return ``astype``; a result of integers or bools is a constant."""

    def astype(*given: Any, **keywords: Any) -> Any:
        if len(given) != 2 or (keywords and not takes.within(keywords)):
            takes.check(given, keywords)
        y = as_variable(apply(rule, function, given, keywords))
        return y if dtype_kind(y) in ("real", "complex") else constant(base(y))

    return astype


def _sort(rule: Any, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    """Return ``sort``, with the option ``descending``, which NumPy's own lacks."""

    def sorted_either_way(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
        xp = array_namespace(x)
        y = function(x, axis=axis, stable=stable)
        return xp.flip(y, axis=axis) if descending else y

    return recorded_function(rule, sorted_either_way, takes)


def _argsort(rule: Rule, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    """Return ``argsort``; descending, it sorts the flipped array, which leaves equal elements in order."""

    def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
        if not descending:
            return function(x, axis=axis, stable=stable)
        xp = array_namespace(x)
        order = function(xp.flip(x, axis=axis), axis=axis, stable=stable)
        return xp.flip(x.shape[axis] - 1 - order, axis=axis)

    return value_only_function(rule, argsort, takes)


def _eig(rule: Any, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    """Return ``eig``, whose result is always complex; NumPy's own is real if all eigenvalues are."""

    def complex_eig(x: Any, /) -> Any:
        xp = array_namespace(x)
        dtype = xp.result_type(x.dtype, xp.complex64)
        return [xp.astype(part, dtype) for part in function(x)]

    return recorded_function(rule, complex_eig, takes)


def _pinv(rule: Any, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    """Return ``pinv``, whose ``rtol`` may be a Variable; the result has no derivative by it."""

    def pinv(x: Any, /, *, rtol: Any = None) -> Any:
        return function(x, rtol=base(rtol))

    return recorded_function(rule, pinv, takes)


def _isin(rule: Rule, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    """Return ``isin`` of real numbers too, by sorting: the standard has that of integers alone."""

    def isin(x1: Any, x2: Any, /, *, invert: bool = False) -> Any:
        if not all(hasattr(x, "dtype") and dtype_kind(x) == "real" for x in (x1, x2)) or 0 in x2.shape:
            return function(x1, x2, invert=invert)
        xp = array_namespace(x1, x2)
        line, values = xp.reshape(x1, (-1,)), xp.reshape(x2, (-1,))
        number, infinite = ~xp.isnan(line), xp.any(xp.isinf(values) & (values > 0))
        line = xp.where(number, line, xp.zeros_like(line))
        values = xp.sort(xp.where(xp.isnan(values), xp.full_like(values, xp.inf), values))  # a NaN is in nothing
        at = xp.searchsorted(values, line)
        at = xp.where(at == values.shape[0], xp.zeros_like(at), at)
        found = (xp.take(values, at, axis=0) == line) & number & (xp.isfinite(line) | (line < 0) | infinite)
        found = xp.reshape(found, tuple(x1.shape))
        return ~found if invert else found

    return value_only_function(rule, isin, takes)


def _frequencies(rule: Rule, function: Callable[..., Any], takes: Takes) -> Callable[..., Any]:
    """Return ``fftfreq`` or ``rfftfreq``, with the option ``dtype``, which NumPy's own lack."""

    def frequencies(n: int, /, *, dtype: Any = None, **keywords: Any) -> Any:
        y = function(n, **keywords)
        return y if dtype is None else array_namespace(y).astype(y, dtype)

    return value_only_function(rule, frequencies, takes)


SPECIAL: dict[str, Callable[[Any, Callable[..., Any], Takes], Callable[..., Any]]] = {
    "concat": _joined,
    "stack": _joined,
    "asarray": _asarray,
    "astype": _astype,
    "sort": _sort,
    "argsort": _argsort,
    "isin": _isin,
    "linalg.eig": _eig,
    "linalg.pinv": _pinv,
    "fft.fftfreq": _frequencies,
    "fft.rfftfreq": _frequencies,
}
