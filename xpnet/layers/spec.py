"""Spec: what a class of layers declares, read once. Call: what one run of ``forward`` leaves for ``backward``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spec:
    """What a class declares, as the checks of its inputs ask for it.

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
        """The declarations of a class of layers."""
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
    """What arrays were like that a layer has accepted; those that are like them need not be checked again.

    ``half`` is the position of the input in whose dtype y leaves, where the equations run in float32; else None.
    """

    signature: list[Any] | None = None
    half: int | None = None


@dataclass(slots=True)
class Call:
    """What one run of ``forward`` leaves for ``backward``, beside what the equations keep.

    ``x_shape`` is the shape in which x came. ``like`` says what dout must be like: namespace, shape, dtype and device;
    it is None where y is a number, ``number``. ``half`` is the array in whose dtype y left, where the
    equations ran in float32 for arrays of 16 bits. ``then`` runs once, before the first ``backward``. ``pull`` is the
    backward of a layer that is frozen, from a tape: it gives dx alone.
    """

    x_shape: tuple[int, ...] | None = None
    like: tuple[Any, tuple[int, ...], Any, Any] | None = None
    number: Any = None
    half: Any = None
    then: Callable[[], None] | None = None
    pull: Callable[[Any], Any] | None = None


def arguments_of(function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a method's arguments, and of those among them that may be left out, whose default is None."""
    arguments = list(inspect.signature(function).parameters.values())[1:]
    names = tuple([argument.name for argument in arguments])
    return names, tuple([argument.name for argument in arguments if argument.default is None])
