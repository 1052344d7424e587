"""Checks of the state that an optimizer is given."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from xpnet.backend import array_namespace, dtype_kind, is_array, library_name
from xpnet.errors import ArgumentError, DtypeError, LibraryError, ShapeError
from xpnet.typing import Array


def names_in_state(who: str, state: Any, slots: Sequence[str], schedule: set[str]) -> list[str]:
    """Return the parameters in a state, after a check that it has every slot, ``steps``, and the schedule's numbers.

    Raises: ``DtypeError`` unless it maps names; ``ArgumentError`` naming the missing, unknown or unfit entries.
    """
    remedy = "give it the state of its own kind"
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise DtypeError(who, "state must map names to numbers and arrays", type(state).__name__, remedy)
    numbers = {"steps", *schedule}
    names = list(dict.fromkeys(name.rpartition(".")[0] for name in state if name not in numbers | {"skipped"}))
    wrong = (numbers | {f"{name}.{slot}" for name in names for slot in slots}) ^ (state.keys() - {"skipped"})
    wrong |= {name for name, value in state.items() if not _fits(name, value, numbers)}
    if wrong:
        must = f"state must hold {', '.join(sorted(numbers))} and the arrays {', '.join(slots) or 'none'}"
        raise ArgumentError(who, must, f"a difference in {', '.join(sorted(wrong))}", remedy)
    return names


def check_slot(who: str, slot: str, array: Array, shape: tuple[int, ...], name: str, W: Array) -> None:
    """Raise LibraryError or ShapeError unless a slot of a parameter is on its library, and of this shape."""
    here, there = (library_name(array_namespace(value)) for value in (W, array))
    if here != there:
        must = f"the state {slot} of {name} must be on one library with it, {here}"
        raise LibraryError(who, must, there, f'move it, optimizer.to("{here}")')
    if array.shape != shape:
        must = f"the state {slot} of {name} must be {tuple(shape)}"
        raise ShapeError(who, must, tuple(array.shape), "make an optimizer for each network")


def copied(array: Array) -> Array:
    """Return a copy of a value, in an array of its own."""
    copy: Array = array_namespace(array).asarray(array, copy=True)
    return copy


def _fits(name: str, value: Any, numbers: Container[str]) -> bool:
    if name == "steps":
        return not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= 0
    if name in numbers or (name == "skipped" and not is_array(value)):
        return isinstance(value, Real)
    return is_array(value) and dtype_kind(value) == "real"
