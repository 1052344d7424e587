"""Optimizers, from the simplest on: each turns named gradients into new named parameters."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Protocol

from xpnet.errors import ArgumentError
from xpnet.typing import Array


class Optimizer(Protocol):
    """What a trainer asks of an optimizer."""

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None: ...


class SGD:
    """Stochastic gradient descent, ``W ← W - η dW``.

    ``lr`` is η, in units of the parameter per unit of its gradient.

    Raises: ``ArgumentError`` for a learning rate that is not above 0.
    Source: Deep Learning from Scratch, section 6.1.2.
    """

    def __init__(self, lr: float = 0.01) -> None:
        if not isinstance(lr, int | float) or not 0.0 < lr < float("inf"):
            raise ArgumentError(type(self).__name__, "lr must be above 0 and finite", repr(lr), "try 0.1")
        self.lr = float(lr)

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        for name in params:
            params[name] -= self.lr * grads[name]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lr={self.lr:g})"
