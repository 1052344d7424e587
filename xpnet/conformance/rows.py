"""The rows of a report: one for each call that was tried, whatever the library raises."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet.backend import device_of, dtype_name
from xpnet.conformance.subject import Subject, one_line

OK, DEVIATES, RAISES, MISSING, NEEDS = STATUSES = ("ok", "deviates", "raises", "missing", "needs")


@dataclass(frozen=True)
class Row:
    """The outcome of one call.

    ``section`` is ``arrays``, ``deferring``, ``layers``, ``rules``, ``values`` or ``training``; ``name`` is an
    attribute, operator, layer, function or epoch, and ``tried`` the call. ``status`` is ``ok``, ``deviates``,
    ``raises``, ``missing``, or ``needs`` where another function is missing. ``found`` is the library's own error or the
    difference; ``deviation`` is in units of the tolerance. Rows of one ``cause`` are reported together.

    >>> row = Row("rules", "exp", "exp(x)", status="deviates", found="0.1 for 1.0", deviation=1e8)
    >>> row.ok
    False
    """

    section: str
    name: str
    tried: str = ""
    status: str = OK
    found: str = ""
    deviation: float | None = None
    cause: str = ""

    @property
    def ok(self) -> bool:
        return self.status == OK


@dataclass(frozen=True)
class Finding:
    """The deviation of a result from NumPy's in units of the tolerance, with a text if it is too large."""

    deviation: float = 0.0
    text: str = ""


def attempt(
    subject: Subject, section: str, name: str, tried: str, check: Callable[[], Finding], cause: str = ""
) -> Row:
    """Return the row of a check, whose outcome may be any exception."""
    try:
        finding = check()
    except Exception as error:
        lacking = lacking_name(subject, error)
        if lacking:
            return Row(section, name, tried, NEEDS, f"{lacking}, which is missing", cause=f"needs {lacking}")
        return Row(section, name, tried, RAISES, one_line(error), cause=cause or kind_of(error))
    if finding.text:
        return Row(section, name, tried, DEVIATES, finding.text, finding.deviation, cause or name)
    return Row(section, name, tried, OK, "", finding.deviation)


def kind_of(error: Exception) -> str:
    """Return an error's text without its numbers, which differ from case to case."""
    return re.sub(r"\b(?=\w*\d)\w+\b", "#", one_line(error))


def lacking_name(subject: Subject, error: Exception) -> str:
    """Return the name of the missing function or dtype that caused the error."""
    if not isinstance(error, AttributeError):
        return ""
    named = {getattr(error, "name", None), getattr(error, "got", None)}
    return next(
        (full for full in sorted(subject.missing) if full.rpartition(".")[2] in named),
        "",
    )


def compare(subject: Subject, found: Any, expected: Any) -> Finding:
    """Compare a result with NumPy's: an array of the same values, shape and dtype on the same device.

    The deviation is the largest ``|a - e| / (tolerance max(1, |e|))``.
    """
    expected = np.asarray(expected)
    if not hasattr(found, "shape") or not hasattr(found, "dtype"):
        return Finding(np.inf, f"{type(found).__name__} for an array")
    if tuple(found.shape) != expected.shape:
        return Finding(np.inf, f"shape {tuple(found.shape)} for {expected.shape}")
    if dtype_name(found.dtype) != expected.dtype.name:
        return Finding(np.inf, f"dtype {dtype_name(found.dtype)} for {expected.dtype.name}")
    device = subject.backend.device
    if device_of(found) != device:
        return Finding(np.inf, f"device {device_of(found)} for {device}")
    return distance(np.asarray(subject.backend.to_numpy(found)), expected, subject.tolerance)


def distance(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], tolerance: float) -> Finding:
    """Return the largest deviation of the values, and its position."""
    if expected.dtype.kind not in "fc":
        found, expected = found.astype(np.float64), expected.astype(np.float64)
    with np.errstate(all="ignore"):
        units = np.asarray(np.abs(found - expected) / (tolerance * np.maximum(1.0, np.abs(expected))))
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    units = np.where(same, 0.0, np.where(np.isnan(units), np.inf, units))
    if not units.size or units.max() <= 1.0:
        return Finding(float(units.max(initial=0.0)))
    where = tuple(int(index) for index in np.unravel_index(int(np.argmax(units)), units.shape))
    element = f" at {where}" if where else ""
    return Finding(
        float(units[where]), f"{found[where]:.6g} for {expected[where]:.6g}{element}: {in_units(units[where])}"
    )


def in_units(deviation: float) -> str:
    """Return a deviation in words, such as ``2e+03 tolerances``."""
    return f"{deviation:.2g} tolerances"


def worst(findings: list[Finding]) -> Finding:
    """Return the finding with the largest deviation from NumPy."""
    return max(findings, key=lambda finding: finding.deviation)
