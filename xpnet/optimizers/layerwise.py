"""Rates in proportion to the norm of each parameter: LARS and LAMB."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, device_of
from xpnet.optimizers.base import Optimizer, Rate, decayed
from xpnet.optimizers.groups import Groups
from xpnet.typing import Array


class LARS(Optimizer):
    """Momentum with a rate for each array, ``v ← μ v + η r (dW + λ W)``, ``W ← W - v``.

    The ratio is ``r = κ ‖W‖ / (‖dW‖ + λ ‖W‖)``, or 1 if a norm is 0; κ is ``trust``. Without ``adapt`` it is 1, as is
    usual for biases and normalizations: ``groups={vectors: {"adapt": False, "weight_decay": 0.0}}``.

    Raises: ``ArgumentError`` for options out of range.
    Source: You et al., 2017, "Large batch training of convolutional networks", algorithm 1.

    >>> params, grads = {"W": np.array([3.0, 4.0])}, {"W": np.array([600.0, 800.0])}
    >>> LARS(lr=1.0, trust=0.1).update(params, grads)
    >>> params["W"]  # a tenth of its norm, whatever the norm of the gradient
    array([2.7, 3.6])
    """

    slots = ("v",)

    def __init__(
        self,
        lr: Rate = 1.0,
        momentum: float = 0.9,
        trust: float = 0.001,
        weight_decay: float = 0.0,
        adapt: bool = True,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(groups, lr=lr, momentum=momentum, trust=trust, weight_decay=weight_decay, adapt=adapt)

    def step(
        self,
        W: Array,
        dW: Array,
        v: Array,
        rate: float,
        momentum: float,
        trust: float,
        weight_decay: float,
        adapt: bool,
    ) -> tuple[Array, Array]:
        size = norm(W)
        ratio = ratio_of(trust * size, norm(dW) + weight_decay * size) if adapt else 1.0
        v = momentum * v + rate * ratio * decayed(W, dW, weight_decay)
        return W - v, v


class LAMB(Optimizer):
    """Adam with a rate for each array, ``u = m̂ / (√v̂ + ε) + λ W``, ``W ← W - η (‖W‖ / ‖u‖) u``.

    ``m ← β₁ m + (1 - β₁) dW``, ``v ← β₂ v + (1 - β₂) dW²``, ``m̂ = m / (1 - β₁ᵗ)``, ``v̂ = v / (1 - β₂ᵗ)``. The ratio
    of norms is 1 if one of them is 0, and without ``adapt``.

    Raises: ``ArgumentError`` for options out of range.
    Source: You et al., 2020, "Large batch optimization for deep learning", algorithm 2.

    >>> params, grads = {"W": np.array([3.0, 4.0]), "V": np.array([0.03, 0.04])}, {"W": np.ones(2), "V": np.ones(2)}
    >>> LAMB(lr=0.1).update(params, grads)
    >>> params["W"].round(3), params["V"].round(5)  # each array moves by a tenth of its own norm
    (array([2.646, 3.646]), array([0.0265, 0.0365]))
    """

    slots = ("m", "v")
    live = 3

    def __init__(
        self,
        lr: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        adapt: bool = True,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(groups, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, adapt=adapt)

    def numbers(  # type: ignore[override]
        self, count: Any, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float, adapt: bool
    ) -> tuple[Any, ...]:
        root = (1.0 - beta2**count) ** 0.5
        return lr, root / (1.0 - beta1**count), eps * root, beta1, beta2, weight_decay, adapt

    def step(
        self,
        W: Array,
        dW: Array,
        m: Array,
        v: Array,
        rate: float,
        scale: float,
        shift: float,
        beta1: float,
        beta2: float,
        weight_decay: float,
        adapt: bool,
    ) -> tuple[Array, Array, Array]:
        xp = array_namespace(W, dW, m, v)
        m = beta1 * m + (1.0 - beta1) * dW
        v = beta2 * v + (1.0 - beta2) * dW * dW
        u = decayed(W, scale * m / (xp.sqrt(v) + shift), weight_decay)
        ratio = ratio_of(norm(W), norm(u)) if adapt else 1.0
        return W - rate * ratio * u, m, v


def norm(W: Array) -> Array:
    """Return ``‖W‖ = √Σ W²`` on the device."""
    xp = array_namespace(W)
    length: Array = xp.sqrt(xp.sum(W * W))
    return length


def ratio_of(over: Array, under: Array) -> Array:
    """Return a ratio of norms, or 1 where either is 0."""
    xp = array_namespace(over, under)
    one = xp.ones_like(under)
    both = (over > 0.0) & (under > 0.0)
    ratio: Array = xp.where(both, over / xp.where(both, under, one), one)
    return ratio


def at_least(x: Array, low: float) -> Array:
    """Return ``max(x, low)`` without reading a value on the host."""
    xp = array_namespace(x)
    bounded: Array = xp.maximum(x, xp.full((), low, dtype=x.dtype, device=device_of(x)))
    return bounded
