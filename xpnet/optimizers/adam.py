"""Adam, and Adam with a weight decay of its own."""

from __future__ import annotations

from math import inf, log
from typing import Any

from xpnet.arguments import check_flags
from xpnet.backend import array_namespace, is_array
from xpnet.optimizers.base import Optimizer, Rate, decayed
from xpnet.optimizers.groups import Groups
from xpnet.typing import Array


class Adam(Optimizer):
    """Momentum and RMSprop in one, ``m ← β₁ m + dW``, ``v ← β₂ v + dW²``, ``W ← W - η m̂ / (√v̂ + ε)``.

    ``m̂`` and ``v̂`` are means over the steps, with weights ``1, β, β² …`` back from the newest. The paper writes the
    same with ``1 - β`` inside m and v. The book adds its ε of 1e-7 before v is corrected for its start at zero: in its
    first steps it is larger than here. With ``amsgrad`` the largest v so far stands for v.

    Raises: ``ArgumentError`` for options out of range.
    Source: Kingma and Ba, 2015, algorithm 1; Reddi et al., 2018, algorithm 2 (AMSGrad); Deep Learning from Scratch,
    section 6.1.6.

    >>> params, grads, optimizer = {"W": np.zeros(2)}, {"W": np.array([-1.0, -100.0])}, Adam(lr=0.001)
    >>> optimizer.update(params, grads)
    >>> params["W"]  # a first step is as large as the rate, for gradients of any size
    array([0.001, 0.001])
    """

    slots: tuple[str, ...] = ("m", "v")
    live = 2
    elementwise = True

    def __init__(
        self,
        lr: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        groups: Groups | None = None,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(groups, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
        check_flags(type(self).__name__, amsgrad=amsgrad)
        self.amsgrad = amsgrad
        if amsgrad:
            self.slots = ("m", "v", "top")
            self.step = self.step_by_largest  # type: ignore[assignment, method-assign]

    def numbers(  # type: ignore[override]
        self, count: Any, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
    ) -> tuple[Any, ...]:
        return (*scales(count, lr, beta1, beta2, eps), beta1, beta2, weight_decay)

    def step(
        self,
        W: Array,
        dW: Array,
        m: Array,
        v: Array,
        scale: float,
        shift: float,
        beta1: float,
        beta2: float,
        weight_decay: float,
    ) -> tuple[Array, Array, Array]:
        xp = array_namespace(W, dW, m, v)
        dW = decayed(W, dW, weight_decay)
        m = beta1 * m + dW
        v = beta2 * v + dW * dW
        return W - scale * m / (xp.sqrt(v) + shift), m, v

    def step_by_largest(
        self,
        W: Array,
        dW: Array,
        m: Array,
        v: Array,
        top: Array,
        scale: float,
        shift: float,
        beta1: float,
        beta2: float,
        weight_decay: float,
    ) -> tuple[Array, Array, Array, Array]:
        """Return the step of AMSGrad, ``top ← max(top, v)``, ``W ← W - η m̂ / (√t̂op + ε)``."""
        xp = array_namespace(W, dW, m, v)
        dW = decayed(W, dW, weight_decay)
        m = beta1 * m + dW
        v = beta2 * v + dW * dW
        top = xp.maximum(top, v)
        return W - scale * m / (xp.sqrt(top) + shift), m, v, top

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, amsgrad=True)" if self.amsgrad else super().__repr__()


class AdamW(Adam):
    """Adam with a weight decay of its own, ``W ← (1 - η λ) W - η m̂ / (√v̂ + ε)``.

    Raises: ``ArgumentError`` for options out of range.
    Source: Loshchilov and Hutter, 2019, algorithm 2, with λ scaled by η alone.

    >>> params, grads = {"W": np.array([1.0])}, {"W": np.array([0.0])}
    >>> AdamW(lr=0.1, weight_decay=0.5).update(params, grads)
    >>> params["W"]  # (1 - 0.1 · 0.5), although there is no gradient
    array([0.95])
    """

    live = 3

    def __init__(
        self,
        lr: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        groups: Groups | None = None,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(lr, beta1, beta2, eps, weight_decay, groups, amsgrad)

    def numbers(  # type: ignore[override]
        self, count: Any, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
    ) -> tuple[Any, ...]:
        return (*scales(count, lr, beta1, beta2, eps), 1.0 - lr * weight_decay, beta1, beta2)

    def step(  # type: ignore[override]
        self,
        W: Array,
        dW: Array,
        m: Array,
        v: Array,
        scale: float,
        shift: float,
        kept: float,
        beta1: float,
        beta2: float,
    ) -> tuple[Array, Array, Array]:
        return super().step(kept * W, dW, m, v, scale, shift, beta1, beta2, 0.0)

    def step_by_largest(  # type: ignore[override]
        self,
        W: Array,
        dW: Array,
        m: Array,
        v: Array,
        top: Array,
        scale: float,
        shift: float,
        kept: float,
        beta1: float,
        beta2: float,
    ) -> tuple[Array, Array, Array, Array]:
        """Return the step of AMSGrad with a weight decay of its own."""
        return super().step_by_largest(kept * W, dW, m, v, top, scale, shift, beta1, beta2, 0.0)


def scales(count: Any, rate: float, beta1: float, beta2: float, eps: float) -> tuple[Any, Any]:
    """Return scale and shift such that ``scale m / (√v + shift)`` is ``η m̂ / (√v̂ + ε)`` at the step of that count.

    ``m̂`` is m divided by the weights of all steps, ``1 + β + … + βᵗ⁻¹``, and ``v̂`` likewise.
    """
    first, root = weights_of_all(beta1, count), weights_of_all(beta2, count) ** 0.5
    return rate * root / first, eps * root


def weights_of_all(beta: float, count: Any) -> Any:
    """Return ``1 + β + … + βᵗ⁻¹``, also for a float32 on a device, where ``1 - βᵗ`` would lose digits."""
    if isinstance(count, int) or not is_array(count):
        return (1.0 - beta**count) / (1.0 - beta)
    return array_namespace(count).expm1(count * (log(beta) if beta else -inf)) / (beta - 1.0)
