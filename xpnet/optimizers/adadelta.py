"""A rate for each value, from the ratio of its moves to its gradients."""

from __future__ import annotations

from xpnet.backend import array_namespace
from xpnet.optimizers.base import Optimizer, Rate, decayed
from xpnet.optimizers.groups import Groups
from xpnet.typing import Array


class Adadelta(Optimizer):
    """Moves as large as those before, ``h ← ρ h + (1 - ρ) dW²``, ``d = dW √(s + ε) / √(h + ε)``, ``W ← W - η d``.

    ``s ← ρ s + (1 - ρ) d²`` is the mean square of the moves; ρ is ``decay_rate``.

    Raises: ``ArgumentError`` for options out of range.
    Source: Zeiler, 2012, algorithm 1, with a rate η.

    >>> params, grads, optimizer = {"W": np.zeros(2)}, {"W": np.array([-1.0, -100.0])}, Adadelta()
    >>> for _ in range(100):
    ...     optimizer.update(params, grads)
    >>> params["W"].round(2)  # gradients of any size move alike, and nobody chose a rate
    array([0.41, 0.41])
    """

    slots = ("h", "s")
    elementwise = True

    def __init__(
        self,
        lr: Rate = 1.0,
        decay_rate: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(groups, lr=lr, decay_rate=decay_rate, eps=eps, weight_decay=weight_decay)

    def step(
        self, W: Array, dW: Array, h: Array, s: Array, rate: float, decay_rate: float, eps: float, weight_decay: float
    ) -> tuple[Array, Array, Array]:
        xp = array_namespace(W, dW, h, s)
        dW = decayed(W, dW, weight_decay)
        h = decay_rate * h + (1.0 - decay_rate) * dW * dW
        d = dW * xp.sqrt(s + eps) / xp.sqrt(h + eps)
        return W - rate * d, h, decay_rate * s + (1.0 - decay_rate) * d * d
