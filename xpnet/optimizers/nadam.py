"""Adam that looks one step ahead."""

from __future__ import annotations

from math import ceil, log
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, device_of, is_array
from xpnet.optimizers.base import Optimizer, Rate, decayed
from xpnet.optimizers.groups import Groups
from xpnet.typing import Array

NEGLIGIBLE = 1e-20  # a product of coefficients so small changes no float64 when it is subtracted from 1


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, ``W ← W - η (μₜ₊₁ m / (1 - Πₜ₊₁) + (1 - μₜ) dW / (1 - Πₜ)) / (√v̂ + ε)``.

    ``m ← β₁ m + (1 - β₁) dW``, ``v ← β₂ v + (1 - β₂) dW²`` and ``v̂ = v / (1 - β₂ᵗ)``; the momentum grows,
    ``μₜ = β₁ (1 - 0.96^(t ψ) / 2)`` with ψ the ``momentum_decay``, and ``Πₜ = μ₁ μ₂ … μₜ``.

    Raises: ``ArgumentError`` for options out of range.
    Source: Dozat, 2016, "Incorporating Nesterov momentum into Adam", algorithm 2.

    >>> params, grads, optimizer = {"W": np.zeros(2)}, {"W": np.array([-1.0, -100.0])}, NAdam(lr=0.002)
    >>> optimizer.update(params, grads)
    >>> params["W"]  # a little more than a first step of Adam: the momentum is ahead
    array([0.0021, 0.0021])
    """

    slots = ("m", "v")
    live = 3
    elementwise = True

    def __init__(
        self,
        lr: Rate = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        momentum_decay: float = 0.004,
        weight_decay: float = 0.0,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(
            groups, lr=lr, beta1=beta1, beta2=beta2, eps=eps, momentum_decay=momentum_decay, weight_decay=weight_decay
        )

    def numbers(  # type: ignore[override]
        self,
        count: Any,
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
        momentum_decay: float,
        weight_decay: float,
    ) -> tuple[Any, ...]:
        now, coming = (momentum_at(step, beta1, momentum_decay) for step in (count, count + 1))
        before, after = (product_until(step, beta1, momentum_decay) for step in (count, count + 1))
        root = (1.0 - beta2**count) ** 0.5
        of_gradient, of_mean = lr * (1.0 - now) / (1.0 - before), lr * coming / (1.0 - after)
        return of_gradient * root, of_mean * root, eps * root, beta1, beta2, weight_decay

    def step(
        self,
        W: Array,
        dW: Array,
        m: Array,
        v: Array,
        of_gradient: float,
        of_mean: float,
        shift: float,
        beta1: float,
        beta2: float,
        weight_decay: float,
    ) -> tuple[Array, Array, Array]:
        xp = array_namespace(W, dW, m, v)
        dW = decayed(W, dW, weight_decay)
        m = beta1 * m + (1.0 - beta1) * dW
        v = beta2 * v + (1.0 - beta2) * dW * dW
        return W - (of_gradient * dW + of_mean * m) / (xp.sqrt(v) + shift), m, v


def momentum_at(step: Any, beta1: float, decay: float) -> Any:
    """Return ``μₜ = β₁ (1 - 0.96^(t ψ) / 2)``."""
    return beta1 * (1.0 - 0.5 * 0.96 ** (step * decay))


def product_until(count: Any, beta1: float, decay: float) -> Any:
    """Return ``μ₁ μ₂ … μₜ``, for a count on the host or on a device, over the factors that matter."""
    if beta1 == 0.0:
        return 0.0 * count
    most = ceil(log(NEGLIGIBLE) / log(beta1))
    if not is_array(count):
        return float(np.prod(momentum_at(np.arange(1, min(count, most) + 1), beta1, decay)))
    xp = array_namespace(count)
    steps = xp.arange(1, most + 1, dtype=count.dtype, device=device_of(count))
    factors = xp.where(steps <= count, momentum_at(steps, beta1, decay), xp.ones_like(steps))
    return xp.prod(factors)
