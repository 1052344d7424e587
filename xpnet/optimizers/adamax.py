"""Adam by the largest gradient instead of the mean square."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace
from xpnet.optimizers.adam import weights_of_all
from xpnet.optimizers.base import Optimizer, Rate, decayed
from xpnet.optimizers.groups import Groups
from xpnet.typing import Array


class Adamax(Optimizer):
    """Adam with a maximum, ``m ← β₁ m + dW``, ``u ← max(β₂ u, |dW| + ε)``, ``W ← W - η m̂ / u``.

    ``m̂`` is the mean of the gradients, as in ``Adam``.

    Raises: ``ArgumentError`` for options out of range.
    Source: Kingma and Ba, 2015, algorithm 2; the ε is torch's.

    >>> params, grads, optimizer = {"W": np.zeros(2)}, {"W": np.array([-1.0, -100.0])}, Adamax(lr=0.002)
    >>> optimizer.update(params, grads)
    >>> params["W"]  # as in Adam, a first step is as large as the rate
    array([0.002, 0.002])
    """

    slots = ("m", "u")
    elementwise = True

    def __init__(
        self,
        lr: Rate = 0.002,
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
        return lr / weights_of_all(beta1, count), beta1, beta2, eps, weight_decay

    def step(
        self,
        W: Array,
        dW: Array,
        m: Array,
        u: Array,
        scale: float,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
    ) -> tuple[Array, Array, Array]:
        xp = array_namespace(W, dW, m, u)
        dW = decayed(W, dW, weight_decay)
        m = beta1 * m + dW
        u = xp.maximum(beta2 * u, xp.abs(dW) + eps)
        return W - scale * m / u, m, u
