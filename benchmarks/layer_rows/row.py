"""A line of the table of single layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A layer, or a few in a row, made by each library, and the shape of its input.

    ``xpnet`` returns a layer, or a list of layers that run one after another; ``torch`` returns a module, or a function
    of the input with the modules whose parameters it trains. ``below`` makes whole numbers below it the input, for
    tables that are looked up. ``dx=False`` asks for the gradients of the parameters alone.
    """

    name: str
    shape: tuple[int, ...]
    xpnet: Callable[[], Any]
    torch: Callable[[], Any]
    below: int | None = None
    dx: bool = True
