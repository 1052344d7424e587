"""Checks of the array object: its attributes and operators, and whether these defer to unknown operands."""

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

ARITHMETIC = (
    *("__add__", "__sub__", "__mul__", "__truediv__", "__floordiv__", "__mod__", "__pow__"),
    *("__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"),
)
BITWISE = ("__and__", "__or__", "__xor__", "__lshift__", "__rshift__")
UNARY = ("__neg__", "__pos__", "__abs__")

A = np.asarray([[1.5, 2.0], [0.5, 3.0]])
B = np.asarray([[2.0, 0.5], [1.5, 3.0]])
M, N = np.asarray([6, 3, 1], dtype=np.int32), np.asarray([1, 2, 1], dtype=np.int32)


def array_rows(subject: Subject) -> Iterator[Row]:
    """Yield a row for each attribute, and for each operator on arrays and numbers."""
    for name in ATTRIBUTES:
        missing = f"array.{name}" in subject.missing
        yield Row(SECTION, name, "attribute", MISSING, cause=MISSING) if missing else Row(SECTION, name, "attribute")
    a, b = subject.cast(A), subject.cast(B)
    operands = {
        **dict.fromkeys(ARITHMETIC, ((a, b), (a, 2.0), (2.0, a))),
        "__matmul__": ((a, b),),
        **dict.fromkeys(BITWISE, ((M, N), (M, 1), (1, N))),
        **dict.fromkeys(UNARY, ((-a,),)),
        "__invert__": ((M > N,),),
    }
    for name, given in operands.items():
        yield values(subject, name, getattr(operator, name), given)


def deferring_rows(subject: Subject) -> Iterator[Row]:
    """Yield a row for each operator with a Variable on its right, which must be the one to compute."""
    a, b = subject.cast(A), subject.cast(B)
    for name in (*ARITHMETIC, "__matmul__"):
        check = deferring(subject, getattr(operator, name), a, b)
        yield attempt(subject, DEFERRING, name, "array with a Variable", check, DEFERRING)


def values(subject: Subject, name: str, operate: Callable[..., Any], operands: tuple[tuple[Any, ...], ...]) -> Row:
    """Compare an operator with NumPy's on several operands."""

    def check() -> Finding:
        return worst([one(subject, operate, given) for given in operands])

    return attempt(subject, SECTION, name, "arrays and numbers" if len(operands) > 1 else "arrays", check)


def one(subject: Subject, operate: Callable[..., Any], operands: tuple[Any, ...]) -> Finding:
    arrays = [subject.asarray(x) if isinstance(x, np.ndarray) else x for x in operands]
    return compare(subject, operate(*arrays), operate(*operands))


def deferring(subject: Subject, operate: Callable[[Any, Any], Any], a: Any, b: Any) -> Callable[[], Finding]:
    """Check that the Variable computes ``array ∘ Variable``."""

    def check() -> Finding:
        result = operate(subject.asarray(a), Variable(subject.asarray(b)))
        return Finding() if type(result) is Variable else Finding(np.inf, f"{type(result).__name__} for a Variable")

    return check


def defers(rows: list[Row]) -> bool:
    """Return whether every operator defers to Variables."""
    return all(row.ok for row in rows if row.section == DEFERRING)
