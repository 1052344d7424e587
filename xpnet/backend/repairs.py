"""Repairs: functions of the standard that a library implements only in part, and a dtype that NumPy lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from types import ModuleType
from typing import Any

import numpy as np

from xpnet.typing import Array, Namespace

Repair = Callable[..., Any]
"""A function of the standard that takes the library's own one first, and then the library's namespace."""


class Repaired(ModuleType):
    """A namespace with some functions of its own; all others are taken from the original on first use."""

    def __init__(self, original: ModuleType) -> None:
        super().__init__(original.__name__, original.__doc__)
        self.original = original

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.original, name)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({*dir(self.original), *super().__dir__()})


def repaired(namespace: Namespace, repairs: Mapping[str, Repair]) -> Namespace:
    """Return the namespace, or, if there are repairs, another of the same name with the repaired functions."""
    if not repairs:
        return namespace
    made = Repaired(namespace)
    for full, repair in repairs.items():
        extension, _, name = full.rpartition(".")
        home: Any = made
        if extension:
            home = Repaired(getattr(made, extension))
            setattr(made, extension, home)
        own = getattr(home, name)
        setattr(home, name, wraps(own)(partial(repair, own, namespace)))
    return made


def solve_stacks(solve: Callable[..., Array], xp: Namespace, A: Array, b: Array, /) -> Array:
    """Solve stacks of matrices whose shapes broadcast, ``A x = b``."""
    if b.ndim > 1 and A.shape[:-1] != b.shape[:-1] and A.shape[-2:-1] == b.shape[-2:-1]:
        stack = xp.broadcast_shapes(A.shape[:-2], b.shape[:-2])
        A = xp.broadcast_to(A, (*stack, *A.shape[-2:]))
        b = xp.broadcast_to(b, (*stack, *b.shape[-2:]))
    return solve(A, b)


def without_bfloat16(host: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return bfloat16, in which NumPy cannot compute, as float32, which holds the same numbers."""
    return host.astype(np.float32) if host.dtype.name == "bfloat16" else host
