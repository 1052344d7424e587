"""Checks of the standard's functions: values and gradients against NumPy's, and the presence of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import array_api_compat.numpy as standard_numpy
import numpy as np

from xpnet.autodiff import vjp
from xpnet.autodiff.rules import COMPOSITES
from xpnet.autodiff.table import VALUES
from xpnet.backend import array_namespace
from xpnet.cases.rules import CASES, Case
from xpnet.conformance.rows import MISSING, NEEDS, Finding, Row, attempt, compare, worst
from xpnet.conformance.subject import COMPLEX, METHODS, Subject

SECTION = "rules"


def rule_rows(subject: Subject) -> Iterator[Row]:
    """Yield each differentiable function on its cases: the value, then the gradient."""
    has_complex = COMPLEX[subject.dtype] not in subject.missing
    for name, cases in by_function().items():
        if name in subject.missing:
            yield missing_function(subject, name, cases)
            continue
        tried = [case for case in cases if has_complex or not is_complex(case)]
        if not tried:
            needed = COMPLEX[subject.dtype]
            yield Row(SECTION, name, "", NEEDS, f"{needed}, which is missing", cause=f"needs {needed}")
        for case in tried[:1] if subject.quick else tried:
            yield case_row(subject, case)


def by_function() -> dict[str, list[Case]]:
    """Return the cases of each function by name, in the order of the table."""
    found: dict[str, list[Case]] = {}
    for case in CASES:
        found.setdefault(case.name, []).append(case)
    return found


def is_complex(case: Case) -> bool:
    return case.is_complex or "complex128" in case.dtypes


def missing_function(subject: Subject, name: str, cases: list[Case]) -> Row:
    """Return the row of a function that the namespace lacks; xpnet builds some from others for Variables."""
    case = next((case for case in cases if not is_complex(case)), cases[0])
    stands_in = name in COMPOSITES and gradient_row(subject, case).ok
    found = "on Variables xpnet makes it of others" if stands_in else ""
    return Row(SECTION, name, "", MISSING, found, cause=found or MISSING)


def case_row(subject: Subject, case: Case) -> Row:
    """Return the row of a case: its value, and its gradient if the value is right."""
    if case.name not in METHODS:  # item assignment to Variables is functional, whether or not arrays can be written to
        row = attempt(subject, SECTION, case.name, title(case, "value"), partial(value, subject, case))
        if not row.ok:
            return row
    return gradient_row(subject, case)


def gradient_row(subject: Subject, case: Case) -> Row:
    return attempt(subject, SECTION, case.name, title(case, "gradient"), partial(gradient, subject, case))


def title(case: Case, tried: str) -> str:
    kind = "complex" if case.is_complex else ""
    return ", ".join(filter(None, (tried, case.label, kind)))


def value(subject: Subject, case: Case) -> Finding:
    """Compare the value of the function with NumPy's."""
    points = [subject.cast(x) for x in case.points()]
    expected = case.call(standard_numpy, *points)
    return compare(subject, case.call(subject.xp, *map(subject.asarray, points)), expected)


def gradient(subject: Subject, case: Case) -> Finding:
    """Compare the gradients of ``Re Σ conj(w) y``, for random weights w, with NumPy's by the same rule."""
    points = [subject.cast(x) for x in case.points()]
    y, pull = vjp(*traced(case, points))
    rng = np.random.default_rng(len(case.id))
    w = rng.standard_normal(y.shape) + (1j * rng.standard_normal(y.shape) if y.dtype.kind == "c" else 0.0)
    w = np.asarray(w).astype(y.dtype)
    expected = (y, *pull(w))
    y, pull = vjp(*traced(case, [subject.asarray(x) for x in points]))
    found = (y, *pull(subject.asarray(w)))
    return worst([compare(subject, a, e) for a, e in zip(found, expected, strict=True)])


def traced(case: Case, arrays: list[Any]) -> tuple[Callable[..., Any], *tuple[Any, ...]]:
    """Return the case as a function of the operands by which it is differentiated, and these operands."""

    def f(*chosen: Any) -> Any:
        operands = list(arrays)
        for number, x in zip(case.smooth, chosen, strict=True):
            operands[number] = x
        return case.call(array_namespace(*chosen), *operands)

    return f, *(arrays[number] for number in case.smooth)


def value_only_rows(subject: Subject) -> Iterator[Row]:
    """Yield a row for the presence of each function that is not differentiated."""
    for name in VALUES:
        yield Row("values", name, "", MISSING, cause=MISSING) if name in subject.missing else Row("values", name)
