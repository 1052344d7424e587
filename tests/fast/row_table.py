"""For each row of layers that has a body: the layers with random arrays and options, and random inputs.

A function registered here returns the layers and the inputs of the first of them. Each row that has a body on any
library must be here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from draw import Draw

Drawn = tuple[list[Any], tuple[Any, ...]]
ROWS: dict[tuple[type, ...], Callable[[Draw], Drawn]] = {}


def row(*layers: type) -> Callable[[Callable[[Draw], Drawn]], Callable[[Draw], Drawn]]:
    """Register the decorated function as the one that draws these layers."""

    def register(function: Callable[[Draw], Drawn]) -> Callable[[Draw], Drawn]:
        ROWS[layers] = function
        return function

    return register
