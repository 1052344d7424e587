"""Groups: separate options for parameters whose names match a pattern."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from math import isfinite
from numbers import Real
from typing import Any, TypeAlias

from xpnet.arguments import check_flags
from xpnet.errors import ArgumentError
from xpnet.typing import Array

Options: TypeAlias = Mapping[str, Any]
Pattern: TypeAlias = str | Callable[[str, Array], bool]
Groups: TypeAlias = Mapping[Pattern, Options | None]

BETWEEN = {"momentum", "decay_rate", "beta1", "beta2"}
ABOVE = {"lr", "eps", "eps1", "eps2", "adam_share", "trust", "limit", "power", "radius"}
FLAGS = {"nesterov", "adapt", "orthogonal"}
"""Options that are True or False."""


def vectors(name: str, W: Array) -> bool:  # noqa: ARG001
    """Return the parameters of at most one axis: biases, and the scales and shifts of normalizations.

    ``AdamW(1e-3, weight_decay=0.01, groups={vectors: {"weight_decay": 0.0}})`` decays the weights alone.

    >>> vectors("W", np.ones((2, 3))), vectors("b", np.ones(3))
    (False, True)
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
    """Return each parameter's own options: those of the groups that match it, later ones over earlier ones.

    A pattern is one or more patterns of the shell, ``"*.b *.gamma"``, or a function of name and parameter such as
    ``vectors``. Names that contain a space or ``[0]`` are matched literally, before the pattern is split. The options
    None leave a parameter untrained.

    Raises: ``ArgumentError`` for a pattern that matches nothing.
    """
    own: dict[str, Options | None] = {name: {} for name in params}
    for pattern, options in groups.items():
        for part in _parts(pattern, params):
            matched = _matched(part, params)
            if not matched:
                known = ", ".join(params)
                raise ArgumentError(who, f"a group must match one of {known}", repr(part), "correct or drop it")
            for name in matched:
                own[name] = None if options is None else {**(own[name] or {}), **options}
    return own


def _parts(pattern: Pattern, params: Mapping[str, Array]) -> list[Pattern]:
    """Return the patterns in a string, or the whole string as one if it matches a name with a space."""
    if not isinstance(pattern, str) or _matched(pattern, params):
        return [pattern]
    return [*pattern.split()] or [""]


def _matched(pattern: Pattern, params: Mapping[str, Array]) -> list[str]:
    """Return the names that a pattern matches: taken literally if it matches so, else as a pattern of the shell."""
    if not isinstance(pattern, str):
        return [name for name, W in params.items() if pattern(name, W)]
    literal = [name for name in params if fnmatchcase(name, pattern.replace("[", "[[]"))]
    return literal or [name for name in params if fnmatchcase(name, pattern)]


def range_of(name: str) -> tuple[str, Callable[[float], bool]]:
    """Return the range of an option, in words and as a test that NaN never passes."""
    if name in BETWEEN:
        return "from 0 to below 1", lambda value: 0.0 <= value < 1.0
    if name in ABOVE:
        return "above 0 and finite", lambda value: 0.0 < value < float("inf")
    if name in ("weight_decay", "momentum_decay"):
        return "at least 0 and finite", lambda value: 0.0 <= value < float("inf")
    return "a finite number", isfinite


def checked_options(who: str, known: Sequence[str], options: Options) -> dict[str, Any]:
    """Return options as floats and flags, and a schedule as it is.

    Raises: ``ArgumentError`` for an option that is not known or out of range.
    """
    checked: dict[str, Any] = {}
    for name, value in options.items():
        if name not in known:
            raise ArgumentError(who, f"options must be of {', '.join(known)}", repr(name), "choose one")
        if name == "lr" and callable(value):
            checked[name] = value
            continue
        if name in FLAGS:
            check_flags(who, **{name: value})
            checked[name] = bool(value)
            continue
        must, fits = range_of(name)
        if isinstance(value, bool) or not isinstance(value, Real) or not fits(float(value)):
            raise ArgumentError(who, f"{name} must be {must}", repr(value), "leave it out for the usual value")
        checked[name] = float(value)
    return checked
