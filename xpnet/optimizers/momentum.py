"""Gradient descent with momentum."""

from __future__ import annotations

from xpnet.optimizers.base import Optimizer, Rate, decayed
from xpnet.optimizers.groups import Groups
from xpnet.typing import Array


class Momentum(Optimizer):
    """A ball that rolls with friction, ``v ← μ v + dW``, ``W ← W - η v``; μ is ``momentum``.

    The book's v is ``-η`` times this one: for a constant η the two are the same. Here a change of η acts at once.

    Raises: ``ArgumentError`` for options out of range.
    Source: Polyak, 1964; Deep Learning from Scratch, section 6.1.4.

    >>> params, grads, optimizer = {"W": np.array([0.0])}, {"W": np.array([-1.0])}, Momentum(lr=0.1)
    >>> for _ in range(3):
    ...     optimizer.update(params, grads)
    ...     print(params["W"].round(3))  # by steps that grow: 0.1, 0.19, 0.271
    [0.1]
    [0.29]
    [0.561]
    """

    slots = ("v",)
    elementwise = True

    def __init__(
        self, lr: Rate = 0.01, momentum: float = 0.9, weight_decay: float = 0.0, groups: Groups | None = None
    ) -> None:
        super().__init__(groups, lr=lr, momentum=momentum, weight_decay=weight_decay)

    def step(
        self, W: Array, dW: Array, v: Array, rate: float, momentum: float, weight_decay: float
    ) -> tuple[Array, Array]:
        v = momentum * v + decayed(W, dW, weight_decay)
        return W - rate * v, v


class Nesterov(Momentum):
    """Momentum that looks one step ahead, ``v ← μ v + dW``, ``W ← W - η (dW + μ v)``; μ is ``momentum``.

    Raises: ``ArgumentError`` for options out of range.
    Source: Nesterov, 1983, in the form of Sutskever et al., 2013, section 2.

    >>> params, grads = {"W": np.array([0.0])}, {"W": np.array([-1.0])}
    >>> Nesterov(lr=0.1).update(params, grads)
    >>> params["W"]  # already in the first step 1 + μ times that of Momentum
    array([0.19])
    """

    def step(
        self, W: Array, dW: Array, v: Array, rate: float, momentum: float, weight_decay: float
    ) -> tuple[Array, Array]:
        dW = decayed(W, dW, weight_decay)
        v = momentum * v + dW
        return W - rate * (dW + momentum * v), v
