"""Reference kernels of the activations."""

from __future__ import annotations

from xpnet.backend import array_namespace, device_of
from xpnet.kernels.dispatch import kernel
from xpnet.typing import Array


@kernel
def relu(x: Array) -> Array:
    """Rectified linear unit, ``y = max(x, 0)``."""
    xp = array_namespace(x)
    y: Array = xp.maximum(x, xp.zeros((), dtype=x.dtype, device=device_of(x)))
    return y


@kernel
def relu_backward(dout: Array, y: Array) -> Array:
    """Derivative of ``relu``, ``dx = dout [y > 0]``; a product, since masked copies are some twenty times slower."""
    xp = array_namespace(dout, y)
    dx: Array = dout * xp.astype(y > 0, dout.dtype)
    return dx


@kernel
def sigmoid(x: Array) -> Array:
    """Logistic function, ``y = 1 / (1 + exp(-x))``, as ``exp(min(x, 0)) / (1 + exp(-|x|))``, which cannot overflow."""
    xp = array_namespace(x)
    zero = xp.zeros((), dtype=x.dtype, device=device_of(x))
    y: Array = xp.exp(xp.minimum(x, zero)) / (1.0 + xp.exp(-xp.abs(x)))
    return y


@kernel
def softmax(x: Array) -> Array:
    """Softmax over the last axis, ``y = eˣ⁻ᶜ / Σ eˣ⁻ᶜ`` with ``c = max x``."""
    xp = array_namespace(x)
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    y: Array = e / xp.sum(e, axis=-1, keepdims=True)
    return y
