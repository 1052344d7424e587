"""What is not emulated says so when it is called, not when it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def absent(library: str, name: str) -> Callable[..., Any]:
    """A function in the place of one that a library of CUDA has and this package has not.

    Raises:
        AttributeError: where the name is none of a function.
    """
    if not name[:1].islower():
        raise AttributeError(f"{library} has no {name}")

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise NotImplementedError(f"pretend_cuda: {library}.{name} is not emulated")

    return refuse
