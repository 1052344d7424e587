"""The array object: its attributes and operators, and whether these defer to operands that they do not know."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from xpnet.autodiff import Variable
from xpnet.conformance.rows import MISSING, Finding, Row, attempt, compare, worst
from xpnet.conformance.subject import ATTRIBUTES, Subject

SECTION = "arrays"
DEFERRING = "deferring"

WHY_DEFER = (
    "an operator should return NotImplemented for an operand that it does not know, so that Python asks that operand "
    "(Python language reference, 3.3.8, Emulating numeric types). Where it raises instead, `array * variable` fails "
    "though `variable * array` works. No other section fails for this: layers were run with every array as a Variable."
)

ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "__add__": operator.add,
    "__sub__": operator.sub,
    "__mul__": operator.mul,
    "__truediv__": operator.truediv,
    "__floordiv__": operator.floordiv,
    "__mod__": operator.mod,
    "__pow__": operator.pow,
    "__lt__": operator.lt,
    "__le__": operator.le,
    "__gt__": operator.gt,
    "__ge__": operator.ge,
    "__eq__": operator.eq,
    "__ne__": operator.ne,
}
MATMUL = {"__matmul__": operator.matmul}
BITWISE: dict[str, Callable[[Any, Any], Any]] = {
    "__and__": operator.and_,
    "__or__": operator.or_,
    "__xor__": operator.xor,
    "__lshift__": operator.lshift,
    "__rshift__": operator.rshift,
}
UNARY: dict[str, Callable[[Any], Any]] = {
    "__neg__": operator.neg,
    "__pos__": operator.pos,
    "__abs__": operator.abs,
}

A = np.asarray([[1.5, 2.0], [0.5, 3.0]])
B = np.asarray([[2.0, 0.5], [1.5, 3.0]])
M, N = np.asarray([6, 3, 1], dtype=np.int32), np.asarray([1, 2, 1], dtype=np.int32)


def array_rows(subject: Subject) -> Iterator[Row]:
    """Yield each attribute, present or not, and each operator on arrays and numbers."""
    for name in ATTRIBUTES:
        missing = f"array.{name}" in subject.missing
        yield Row(SECTION, name, "attribute", MISSING, cause=MISSING) if missing else Row(SECTION, name, "attribute")
    a, b = subject.cast(A), subject.cast(B)
    for name, operate in ARITHMETIC.items():
        yield values(subject, name, operate, ((a, b), (a, 2.0), (2.0, a)))
    for name, operate in MATMUL.items():
        yield values(subject, name, operate, ((a, b),))
    for name, operate in BITWISE.items():
        yield values(subject, name, operate, ((M, N), (M, 1), (1, N)))
    for name, unary in UNARY.items():
        yield values(subject, name, unary, ((-a,),))
    yield values(subject, "__invert__", operator.invert, ((M > N,),))


def deferring_rows(subject: Subject) -> Iterator[Row]:
    """Yield each operator with a Variable on its right, which must be the Variable's."""
    a, b = subject.cast(A), subject.cast(B)
    for name, operate in {**ARITHMETIC, **MATMUL}.items():
        yield attempt(subject, DEFERRING, name, "array with a Variable", deferring(subject, operate, a, b), DEFERRING)


def values(subject: Subject, name: str, operate: Callable[..., Any], operands: tuple[tuple[Any, ...], ...]) -> Row:
    """Compare an operator with NumPy's on several operands."""

    def check() -> Finding:
        return worst([one(subject, operate, given) for given in operands])

    return attempt(subject, SECTION, name, "arrays and numbers" if len(operands) > 1 else "arrays", check)


def one(subject: Subject, operate: Callable[..., Any], operands: tuple[Any, ...]) -> Finding:
    arrays = [subject.asarray(x) if isinstance(x, np.ndarray) else x for x in operands]
    return compare(subject, operate(*arrays), operate(*operands))


def deferring(subject: Subject, operate: Callable[[Any, Any], Any], a: Any, b: Any) -> Callable[[], Finding]:
    """Check that ``array ∘ Variable`` is the Variable's."""

    def check() -> Finding:
        result = operate(subject.asarray(a), Variable(subject.asarray(b)))
        return Finding() if type(result) is Variable else Finding(np.inf, f"{type(result).__name__} for a Variable")

    return check


def defers(rows: list[Row]) -> bool:
    """Return whether every operator left Variables to themselves."""
    return all(row.ok for row in rows if row.section == DEFERRING)
