"""What a library leaves out of a function of the standard, made of what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from types import ModuleType
from typing import Any

from xpnet.typing import Array, Namespace

Repair = Callable[..., Any]
"""A function of the standard that takes the library's own one first, and then the library's namespace."""


def repaired(namespace: Namespace, repairs: Mapping[str, Repair]) -> Namespace:
    """The namespace; where something is to be repaired, another one of its name with the functions in their place."""
    if not repairs:
        return namespace
    made = _copied(namespace)
    for full, repair in repairs.items():
        extension, _, name = full.rpartition(".")
        home: Any = made
        if extension:
            home = vars(made)[extension] = _copied(getattr(made, extension))
        own = getattr(home, name)
        vars(home)[name] = wraps(own)(partial(repair, own, namespace))
    return made


def _copied(module: ModuleType) -> ModuleType:
    made = ModuleType(module.__name__, module.__doc__)
    vars(made).update(vars(module))
    return made


def solve_stacks(solve: Callable[..., Array], xp: Namespace, A: Array, b: Array, /) -> Array:
    """``linalg.solve`` of stacks of matrices whose shapes broadcast, ``A x = b``."""
    if b.ndim > 1 and A.shape[:-1] != b.shape[:-1] and A.shape[-2:-1] == b.shape[-2:-1]:
        stack = xp.broadcast_shapes(A.shape[:-2], b.shape[:-2])
        A = xp.broadcast_to(A, (*stack, *A.shape[-2:]))
        b = xp.broadcast_to(b, (*stack, *b.shape[-2:]))
    return solve(A, b)
