"""``conform``: try a library on layers, rules and a small training."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from xpnet.backend import use_backend
from xpnet.conformance.arrays import WHY_DEFER, array_rows, deferring_rows, defers
from xpnet.conformance.layers import layer_rows
from xpnet.conformance.report import Report
from xpnet.conformance.rows import RAISES, Row
from xpnet.conformance.rules import rule_rows, value_only_rows
from xpnet.conformance.subject import Subject, find_subject, one_line
from xpnet.conformance.training import training_rows

PATIENCE = 30.0  # seconds


def conform(
    namespace: object,
    device: Any = None,
    *,
    dtype: str | None = None,
    quick: bool = False,
    on_row: Callable[[Row], None] | None = None,
) -> Report:
    """Try an array library on its arrays, layers, the rules of autodiff and a small training, all against NumPy.

    ``namespace`` is a backend name, a module path such as ``"dask.array"``, or a module. It is tried in float64, or in
    float32 where that is the largest dtype that works. ``quick`` tries one case of each function, for a library that
    compiles each shape; ``on_row`` is called with each row. No failure of the library stops the rest.

    Raises: ``ArgumentError`` if it cannot be imported or is not an array namespace; ``BackendError`` for a device or
    dtype that it lacks, and for arrays whose values cannot be read.

    >>> conform("numpy").ok  # doctest: +SKIP
    True
    """
    start = time.perf_counter()
    rows: list[Row] = []
    subject, notes = find_subject(namespace, device, dtype, quick)
    with use_backend(subject.backend), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        notes += immutable(subject)
        for section, found in (
            ("arrays", array_rows(subject)),
            ("deferring", deferring_rows(subject)),
            ("rules", rule_rows(subject)),
            ("values", value_only_rows(subject)),
            ("layers", layer_rows(subject, rows)),
            ("training", training_rows(subject)),
        ):
            for row in guarded(section, found):
                rows.append(row)
                if on_row is not None:
                    on_row(row)
    if not defers(rows):
        notes.append(WHY_DEFER)
    seconds = time.perf_counter() - start
    if seconds > PATIENCE and not quick:
        notes.append("does the library compile each shape? --quick (quick=True) tries one case of each function")
    backend = subject.backend
    return Report(
        namespace if isinstance(namespace, str) else backend.xp.__name__,
        described(lambda: str(backend), f"{backend.name}, {subject.dtype}"),
        described(backend.library.standard, "not stated"),
        subject.dtype,
        subject.tolerance,
        quick,
        seconds,
        tuple(notes),
        tuple(rows),
    )


def guarded(section: str, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield the rows of a section; if it fails altogether, yield a row that says so."""
    try:
        yield from rows
    except Exception as error:
        yield Row(section, section, "", RAISES, one_line(error), cause=one_line(error))


def immutable(subject: Subject) -> list[str]:
    """Return a note if arrays cannot be written to, which xpnet does not need."""
    try:
        subject.asarray(np.ones(2))[0] = 2.0
    except Exception as error:
        return [f"x[0] = 2 fails ({one_line(error)}): no harm, item assignment to Variables makes a new array"]
    return []


def described(ask: Callable[[], str], otherwise: str) -> str:
    """Return a library's description of itself, or a substitute if it has none."""
    try:
        return ask()
    except Exception:
        return otherwise
