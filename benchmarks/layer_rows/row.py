"""A line of the table of single layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A layer, or a few in a row, made by each library, and the shape of its input.

    ``xpnet`` returns a layer, or a list of layers that run one after another; ``torch`` returns a module, or a function
    of the inputs with the modules whose parameters it trains. ``below`` makes whole numbers below it the input, for
    tables that are looked up. ``dx=False`` asks for the gradients of the parameters alone. ``others`` makes the inputs
    behind the first, of a generator of NumPy's: a loss, which is run by itself, has its targets there.
    """

    name: str
    shape: tuple[int, ...]
    xpnet: Callable[[], Any]
    torch: Callable[[], Any]
    below: int | None = None
    dx: bool = True
    others: Callable[[Any], tuple[Any, ...]] | None = None


def row(name: str, shape: tuple[int, ...], ours: Callable[[Any], Any], theirs: Callable[[Any], Any], **how: Any) -> Row:
    """Return the row of what two functions make, of the module ``xpnet.layers`` and of ``torch.nn``."""

    def of_xpnet() -> Any:
        from xpnet import layers

        return ours(layers)

    def of_torch() -> Any:
        from torch import nn

        return theirs(nn)

    return Row(f"{name}, {sizes(shape)}", shape, of_xpnet, of_torch, **how)


def sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
