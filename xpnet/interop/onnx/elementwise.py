"""The functions of the standard on symbols that work element by element, as operators of ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.interop.onnx.symbols import FUNCTIONS, Symbol, constant, emit, refused

REAL = "fc"


def cast(x: Symbol, dtype: Any) -> Symbol:
    """Return a symbol in a dtype."""
    if x.dtype == dtype:
        return x
    found: Symbol = emit("Cast", [x], x.value.astype(dtype), to=np.dtype(dtype).name)
    found.fill = x.fill
    return found


def together(*operands: Any) -> list[Symbol]:
    """Return operands as symbols of one dtype; Python numbers take that of the symbols beside them."""
    symbols = [operand for operand in operands if isinstance(operand, Symbol)]
    like = next((symbol for symbol in symbols if symbol.dtype.kind in REAL), symbols[0])
    found = [constant(operand, like) for operand in operands]
    dtype = np.result_type(*[x.value if isinstance(x, Symbol) else x for x in operands])
    return [cast(x, dtype) for x in found]


def spare(x: Symbol, beside: list[Symbol]) -> Symbol:
    """Return the number of which a symbol is full, where those beside it have its shape anyway."""
    if x.fill is None or not x.ndim:
        return x
    others = [other.shape for other in beside if other is not x and other.fill is None]
    if (
        others
        and len(x.shape) <= max(map(len, others))
        and np.broadcast_shapes(*others) == np.broadcast_shapes(x.shape, *others)
    ):
        return Symbol(np.asarray(x.fill, dtype=x.dtype))
    return x


def binary(name: str, op: str, function: Callable[..., Any], by_element: bool = True) -> None:
    """Register a function of two arguments that one operator computes."""

    def computed(x1: Any, x2: Any) -> Symbol:
        operands = together(x1, x2)
        if by_element:
            operands = [spare(x, operands) for x in operands]
        found: Symbol = emit(op, operands, function(plain(x1), plain(x2)))
        return found

    FUNCTIONS[name] = computed


def plain(x: Any) -> Any:
    """Return the value of a symbol, and anything else unchanged."""
    return x.value if isinstance(x, Symbol) else x


for _name, _op in {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "equal": "Equal",
    "pow": "Pow",
    "maximum": "Max",
    "minimum": "Min",
}.items():
    binary(_name, _op, getattr(np, _name))
binary("matmul", "MatMul", np.matmul, by_element=False)


def logical(name: str, op: str) -> None:
    """Register a function of truth values; the standard's bits of integers have no operator that all versions know."""

    def computed(x1: Any, x2: Any) -> Symbol:
        if any(constant(x).dtype != np.bool_ for x in (x1, x2)):
            raise refused(f"the function bitwise_{name.removeprefix('logical_')} on integers")
        found: Symbol = emit(op, together(x1, x2), getattr(np, name)(plain(x1), plain(x2)))
        return found

    FUNCTIONS[name] = computed


for _name, _op in {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}.items():
    logical(_name, _op)


def logical_not(x: Symbol) -> Symbol:
    if x.dtype != np.bool_:
        raise refused("the function bitwise_invert on integers")
    return emit("Not", [x], ~x.value)  # type: ignore[no-any-return]


def not_equal(x1: Any, x2: Any) -> Symbol:
    return logical_not(FUNCTIONS["equal"](x1, x2))


def remainder(x1: Any, x2: Any) -> Symbol:
    a, b = together(x1, x2)
    if a.dtype.kind in "iu":
        return emit("Mod", [a, b], np.remainder(plain(x1), plain(x2)))  # type: ignore[no-any-return]
    return a - b * FUNCTIONS["floor"](a / b)  # type: ignore[operator,no-any-return]


def floor_divide(x1: Any, x2: Any) -> Symbol:
    a, b = together(x1, x2)
    if a.dtype.kind in "iu":  # the operator rounds towards 0
        exact = a - remainder(a, b)  # type: ignore[operator]
        return emit("Div", [exact, b], np.floor_divide(plain(x1), plain(x2)))  # type: ignore[no-any-return]
    return FUNCTIONS["floor"](a / b)  # type: ignore[operator,no-any-return]


def unary(name: str, op: str, function: Callable[..., Any]) -> None:
    """Register a function of one argument that one operator computes."""

    def computed(x: Symbol, /) -> Symbol:
        found: Symbol = emit(op, [x], function(x.value))
        return found

    FUNCTIONS[name] = computed


for _name, _op in {
    "negative": "Neg",
    "abs": "Abs",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "sin": "Sin",
    "cos": "Cos",
    "tan": "Tan",
    "tanh": "Tanh",
    "sinh": "Sinh",
    "cosh": "Cosh",
    "asin": "Asin",
    "acos": "Acos",
    "atan": "Atan",
    "floor": "Floor",
    "ceil": "Ceil",
    "round": "Round",
    "sign": "Sign",
    "isnan": "IsNaN",
    "isinf": "IsInf",
    "reciprocal": "Reciprocal",
}.items():
    unary(_name, _op, getattr(np, _name))


def square(x: Symbol) -> Symbol:
    return x * x  # type: ignore[operator,no-any-return]


def expm1(x: Symbol) -> Symbol:
    return FUNCTIONS["exp"](x) - 1.0  # type: ignore[no-any-return]


def log1p(x: Symbol) -> Symbol:
    return FUNCTIONS["log"](1.0 + x)  # type: ignore[operator,no-any-return]


def isfinite(x: Symbol) -> Symbol:
    return logical_not(FUNCTIONS["isnan"](x) | FUNCTIONS["isinf"](x))


def positive(x: Symbol) -> Symbol:
    return x


def clip(x: Symbol, min: Any = None, max: Any = None) -> Symbol:  # noqa: A002 (the standard's names)
    if min is not None:
        x = FUNCTIONS["maximum"](x, min)
    return x if max is None else FUNCTIONS["minimum"](x, max)


def where(condition: Symbol, x1: Any, x2: Any) -> Symbol:
    condition, (a, b) = constant(condition), together(x1, x2)
    a, b = (spare(x, [condition, a, b]) for x in (a, b))
    return emit("Where", [condition, a, b], np.where(condition.value, a.value, b.value))  # type: ignore[no-any-return]


def astype(x: Symbol, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Symbol:  # noqa: ARG001 (the standard's)
    return cast(x, dtype)


for _function in (
    *(logical_not, not_equal, remainder, floor_divide, square, expm1, log1p, isfinite, positive, clip, where, astype),
):
    FUNCTIONS[_function.__name__] = _function
