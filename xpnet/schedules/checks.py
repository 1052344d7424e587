"""The checks of a schedule's options and of the number of updates done."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from xpnet.arguments import is_number, is_whole
from xpnet.errors import ArgumentError

FAR = 2**53
"""The count above which not every integer is a float."""

KINDS: dict[str, tuple[str, Callable[[Any], bool], Callable[[Any], bool]]] = {
    "positive": ("above 0 and finite", is_number, lambda value: 0.0 < value < inf),
    "at least 0": ("at least 0 and finite", is_number, lambda value: 0.0 <= value < inf),
    "below 1": ("from 0 to below 1", is_number, lambda value: 0.0 <= value < 1.0),
    "at most 1": ("above 0 and at most 1", is_number, lambda value: 0.0 < value <= 1.0),
    "share": ("between 0 and 1", is_number, lambda value: 0.0 < value < 1.0),
    "count": ("a whole number from 1", is_whole, lambda value: 1 <= value <= FAR),
    "whole": ("a whole number from 0", is_whole, lambda value: 0 <= value <= FAR),
}


def check(schedule: Any, **kinds: str) -> None:
    """Raise ArgumentError unless every attribute named is of its kind, and a floor at most the rate."""
    for name, kind in kinds.items():
        must, of_kind, fits = KINDS[kind]
        value = getattr(schedule, name)
        if not of_kind(value) or not fits(value):
            raise ArgumentError(type(schedule).__name__, f"{name} must be {must}", repr(value), "choose another")
    if "floor" in kinds and schedule.floor > schedule.lr:
        raise ArgumentError(type(schedule).__name__, "floor must be at most lr", schedule.floor, f"lr is {schedule.lr}")


def check_step(schedule: Any, step: Any) -> int:
    """Return the number of updates done, if it is one.

    Raises: ``ArgumentError``.
    """
    if not is_number(step) or not 0 <= step < inf:
        remedy = "give the number of updates done"
        raise ArgumentError(type(schedule).__name__, "step must be finite and from 0", repr(step), remedy)
    return step  # type: ignore[return-value]
