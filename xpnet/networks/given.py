"""The arguments of a network's ``forward``: one array, or a tuple of all of them, such as sequences and their mask."""

from __future__ import annotations

from typing import Any


def run(forward: Any, x: Any) -> Any:
    """Return ``forward(x)``, or ``forward(*x)`` for a tuple of its arguments."""
    return forward(*x) if type(x) is tuple else forward(x)


def first_of(x: Any) -> Any:
    """Return the first argument."""
    return x[0] if type(x) is tuple and x else x


def some_rows(x: Any, first: int, last: int) -> Any:
    """Return rows of each argument."""
    if type(x) is tuple:
        return tuple([some_rows(each, first, last) for each in x])
    return None if x is None else x[first:last, ...]
