"""Lion: evolved sign momentum."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace
from xpnet.optimizers.base import Optimizer, Rate
from xpnet.optimizers.groups import Groups
from xpnet.typing import Array


class Lion(Optimizer):
    """The sign of a momentum, ``W ← (1 - η λ) W - η sign(β₁ m + (1 - β₁) dW)``, ``m ← β₂ m + (1 - β₂) dW``.

    It keeps half as many arrays as Adam; its rate is usually three to ten times smaller, and λ as much larger.

    Raises: ``ArgumentError`` for options out of range.
    Source: Chen et al., 2023, algorithm 2.

    >>> params, grads = {"W": np.zeros(3)}, {"W": np.array([-1.0, -100.0, 0.0])}
    >>> Lion(lr=0.001).update(params, grads)
    >>> params["W"]  # only the sign counts
    array([0.001, 0.001, 0.   ])
    """

    slots = ("m",)
    live = 2
    elementwise = True

    def __init__(
        self,
        lr: Rate = 1e-4,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(groups, lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay)

    def numbers(self, count: Any, **options: Any) -> tuple[Any, ...]:  # noqa: ARG002
        lr, beta1, beta2, weight_decay = options.values()
        return lr, 1.0 - lr * weight_decay, beta1, beta2

    def step(
        self, W: Array, dW: Array, m: Array, rate: float, kept: float, beta1: float, beta2: float
    ) -> tuple[Array, Array]:
        xp = array_namespace(W, dW, m)
        c = beta1 * m + (1.0 - beta1) * dW
        sign = c / (xp.abs(c) + xp.astype(c == 0, c.dtype))  # the library's own sign may read values on the host
        return kept * W - rate * sign, beta2 * m + (1.0 - beta2) * dW
