"""Checks of options: a number that is not a bool, a whole number, a size, a flag; and arguments that are left out."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, TypeGuard

import numpy as np

from xpnet.errors import ArgumentError, DtypeError


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether a value is a real number of Python or NumPy; a bool is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: Any, least: float = -np.inf) -> TypeGuard[int]:
    """Return whether a value is an integer of Python or NumPy, and not below the least; a bool is not."""
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= least


def check_size(who: str, what: str, size: Any) -> None:
    """Raise ArgumentError unless the size is a positive integer."""
    if not is_whole(size, 1):
        raise ArgumentError(who, f"{what} must be a positive integer", repr(size), "give a whole number from 1")


def check_flags(who: str, **flags: Any) -> None:
    """Raise DtypeError unless each option is True or False: a string such as ``"no"`` would count as True."""
    for name, flag in flags.items():
        if not isinstance(flag, bool | np.bool_):
            raise DtypeError(who, f"{name} must be True or False", repr(flag), "choose one")


def trimmed(given: Iterable[Any]) -> list[Any]:
    """Return arguments without those at the end that are left out, None."""
    found = list(given)
    while found and found[-1] is None:
        found.pop()
    return found
