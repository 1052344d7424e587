"""Reference kernels of the optimizers: one step for one parameter, new W and new state from old.

They are element-wise: W may be one parameter, or many of them in one flat array. A body for a library whose arrays can
be written to may put its results into W and the state it was given, and return those; it writes nowhere else.
λ is the weight decay, the gradient of ``½ λ ‖W‖²``. ε is added to the root, never under it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import inf, log
from typing import Any, ParamSpec, TypeVar

from xpnet.backend import array_namespace, dtype_name, is_array
from xpnet.backend.halves import HALVES, as_tuple, narrowed, widened
from xpnet.kernels.dispatch import kernel
from xpnet.typing import Array

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


def rounded_once(step: Callable[P, R_co]) -> Callable[P, R_co]:
    """A step that computes with arrays of 16 bits in float32, and rounds W and each slot to its own dtype."""
    given: Callable[..., Any] = step

    @wraps(step)
    def computed(W: Array, dW: Array, *rest: Any) -> Any:
        if dtype_name(W.dtype) not in HALVES:
            return given(W, dW, *rest)
        wide = [widened(value) if hasattr(value, "dtype") else value for value in rest]
        found = given(widened(W), widened(dW), *wide)
        new = tuple([narrowed(y, old) for y, old in zip(as_tuple(found), (W, *rest), strict=False)])
        return new if type(found) is tuple else new[0]

    return computed  # type: ignore[return-value]


def decayed(W: Array, dW: Array, weight_decay: float) -> Array:
    """The gradient with that of the weight decay, ``dW + λ W``."""
    return dW + weight_decay * W if weight_decay else dW


@kernel
@rounded_once
def sgd(W: Array, dW: Array, rate: float, weight_decay: float) -> Array:
    """Gradient descent, ``W - η dW``."""
    new: Array = W - rate * decayed(W, dW, weight_decay)
    return new


@kernel
@rounded_once
def momentum(W: Array, dW: Array, v: Array, rate: float, momentum: float, weight_decay: float) -> tuple[Array, Array]:
    """Momentum, ``v ← μ v + dW``, ``W ← W - η v``."""
    v = momentum * v + decayed(W, dW, weight_decay)
    return W - rate * v, v


@kernel
@rounded_once
def nesterov(W: Array, dW: Array, v: Array, rate: float, momentum: float, weight_decay: float) -> tuple[Array, Array]:
    """Nesterov's momentum, ``v ← μ v + dW``, ``W ← W - η (dW + μ v)``."""
    dW = decayed(W, dW, weight_decay)
    v = momentum * v + dW
    return W - rate * (dW + momentum * v), v


@kernel
@rounded_once
def adagrad(W: Array, dW: Array, h: Array, rate: float, eps: float, weight_decay: float) -> tuple[Array, Array]:
    """AdaGrad, ``h ← h + dW²``, ``W ← W - η dW / (√h + ε)``."""
    xp = array_namespace(W, dW, h)
    dW = decayed(W, dW, weight_decay)
    h = h + dW * dW
    return W - rate * dW / (xp.sqrt(h) + eps), h


@kernel
@rounded_once
def rmsprop(
    W: Array, dW: Array, h: Array, rate: float, decay_rate: float, eps: float, weight_decay: float
) -> tuple[Array, Array]:
    """RMSprop, ``h ← ρ h + (1 - ρ) dW²``, ``W ← W - η dW / (√h + ε)``."""
    xp = array_namespace(W, dW, h)
    dW = decayed(W, dW, weight_decay)
    h = decay_rate * h + (1.0 - decay_rate) * dW * dW
    return W - rate * dW / (xp.sqrt(h) + eps), h


def adam_scales(rate: float, beta1: float, beta2: float, eps: float, t: Any) -> tuple[Any, Any]:
    """The two numbers of step t in ``W ← W - scale m / (√v + shift)``, which spare two passes over the arrays."""
    first, root = weight_of_all(beta1, t), weight_of_all(beta2, t) ** 0.5
    return rate * root / first, eps * root


def weight_of_all(beta: float, t: Any) -> Any:
    """``1 + β + … + βᵗ⁻¹``, of a float32 on a device too, where ``1 - βᵗ`` would lose digits."""
    if isinstance(t, int) or not is_array(t):
        return (1.0 - beta**t) / (1.0 - beta)
    return array_namespace(t).expm1(t * (log(beta) if beta else -inf)) / (beta - 1.0)


@kernel
@rounded_once
def adam(
    W: Array,
    dW: Array,
    m: Array,
    v: Array,
    rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    t: int | Array,
) -> tuple[Array, Array, Array]:
    """Adam, ``m ← β₁ m + dW``, ``v ← β₂ v + dW²``, ``W ← W - η m̂ / (√v̂ + ε)``.

    m and v are sums whose weights fade, ``1, β, β² …``; ``m̂`` and ``v̂`` are the means, divided by the sum of the
    weights, ``(1 - βᵗ) / (1 - β)`` in step t = 1, 2 ….
    """
    xp = array_namespace(W, dW, m, v)
    scale, shift = adam_scales(rate, beta1, beta2, eps, t)
    dW = decayed(W, dW, weight_decay)
    m = beta1 * m + dW
    v = beta2 * v + dW * dW
    return W - scale * m / (xp.sqrt(v) + shift), m, v


@kernel
@rounded_once
def adamw(
    W: Array,
    dW: Array,
    m: Array,
    v: Array,
    rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    t: int | Array,
) -> tuple[Array, Array, Array]:
    """``adam`` after a weight decay of its own, ``W ← (1 - η λ) W``."""
    W = (1.0 - rate * weight_decay) * W
    found: tuple[Array, Array, Array] = adam.reference(W, dW, m, v, rate, beta1, beta2, eps, 0.0, t)
    return found


@kernel
@rounded_once
def lion(
    W: Array, dW: Array, m: Array, rate: float, beta1: float, beta2: float, weight_decay: float
) -> tuple[Array, Array]:
    """Lion, ``c = β₁ m + (1 - β₁) dW``, ``W ← (1 - η λ) W - η sign c``, ``m ← β₂ m + (1 - β₂) dW``."""
    xp = array_namespace(W, dW, m)
    c = beta1 * m + (1.0 - beta1) * dW
    sign = c / (xp.abs(c) + xp.astype(c == 0, c.dtype))  # the library's own may read values on the host
    return (1.0 - rate * weight_decay) * W - rate * sign, beta2 * m + (1.0 - beta2) * dW


@kernel
def sum_of_squares(x: Array) -> Array:
    """The squared length of an array, ``Σ x²``.

    Shapes: ``x (...)``, result ``()``.
    """
    total: Array = array_namespace(x).sum(x * x)
    return total
