"""The parts of a description in a file, checked before they are used: it may be damaged, or made to do harm."""

from __future__ import annotations

from math import isfinite
from typing import Any


def number(value: Any, above: float | None = None) -> float:
    """Return a finite number, above a limit if one is given.

    Raises: ``ValueError``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"a number, got {value!r:.40}")
    if above is not None and value <= above:
        raise ValueError(f"a number above {above}, got {value!r:.40}")
    return float(value)


def whole(value: Any, least: int, most: int) -> int:
    """Return a whole number within limits.

    Raises: ``ValueError``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"a whole number from {least} to {most}, got {value!r:.40}")
    return value


def text(value: Any, *allowed: str) -> str:
    """Return a text, one of those that are allowed if any are given.

    Raises: ``ValueError``.
    """
    if not isinstance(value, str) or (allowed and value not in allowed):
        raise ValueError(f"a text, got {value!r:.40}")
    return value


def items(value: Any) -> list[Any]:
    """Return a list.

    Raises: ``ValueError``.
    """
    if not isinstance(value, list | tuple):
        raise ValueError(f"a list, got {value!r:.40}")
    return list(value)
