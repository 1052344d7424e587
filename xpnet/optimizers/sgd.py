"""Stochastic gradient descent."""

from __future__ import annotations

from xpnet.optimizers.base import Optimizer, Rate, decayed
from xpnet.optimizers.groups import Groups
from xpnet.typing import Array


class SGD(Optimizer):
    """Stochastic gradient descent, ``W ← W - η dW``.

    Raises: ``ArgumentError`` for options out of range, such as a learning rate that is not above 0.
    Source: Deep Learning from Scratch, section 6.1.2.

    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([10.0, -10.0])}
    >>> SGD(lr=0.01).update(params, grads)
    >>> params["W"]
    array([0.9, 2.1])
    """

    elementwise = True

    def __init__(self, lr: Rate = 0.01, weight_decay: float = 0.0, groups: Groups | None = None) -> None:
        super().__init__(groups, lr=lr, weight_decay=weight_decay)

    def step(self, W: Array, dW: Array, rate: float, weight_decay: float) -> Array:
        return W - rate * decayed(W, dW, weight_decay)
