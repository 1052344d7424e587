"""Adam whose rate waits until its mean of squares is known well enough."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, is_array
from xpnet.optimizers.base import Optimizer, Rate, decayed
from xpnet.optimizers.groups import Groups
from xpnet.typing import Array

ENOUGH = 5.0


class RAdam(Optimizer):
    """Adam, rectified, ``W ← W - η rₜ m̂ / (√v̂ + ε)``, and ``W ← W - η m̂`` in the first steps, while ``ρₜ ≤ 5``.

    ``m ← β₁ m + (1 - β₁) dW``, ``v ← β₂ v + (1 - β₂) dW²``, ``m̂ = m / (1 - β₁ᵗ)``, ``v̂ = v / (1 - β₂ᵗ)``;
    ``ρ = 2 / (1 - β₂) - 1``, ``ρₜ = ρ - 2 t β₂ᵗ / (1 - β₂ᵗ)`` and
    ``rₜ² = (ρₜ - 4) (ρₜ - 2) ρ / ((ρ - 4) (ρ - 2) ρₜ)``. As in torch, ε is added before v is corrected.

    Raises: ``ArgumentError`` for options out of range.
    Source: Liu et al., 2020, "On the variance of the adaptive learning rate and beyond", algorithm 2.

    >>> params, grads, optimizer = {"W": np.zeros(2)}, {"W": np.array([-1.0, -100.0])}, RAdam(lr=0.001)
    >>> for _ in range(5):
    ...     optimizer.update(params, grads)
    >>> params["W"]  # five steps of a momentum, until the squares are known well
    array([0.005, 0.5  ])
    """

    slots = ("m", "v")
    live = 3
    elementwise = True

    def __init__(
        self,
        lr: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(groups, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)

    def numbers(  # type: ignore[override]
        self, count: Any, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
    ) -> tuple[Any, ...]:
        left = 1.0 - beta2**count
        most = 2.0 / (1.0 - beta2) - 1.0
        known = most - 2.0 * count * beta2**count / left
        scale = lr / (1.0 - beta1**count)
        if not is_array(count):
            adaptive = known > ENOUGH
            return (
                scale * (rectified(known, most) * left) ** 0.5 if adaptive else scale,
                float(adaptive),
                eps if adaptive else 1.0,
                *(beta1, beta2, weight_decay),
            )
        xp = array_namespace(count)
        one = xp.ones_like(known)
        adaptive = known > ENOUGH
        factor = xp.sqrt(rectified(xp.where(adaptive, known, ENOUGH * one), most) * left) if most > 4.0 else one
        return (
            scale * xp.where(adaptive, factor, one),
            xp.astype(adaptive, one.dtype),
            xp.where(adaptive, eps * one, one),
            *(beta1, beta2, weight_decay),
        )

    def step(
        self,
        W: Array,
        dW: Array,
        m: Array,
        v: Array,
        scale: float,
        adaptive: float,
        shift: float,
        beta1: float,
        beta2: float,
        weight_decay: float,
    ) -> tuple[Array, Array, Array]:
        xp = array_namespace(W, dW, m, v)
        dW = decayed(W, dW, weight_decay)
        m = beta1 * m + (1.0 - beta1) * dW
        v = beta2 * v + (1.0 - beta2) * dW * dW
        return W - scale * m / (adaptive * xp.sqrt(v) + shift), m, v


def rectified(known: Any, most: float) -> Any:
    """Return ``rₜ²``, the ratio of the variances of the rate."""
    return (known - 4.0) * (known - 2.0) * most / ((most - 4.0) * (most - 2.0) * known)
