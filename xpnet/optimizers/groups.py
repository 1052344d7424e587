"""Groups: options of their own for parameters whose names match a pattern."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from math import isfinite
from typing import Any, TypeAlias

from xpnet.errors import ArgumentError
from xpnet.typing import Array

Options: TypeAlias = Mapping[str, Any]
Pattern: TypeAlias = str | Callable[[str, Array], bool]
Groups: TypeAlias = Mapping[Pattern, Options | None]

BETWEEN = {"momentum", "decay_rate", "beta1", "beta2"}


def vectors(name: str, W: Array) -> bool:  # noqa: ARG001
    """The parameters of at most one axis: biases, and the scales and shifts of normalizations.

    ``AdamW(1e-3, weight_decay=0.01, groups={vectors: {"weight_decay": 0.0}})`` decays the weights alone.
    """
    return W.ndim < 2


def check_groups(who: str, groups: Any) -> None:
    """Raise ArgumentError unless groups map patterns to options, or to None."""
    pairs = list(groups.items()) if isinstance(groups, Mapping) else [] if groups is None else [(None, groups)]
    for pattern, options in pairs:
        known = isinstance(pattern, str) or callable(pattern)
        if not known or not (options is None or isinstance(options, Mapping)):
            must, got = "groups must map patterns to options", repr(groups)
            raise ArgumentError(who, must, got, 'such as {"*.b": {"weight_decay": 0.0}}')


def options_by_name(who: str, groups: Groups, params: Mapping[str, Array]) -> dict[str, Options | None]:
    """Each parameter's own options: those of the groups that match it, the later over the earlier.

    A pattern is one or more of the shell's, ``"*.b *.gamma"``, or a function of name and parameter such as
    ``vectors``. The options None leave a parameter untrained.

    Raises: ``ArgumentError`` for a pattern that matches nothing.
    """
    own: dict[str, Options | None] = {name: {} for name in params}
    for pattern, options in groups.items():
        for part in pattern.split() or [""] if isinstance(pattern, str) else [pattern]:
            matched = [name for name, W in params.items() if _matches(part, name, W)]
            if not matched:
                known = ", ".join(params)
                raise ArgumentError(who, f"a group must match one of {known}", repr(part), "correct or drop it")
            for name in matched:
                own[name] = None if options is None else {**(own[name] or {}), **options}
    return own


def _matches(pattern: Pattern, name: str, W: Array) -> bool:
    return fnmatchcase(name, pattern) if isinstance(pattern, str) else pattern(name, W)


def range_of(name: str) -> tuple[str, Callable[[float], bool]]:
    """What an option must be, in words and as a test; NaN passes none."""
    if name in BETWEEN:
        return "from 0 to below 1", lambda value: 0.0 <= value < 1.0
    if name in ("lr", "eps"):
        return "above 0 and finite", lambda value: 0.0 < value < float("inf")
    if name == "weight_decay":
        return "at least 0 and finite", lambda value: 0.0 <= value < float("inf")
    return "a finite number", isfinite
