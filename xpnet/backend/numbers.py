"""Python numbers that remember the layer that computed them, so that they can be drawn."""

from __future__ import annotations

from typing import Any


class ComputedInt(int):
    """An integer that a layer computed from numbers: ``layer``, its ``operands``, and its derivative, once known."""

    layer: Any
    operands: tuple[Any, ...]
    derivative: Any = None


class ComputedFloat(float):
    """A floating number that a layer computed from numbers, like ``ComputedInt``."""

    layer: Any
    operands: tuple[Any, ...]
    derivative: Any = None


COMPUTED = (ComputedInt, ComputedFloat)
NUMBERS = (int, float, bool, complex, *COMPUTED)


def computed(value: Any, layer: Any, operands: tuple[Any, ...]) -> Any:
    """Return an int or float with its history, and anything else unchanged."""
    kinds = {int: ComputedInt, float: ComputedFloat}
    if type(value) not in kinds:
        return value
    number = kinds[type(value)](value)
    number.layer, number.operands = layer, operands
    return number


def plain_number(value: Any) -> Any:
    """Return a number without its history, and anything else unchanged."""
    if type(value) not in COMPUTED:
        return value
    return int(value) if isinstance(value, int) else float(value)
