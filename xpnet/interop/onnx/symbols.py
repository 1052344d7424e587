"""Symbols: arrays that note how they were computed, as steps of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from xpnet.arguments import trimmed
from xpnet.errors import ArgumentError, RuleMissingError, StateError

Host: TypeAlias = "np.ndarray[Any, Any]"

WHO = "to_onnx"

PLACE: ContextVar[str] = ContextVar("place", default="")
"""The path of the layer that computes now."""

OPSET: ContextVar[int] = ContextVar("opset", default=21)
"""The version of the operators that the graph may use."""

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The functions of the standard on symbols, by name."""


@dataclass(frozen=True)
class Whole:
    """Whole numbers that an operator takes as an input: sizes, axes and indices, which may depend on the batch."""

    numbers: tuple[int, ...]
    single: bool = False

    @property
    def array(self) -> Host:
        """The numbers as an array."""
        return np.asarray(self.numbers[0] if self.single else self.numbers, dtype=np.int64)


@dataclass(eq=False)
class Step:
    """One operator with its inputs, of which None are left out, its attributes, and the layer that computes it."""

    op: str
    inputs: tuple[Symbol | Whole | None, ...]
    attributes: Mapping[str, Any]
    place: str = field(default_factory=PLACE.get)
    outputs: tuple[Symbol, ...] = ()


class Symbol:
    """An array of the standard with the value that it has for an example, and the step that computes it.

    A symbol without a step is an input of the graph, ``given``, or a constant. ``fill`` is the number of which it is
    full, if a function of creation made it so. A value that depends on the example cannot be read by Python.
    """

    __slots__ = ("fill", "given", "name", "output", "step", "value")
    __array_ufunc__ = None
    __hash__ = object.__hash__

    def __init__(self, value: Any, name: str = "", given: bool = False) -> None:
        self.value: Host = np.asarray(value)
        self.name, self.given = name, given
        self.step: Step | None = None
        self.output = 0
        self.fill: Any = None

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        found: tuple[int, ...] = self.value.shape
        return found

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def device(self) -> str:
        return "cpu"

    def to_device(self, device: Any, /, *, stream: Any = None) -> Symbol:  # noqa: ARG002 (the standard's)
        return self

    def is_constant(self) -> bool:
        """Return whether no input of the graph changes the value."""
        return not any(symbol.given for symbol in ancestors([self]))

    def __repr__(self) -> str:
        return f"Symbol({self.name or (self.step.op if self.step else 'constant')}, {self.shape}, {self.dtype})"

    def _read(self) -> Any:
        if not self.is_constant():
            place = PLACE.get() or "forward"
            must, got = "the steps must not depend on the values of arrays", f"{place}, which reads one"
            raise StateError(WHO, must, got, "compute both cases, and choose by where(condition, a, b)")
        return self.value

    def __bool__(self) -> bool:
        return bool(self._read())

    def __float__(self) -> float:
        return float(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __index__(self) -> int:
        return int(self._read())

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Symbol]:
        return (self[i] for i in range(len(self)))

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return SPACE

    def __getitem__(self, key: Any) -> Symbol:
        return FUNCTIONS["part"](self, key)  # type: ignore[no-any-return]

    @property
    def T(self) -> Symbol:  # noqa: N802 (the standard's name)
        return FUNCTIONS["permute_dims"](self, tuple(reversed(range(self.ndim))))  # type: ignore[no-any-return]

    @property
    def mT(self) -> Symbol:  # noqa: N802
        return FUNCTIONS["matrix_transpose"](self)  # type: ignore[no-any-return]

    def __neg__(self) -> Symbol:
        return FUNCTIONS["negative"](self)  # type: ignore[no-any-return]

    def __abs__(self) -> Symbol:
        return FUNCTIONS["abs"](self)  # type: ignore[no-any-return]

    def __invert__(self) -> Symbol:
        return FUNCTIONS["logical_not"](self)  # type: ignore[no-any-return]


class Space:
    """The namespace of symbols: the functions of the standard that have a counterpart, and its dtypes."""

    __name__ = "xpnet.interop.onnx"
    __array_api_version__ = "2024.12"

    def __getattr__(self, name: str) -> Any:
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name.startswith("__") or not hasattr(np, name):
            raise AttributeError(name)
        raise RuleMissingError(WHO, MUST, within(f"the function {name}"), REMEDY)


KINDS = (
    "float16",
    "float32",
    "float64",
    "bool",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)
CONSTANTS: dict[str, Any] = {name: np.dtype(name) for name in KINDS}
CONSTANTS |= {"pi": np.pi, "e": np.e, "inf": np.inf, "nan": np.nan, "newaxis": None}
SPACE = Space()

OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "pow",
    "matmul": "matmul",
    "and": "logical_and",
    "or": "logical_or",
    "xor": "logical_xor",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}


def operator(name: str, reflected: bool) -> Callable[[Any, Any], Any]:
    """Return the method of an operator, by the function of the standard."""

    def method(self: Symbol, other: Any) -> Any:
        return FUNCTIONS[name](other, self) if reflected else FUNCTIONS[name](self, other)

    return method


for _operator, _name in OPERATORS.items():
    setattr(Symbol, f"__{_operator}__", operator(_name, False))
    if _name not in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"):
        setattr(Symbol, f"__r{_operator}__", operator(_name, True))


def constant(value: Any, like: Symbol | None = None) -> Symbol:
    """Return a constant; a Python number takes the dtype of the symbol beside it."""
    if isinstance(value, Symbol):
        return value
    if isinstance(value, bool | int | float) and like is not None:
        return Symbol(np.asarray(value, dtype=(np.zeros(1, like.dtype) + value).dtype))
    return Symbol(value)


def emit(op: str, inputs: Sequence[Symbol | Whole | None], *values: Any, **attributes: Any) -> Any:
    """Return the symbol, or several, that an operator computes, with the values for the example."""
    step = Step(op, tuple(trimmed(inputs)), attributes)
    found = []
    for output, value in enumerate(values):
        symbol = Symbol(value)
        symbol.step, symbol.output = step, output
        found.append(symbol)
    step.outputs = tuple(found)
    return found[0] if len(found) == 1 else tuple(found)


def ancestors(symbols: Iterable[Symbol]) -> Iterator[Symbol]:
    """Yield symbols, and all from which they are computed, each once."""
    seen: set[int] = set()
    stack = list(symbols)
    while stack:
        symbol = stack.pop()
        if id(symbol) in seen:
            continue
        seen.add(id(symbol))
        yield symbol
        if symbol.step is not None:
            stack += [other for other in symbol.step.inputs if isinstance(other, Symbol)]


def in_order(symbols: Sequence[Symbol]) -> list[Step]:
    """Return the steps that compute symbols, each after those whose results it takes."""
    found: list[Step] = []
    done: set[int] = set()
    stack: list[tuple[Step, bool]] = [(s.step, False) for s in reversed(symbols) if s.step is not None]
    while stack:
        step, ready = stack.pop()
        if id(step) in done:
            continue
        if ready:
            done.add(id(step))
            found.append(step)
            continue
        stack.append((step, True))
        before = [other.step for other in reversed(step.inputs) if isinstance(other, Symbol)]
        stack += [(other, False) for other in before if other is not None and id(other) not in done]
    return found


@contextmanager
def at_place(path: str) -> Iterator[None]:
    """Note a path as the place of all steps within a block."""
    token = PLACE.set(path)
    try:
        yield
    finally:
        PLACE.reset(token)


MUST = "every layer must have a counterpart in ONNX"
REMEDY = "leave it out, or write it with functions that have one"


def within(what: str) -> str:
    """Return a thing with the place in which it stands."""
    place = PLACE.get()
    return f"{what} in {place}" if place else what


def refused(what: str, remedy: str = REMEDY) -> ArgumentError:
    """Return the error for a layer, or an option of one, that ONNX cannot express."""
    return ArgumentError(WHO, MUST, within(what), remedy)
