"""Spec: the declarations of a class of layers, read once. Call: the notes of a ``forward`` for its ``backward``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spec:
    """The declarations of a class, in the form that the checks of its inputs need.

    ``inputs`` are the arguments of ``forward`` in order, and ``optional`` those with the default None. ``shapes`` has
    the letters of each array, ``("N", "D")``. The rest are the attributes of ``Layer`` of the same names.
    """

    who: str
    inputs: tuple[str, ...]
    optional: tuple[str, ...]
    differentiable: tuple[str, ...]
    parameters: tuple[str, ...]
    shapes: dict[str, tuple[str, ...]]
    flattens: bool
    holomorphic: bool
    takes_numbers: bool
    takes_a_number: bool
    broadcasts: bool
    in_float32: bool

    @classmethod
    def of(cls, kind: Any) -> Spec:
        """Return the declarations of a class of layers."""
        return cls(
            kind.__name__,
            kind.inputs,
            kind.optional,
            kind.differentiable,
            kind.parameters,
            {name: tuple(letters.split()) for name, letters in kind.shapes.items()},
            kind.flattens,
            kind.holomorphic,
            kind.takes_numbers,
            kind.takes_a_number,
            kind.broadcasts,
            kind.in_float32,
        )


@dataclass(slots=True)
class Accepted:
    """The kind of arrays that a layer has accepted; others of that kind need not be checked again.

    ``half`` is the position of the input whose dtype y has, if the equations run in float32, else None.
    """

    signature: list[Any] | None = None
    half: int | None = None


@dataclass(slots=True)
class Call:
    """The notes that one run of ``forward`` leaves for ``backward``, apart from the arrays that the equations keep.

    ``x_shape`` is the original shape of x. ``like`` is the namespace, shape, dtype and device that dout must have, and
    ``others`` are those of further results; ``like`` is None where y is a number, ``number``. ``half`` is the array
    whose dtype y has, if the equations ran in float32 for arrays of 16 bits. ``then`` runs once, before the first
    ``backward``. ``pull`` is the backward of a frozen layer, from a tape: it returns dx alone.
    """

    x_shape: tuple[int, ...] | None = None
    like: tuple[Any, ...] | None = None
    others: Sequence[tuple[Any, ...]] = ()
    number: Any = None
    half: Any = None
    then: Callable[[], None] | None = None
    pull: Callable[[Any], Any] | None = None


def arguments_of(function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a method's arguments, and those among them that are optional, with the default None."""
    arguments = list(inspect.signature(function).parameters.values())[1:]
    names = tuple([argument.name for argument in arguments])
    return names, tuple([argument.name for argument in arguments if argument.default is None])
