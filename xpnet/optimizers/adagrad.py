"""A learning rate for each value, from the squares of its gradients."""

from __future__ import annotations

from xpnet.backend import array_namespace
from xpnet.optimizers.base import Optimizer, Rate, decayed
from xpnet.optimizers.groups import Groups
from xpnet.typing import Array


class AdaGrad(Optimizer):
    """A rate for each value, which shrinks as it moves, ``h ← h + dW²``, ``W ← W - η dW / (√h + ε)``.

    The book has ε = 1e-7.

    Raises: ``ArgumentError`` for options out of range.
    Source: Duchi et al., 2011; Deep Learning from Scratch, section 6.1.5.

    >>> params, grads, optimizer = {"W": np.zeros(2)}, {"W": np.array([-1.0, -100.0])}, AdaGrad(lr=0.1)
    >>> optimizer.update(params, grads)
    >>> optimizer.update(params, grads)
    >>> params["W"]  # gradients of any size move alike, the second time by 1/√2
    array([0.1707, 0.1707])
    """

    slots = ("h",)
    elementwise = True

    def __init__(
        self, lr: Rate = 0.01, eps: float = 1e-10, weight_decay: float = 0.0, groups: Groups | None = None
    ) -> None:
        super().__init__(groups, lr=lr, eps=eps, weight_decay=weight_decay)

    def step(self, W: Array, dW: Array, h: Array, rate: float, eps: float, weight_decay: float) -> tuple[Array, Array]:
        xp = array_namespace(W, dW, h)
        dW = decayed(W, dW, weight_decay)
        h = h + dW * dW
        return W - rate * dW / (xp.sqrt(h) + eps), h


class RMSprop(Optimizer):
    """AdaGrad that forgets, ``h ← ρ h + (1 - ρ) dW²``, ``W ← W - η dW / (√h + ε)``; ρ is ``decay_rate``.

    The book has ε = 1e-7.

    Raises: ``ArgumentError`` for options out of range.
    Source: Tieleman and Hinton, 2012, lecture 6.5.

    >>> params, grads, optimizer = {"W": np.zeros(2)}, {"W": np.array([-1.0, -100.0])}, RMSprop(lr=0.01)
    >>> optimizer.update(params, grads)
    >>> params["W"]  # gradients of any size move alike, at first by η / √(1 - ρ)
    array([0.1, 0.1])
    """

    slots = ("h",)
    elementwise = True

    def __init__(
        self,
        lr: Rate = 0.01,
        decay_rate: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(groups, lr=lr, decay_rate=decay_rate, eps=eps, weight_decay=weight_decay)

    def step(
        self, W: Array, dW: Array, h: Array, rate: float, decay_rate: float, eps: float, weight_decay: float
    ) -> tuple[Array, Array]:
        xp = array_namespace(W, dW, h)
        dW = decayed(W, dW, weight_decay)
        h = decay_rate * h + (1.0 - decay_rate) * dW * dW
        return W - rate * dW / (xp.sqrt(h) + eps), h
