"""Reference kernels of the activations."""

from __future__ import annotations

from math import pi, sqrt

from xpnet.backend import array_namespace, device_of
from xpnet.backend.halves import in_float32
from xpnet.kernels.dispatch import kernel
from xpnet.kernels.standard.erf import erf
from xpnet.typing import Array

CUBE = 0.044715  # of the tanh form of GELU


def zero(x: Array) -> Array:
    """0 as an array beside x: with the Python number, NumPy's ``maximum`` takes six times as long."""
    xp = array_namespace(x)
    z: Array = xp.zeros((), dtype=x.dtype, device=device_of(x))
    return z


@kernel
def relu(x: Array) -> Array:
    """Rectified linear unit, ``y = max(x, 0)``."""
    y: Array = array_namespace(x).maximum(x, zero(x))
    return y


@kernel
def relu_backward(dout: Array, y: Array) -> Array:
    """Derivative of ``relu``, ``dx = dout [y > 0]``; a product, since masked copies are some twenty times slower."""
    xp = array_namespace(dout, y)
    dx: Array = dout * xp.astype(y > 0, dout.dtype)
    return dx


@kernel
@in_float32
def leaky_relu(x: Array, slope: float) -> Array:
    """Leaky rectified linear unit, ``y = x`` where ``x > 0``, else ``slope x``."""
    xp = array_namespace(x)
    y: Array = xp.maximum(x, slope * x) if slope <= 1.0 else xp.minimum(x, slope * x)
    return y


@kernel
@in_float32
def leaky_relu_backward(dout: Array, x: Array, slope: float) -> Array:
    """Derivative of ``leaky_relu``, ``dx = dout`` where ``x > 0``, else ``slope dout``."""
    xp = array_namespace(dout, x)
    above = xp.astype(x > 0, dout.dtype)
    dx: Array = dout * (above + slope * (1.0 - above))
    return dx


@kernel
@in_float32
def elu(x: Array, alpha: float) -> Array:
    """Exponential linear unit, ``y = max(x, 0) + α (exp(min(x, 0)) - 1)``."""
    xp = array_namespace(x)
    y: Array = xp.maximum(x, zero(x)) + alpha * xp.expm1(xp.minimum(x, zero(x)))
    return y


@kernel
@in_float32
def elu_backward(dout: Array, x: Array, alpha: float) -> Array:
    """Derivative of ``elu``, ``dx = dout`` where ``x > 0``, else ``dout α eˣ``."""
    xp = array_namespace(dout, x)
    return leaky_relu_backward(dout * xp.exp(xp.minimum(x, zero(x))), x, alpha)


@kernel
@in_float32
def sigmoid(x: Array) -> Array:
    """Logistic function, ``y = 1 / (1 + exp(-x))``, as ``exp(min(x, 0)) / (1 + exp(-|x|))``, which cannot overflow."""
    xp = array_namespace(x)
    y: Array = xp.exp(xp.minimum(x, zero(x))) / (1.0 + xp.exp(-xp.abs(x)))
    return y


@kernel
@in_float32
def softplus(x: Array) -> Array:
    """Softplus, ``y = log(1 + eˣ)``, as ``max(x, 0) + log(1 + exp(-|x|))``, which cannot overflow."""
    xp = array_namespace(x)
    y: Array = xp.maximum(x, zero(x)) + xp.log1p(xp.exp(-xp.abs(x)))
    return y


@kernel
@in_float32
def silu(x: Array) -> tuple[Array, Array]:
    """Sigmoid linear unit, ``y = x s``, and ``s = sigmoid(x)``."""
    s = sigmoid(x)
    return x * s, s


@kernel
@in_float32
def silu_backward(dout: Array, y: Array, s: Array) -> Array:
    """Derivative of ``silu``, ``dx = dout (s + y (1 - s))``."""
    dx: Array = dout * (s + y * (1.0 - s))
    return dx


@kernel
@in_float32
def gelu(x: Array) -> tuple[Array, Array]:
    """Gaussian error linear unit, ``y = x s``, and the normal distribution ``s = Φ(x) = (1 + erf(x / √2)) / 2``."""
    s = 0.5 + 0.5 * erf(x * sqrt(0.5))
    return x * s, s


@kernel
@in_float32
def gelu_backward(dout: Array, x: Array, s: Array) -> Array:
    """Derivative of ``gelu``, ``dx = dout (s + x φ(x))`` with ``φ(x) = exp(-x² / 2) / √(2π)``."""
    xp = array_namespace(dout, x, s)
    dx: Array = dout * (s + x * xp.exp(-0.5 * (x * x)) * (1.0 / sqrt(2.0 * pi)))
    return dx


@kernel
@in_float32
def gelu_tanh(x: Array) -> tuple[Array, Array]:
    """The tanh form of GELU, ``y = x s``, and ``s = (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2``."""
    xp = array_namespace(x)
    s = 0.5 + 0.5 * xp.tanh(x * (sqrt(2.0 / pi) + (sqrt(2.0 / pi) * CUBE) * (x * x)))
    return x * s, s


@kernel
@in_float32
def gelu_tanh_backward(dout: Array, x: Array, s: Array) -> Array:
    """Derivative of ``gelu_tanh``, ``dx = dout s (1 + (1 - s) x √(8/π) (1 + 3 · 0.044715 x²))``."""
    inner = x * (sqrt(8.0 / pi) + (sqrt(8.0 / pi) * 3.0 * CUBE) * (x * x))
    dx: Array = dout * s * (1.0 + (1.0 - s) * inner)
    return dx


@kernel
@in_float32
def softmax(x: Array) -> Array:
    """Softmax over the last axis, ``y = eˣ⁻ᶜ / Σ eˣ⁻ᶜ`` with ``c = max x``."""
    xp = array_namespace(x)
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    y: Array = e / xp.sum(e, axis=-1, keepdims=True)
    return y


@kernel
@in_float32
def softmax_backward(dout: Array, y: Array) -> Array:
    """Derivative of ``softmax``, ``dx = y (dout - Σ dout y)``."""
    xp = array_namespace(dout, y)
    dx: Array = y * (dout - xp.sum(dout * y, axis=-1, keepdims=True))
    return dx


@kernel
@in_float32
def log_softmax(x: Array) -> Array:
    """Logarithm of softmax over the last axis, ``y = x - c - log Σ eˣ⁻ᶜ`` with ``c = max x``."""
    xp = array_namespace(x)
    shifted = x - xp.max(x, axis=-1, keepdims=True)
    y: Array = shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))
    return y


@kernel
@in_float32
def log_softmax_backward(dout: Array, y: Array) -> Array:
    """Derivative of ``log_softmax``, ``dx = dout - eʸ Σ dout``."""
    xp = array_namespace(dout, y)
    dx: Array = dout - xp.exp(y) * xp.sum(dout, axis=-1, keepdims=True)
    return dx
