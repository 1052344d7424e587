"""The namespace of Variables: one module per library, whose functions record what they do.

Every function of the standard is in exactly one of three lists: *differentiable*, with a rule or made of
functions that have one; *value only*, whose results are constants; *refused*, with a reason. Results are
Variables; where nothing is differentiated, constant ones.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from xpnet.autodiff.instead import remedy_for
from xpnet.autodiff.record import apply, bare, base, constant, record
from xpnet.autodiff.rules import COMPOSITES, RULES, Rule
from xpnet.autodiff.variable import SPACES, Variable
from xpnet.backend import array_namespace, dtype_kind
from xpnet.errors import DtypeError, XpnetError
from xpnet.typing import Namespace

EXTENSIONS = ("linalg", "fft")

CONSTANTS = ("e", "inf", "nan", "newaxis", "pi", "__array_api_version__", "__array_namespace_info__")

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
)

VALUE_ONLY: dict[str, str] = {
    **dict.fromkeys(
        (
            *("arange", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace", "ones"),
            *("ones_like", "zeros", "zeros_like", "fft.fftfreq", "fft.rfftfreq"),
        ),
        "creates a constant",
    ),
    **dict.fromkeys(
        (
            *("equal", "greater", "greater_equal", "less", "less_equal", "not_equal", "isfinite", "isin", "isinf"),
            *("isnan", "signbit", "all", "any", "logical_and", "logical_not", "logical_or", "logical_xor"),
        ),
        "true or false",
    ),
    **dict.fromkeys(
        ("argmax", "argmin", "argsort", "count_nonzero", "nonzero", "searchsorted", "linalg.matrix_rank"),
        "counts or positions",
    ),
    **dict.fromkeys(("ceil", "floor", "floor_divide", "round", "trunc"), "derivative 0 between jumps"),
    **dict.fromkeys(
        ("bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor"),
        "integers",
    ),
    **dict.fromkeys(
        ("broadcast_shapes", "can_cast", "finfo", "iinfo", "isdtype", "result_type"), "about dtypes and shapes"
    ),
}

REFUSED: dict[str, tuple[str, str]] = {
    "nextafter": ("its result is a number beside x and no function of it that has a derivative", "use x itself"),
    **dict.fromkeys(
        ("unique_all", "unique_counts", "unique_inverse", "unique_values"),
        ("the shape of its result depends on the values", "use sort, or stop_gradient(x) where values will do"),
    ),
    **dict.fromkeys(
        ("linalg.eig", "linalg.eigvals"),
        ("eigenvalues of general matrices need not be differentiable", "use eigh or eigvalsh of a symmetric matrix"),
    ),
}


class RefusedError(XpnetError, NotImplementedError):
    """A function that is not differentiated, and why."""


class RuleMissingError(XpnetError, AttributeError):
    """A function for which there is no rule."""


class DifferentiableNamespace(ModuleType):
    """The array API namespace of Variables over one library; ``differentiates`` is that library's own."""

    differentiates: Namespace

    def __init__(self, over: Namespace, prefix: str = "") -> None:
        name = over.__name__ if not prefix else f"{over.__name__}.{prefix[:-1]}"
        super().__init__(f"xpnet.autodiff.over.{name}", self.__doc__)
        self.__dict__["differentiates"] = over
        functions = over if not prefix else getattr(over, prefix[:-1])
        for full in (*RULES, *COMPOSITES, *VALUE_ONLY, *REFUSED):
            head, _, short = full.rpartition(".")
            if head == prefix[:-1] and (hasattr(functions, short) or full in COMPOSITES):
                setattr(self, short, self._function(full, getattr(functions, short, None)))
        for short in (*CONSTANTS, *DTYPES) if not prefix else ():
            if hasattr(over, short):
                setattr(self, short, getattr(over, short))
        for extension in EXTENSIONS if not prefix else ():
            if hasattr(over, extension):
                setattr(self, extension, DifferentiableNamespace(over, f"{extension}."))

    def _function(self, full: str, function: Any) -> Callable[..., Any]:
        if full in SPECIAL:
            made = SPECIAL[full](RULES.get(full), function)
        elif full in COMPOSITES:
            made = _composite(COMPOSITES[full][0], self.differentiates)
        elif full in RULES:
            made = _recorded(RULES[full], function)
        elif full in VALUE_ONLY:
            made = _value_only(function)
        else:
            made = _refused(full)
        made.__name__ = made.__qualname__ = full.rpartition(".")[2]
        made.__doc__ = getattr(function, "__doc__", None)
        return made

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise RuleMissingError(
            self.__name__,
            "a function of Variables must be one of the array API standard",
            name,
            remedy_for(name, RULES, "write it with functions that are, or give it a rule as a Layer with a backward"),
        )


def _recorded(rule: Rule, function: Callable[..., Any]) -> Callable[..., Any]:
    plain = rule.outputs is None and not rule.operands

    def recorded(*args: Any, **keywords: Any) -> Any:
        if plain and len(args) == 1 and type(args[0]) is Variable:
            x = args[0]
            value = x.value
            call = recorded if type(value) is Variable else function
            y = call(value, **keywords) if keywords else call(value)
            return record(rule, y, (value,), (x.node,), x.node.trace, keywords)
        if rule.operands:
            args = (*args, *(keywords.pop(name, None) for name in rule.operands[len(args) :]))
        return as_variable(apply(rule, function, args, keywords))

    return recorded


def as_variable(value: Any) -> Any:
    """Arrays as constant Variables, alone or in a tuple."""
    if type(value) is Variable:
        return value
    if isinstance(value, tuple):
        items = [as_variable(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return constant(value) if hasattr(value, "dtype") and hasattr(value, "shape") else value


def _composite(function: Callable[..., Any], over: Namespace) -> Callable[..., Any]:
    def composed(*args: Any, **keywords: Any) -> Any:
        return function(namespace_over(over), *args, **keywords)

    return composed


def _value_only(function: Callable[..., Any]) -> Callable[..., Any]:
    def value_only(*args: Any, **keywords: Any) -> Any:
        answer = function(*(bare(arg) for arg in args), **{name: bare(arg) for name, arg in keywords.items()})
        return as_variable(answer)

    return value_only


def _refused(full: str) -> Callable[..., Any]:
    reason, remedy = REFUSED[full]

    def refused(*_: Any, **__: Any) -> Any:
        raise RefusedError(full, "the function must have a derivative", reason, remedy)

    return refused


def _joined(rule: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """``concat`` and ``stack``, whose operands come in a list."""

    def joined(arrays: Any, /, **keywords: Any) -> Any:
        return as_variable(apply(rule, lambda *args, **options: function(args, **options), tuple(arrays), keywords))

    return joined


def _asarray(rule: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """``asarray``, which keeps the history of a Variable and refuses a list of them."""

    def asarray(obj: Any, /, **keywords: Any) -> Any:
        if type(obj) in (list, tuple) and _holds_variable(obj):
            raise DtypeError(
                "asarray",
                "obj must be an array, a number or a list of numbers",
                "a list that holds Variables",
                "use xp.stack(list) or xp.concat(list)",
            )
        return as_variable(apply(rule, function, (obj,), keywords))

    return asarray


def _holds_variable(items: Any) -> bool:
    return any(type(item) is Variable or (type(item) in (list, tuple) and _holds_variable(item)) for item in items)


def _astype(rule: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """``astype``; to integers and bools its result is a constant."""

    def astype(x: Any, dtype: Any, /, **keywords: Any) -> Any:
        y = as_variable(apply(rule, function, (x, dtype), keywords))
        return y if dtype_kind(y) in ("real", "complex") else constant(base(y))

    return astype


def _sort(rule: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """``sort``; NumPy's own cannot sort downwards."""

    def sorted_either_way(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
        xp = array_namespace(x)
        y = function(x, axis=axis, stable=stable)
        return xp.flip(y, axis=axis) if descending else y

    return lambda x, /, **keywords: as_variable(apply(rule, sorted_either_way, (x,), keywords))


def _argsort(_: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """``argsort``; downwards by sorting the flipped array upwards, which leaves equal elements in order."""

    def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
        x = base(x)
        if not descending:
            return constant(function(x, axis=axis, stable=stable))
        xp = array_namespace(x)
        order = function(xp.flip(x, axis=axis), axis=axis, stable=stable)
        return constant(xp.flip(x.shape[axis] - 1 - order, axis=axis))

    return argsort


SPECIAL: dict[str, Callable[[Any, Callable[..., Any]], Callable[..., Any]]] = {
    "concat": _joined,
    "stack": _joined,
    "asarray": _asarray,
    "astype": _astype,
    "sort": _sort,
    "argsort": _argsort,
}


def namespace_over(over: Namespace) -> DifferentiableNamespace:
    """The namespace of Variables over a library's namespace, made once."""
    if over not in SPACES:
        SPACES[over] = DifferentiableNamespace(over)
    space: DifferentiableNamespace = SPACES[over]
    return space


def markdown_table() -> str:
    """The three lists as a Markdown table."""
    rows = {full: ("differentiable", rule.note) for full, rule in RULES.items()}
    rows |= {full: ("differentiable", note) for full, (_, note) in COMPOSITES.items()}
    rows |= {full: ("value only", note) for full, note in VALUE_ONLY.items()}
    rows |= {full: ("refused", f"{reason}; {remedy}") for full, (reason, remedy) in REFUSED.items()}
    lines = ["| Function | List | Remarks |", "|---|---|---|"]
    order = sorted(rows, key=lambda full: (full.partition(".")[0] if "." in full else "", full))
    return "\n".join(
        lines + [f"| `{full}` | {rows[full][0]} | {rows[full][1].replace('|', chr(92) + '|')} |" for full in order]
    )
