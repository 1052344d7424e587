"""The table of idioms, and functions that they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet.autodiff.table import base
from xpnet.backend import device_of
from xpnet.errors import LibraryError

Idiom = Callable[..., Any]

IDIOMS: dict[str, Idiom] = {}
"""Name, such as ``linalg.norm`` -> ``function(xp, *args)`` with NumPy's arguments."""


def idiom(*names: str) -> Callable[[Idiom], Idiom]:
    """Declare ``function(xp, *args)`` under these names."""

    def declare(function: Idiom) -> Idiom:
        IDIOMS.update(dict.fromkeys(names, function))
        return function

    return declare


def arrays(xp: Any, items: Any, like: Any = None) -> list[Any]:
    """Return the items as arrays; numbers and lists get the dtype and device of ``like`` or of the first Variable."""
    first = next((item for item in (like, *items) if base(item) is not item), None)
    if first is None:
        return [item if item is None else xp.asarray(item) for item in items]
    given = {"dtype": first.dtype, "device": device_of(base(first))}
    return [item if item is None or hasattr(item, "shape") else xp.asarray(item, **given) for item in items]


def as_axis(axis: Any) -> Any:
    """Return the axis, with a list of axes converted to a tuple."""
    return tuple(axis) if isinstance(axis, list) else axis


def refuse(name: str, got: str, remedy: str) -> LibraryError:
    """Return the error for a function or argument that cannot be recorded."""
    return LibraryError("Variable", f"{name} must be a function of the standard, or made of some", got, remedy)
