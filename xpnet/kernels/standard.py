"""The reference kernels: the array API standard and nothing else."""

from __future__ import annotations

from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.typing import Array


def relu(x: Array) -> Array:
    """Rectified linear unit, ``y = max(x, 0)``."""
    xp = array_namespace(x)
    y: Array = xp.maximum(x, xp.zeros((), dtype=x.dtype, device=device_of(x)))
    return y


def relu_backward(dout: Array, y: Array) -> Array:
    """Derivative of ``relu``, ``dx = dout [y > 0]``; a product, since masked copies are some twenty times slower."""
    xp = array_namespace(dout, y)
    dx: Array = dout * xp.astype(y > 0, dout.dtype)
    return dx


def sigmoid(x: Array) -> Array:
    """Logistic function, ``y = 1 / (1 + exp(-x))``, as ``exp(min(x, 0)) / (1 + exp(-|x|))``, which cannot overflow."""
    xp = array_namespace(x)
    zero = xp.zeros((), dtype=x.dtype, device=device_of(x))
    y: Array = xp.exp(xp.minimum(x, zero)) / (1.0 + xp.exp(-xp.abs(x)))
    return y


def softmax(x: Array) -> Array:
    """Softmax over the last axis, ``y = eˣ⁻ᶜ / Σ eˣ⁻ᶜ`` with ``c = max x``."""
    xp = array_namespace(x)
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    y: Array = e / xp.sum(e, axis=-1, keepdims=True)
    return y


def one_hot(t: Array, classes: int) -> Array:
    """True at the label, ``h[..., k] = [t == k]``.

    Shapes: ``t (...)`` integer, ``h (..., K)`` bool.
    """
    xp = array_namespace(t)
    h: Array = xp.expand_dims(t, axis=-1) == xp.arange(classes, device=device_of(t))
    return h


def softmax_cross_entropy(x: Array, t: Array) -> tuple[Array, Array]:
    """Cross-entropy of softmax by log-sum-exp, ``losses = log Σ eˣ⁻ᶜ - Σ t (x - c)``, and ``y = softmax(x)``.

    A label outside 0 … K - 1 makes its loss NaN: reading it on the host would stall a GPU.

    Shapes: ``x (..., K)``; ``t (...)`` integer class indices or ``(..., K)`` floating; ``losses (...)``.
    """
    xp = array_namespace(x, t)
    shifted = x - xp.max(x, axis=-1, keepdims=True)
    e = xp.exp(shifted)
    total = xp.sum(e, axis=-1, keepdims=True)
    log_total = xp.log(xp.squeeze(total, axis=-1))
    if dtype_kind(t) == "integer":
        classes = x.shape[-1]
        zero = xp.zeros((), dtype=x.dtype, device=device_of(x))
        chosen = xp.sum(xp.where(one_hot(t, classes), shifted, zero), axis=-1)
        known = (t >= 0) & (t < classes)
        losses = xp.where(known, log_total - chosen, xp.full((), float("nan"), dtype=x.dtype, device=device_of(x)))
    else:
        losses = log_total * xp.sum(t, axis=-1) - xp.sum(t * shifted, axis=-1)
    return losses, e / total


def softmax_cross_entropy_backward(y: Array, t: Array) -> Array:
    """Derivative of each loss with respect to its scores, ``y - t``; ``y Σ t - t`` for targets that do not sum to 1.

    Shapes: ``y (..., K)``; ``t`` as in ``softmax_cross_entropy``.
    """
    xp = array_namespace(y, t)
    if dtype_kind(t) == "integer":
        dx: Array = y - xp.astype(one_hot(t, y.shape[-1]), y.dtype)
    else:
        dx = y * xp.sum(t, axis=-1, keepdims=True) - t
    return dx


def sum_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Undo broadcasting, ``g[i] = Σ g[broadcast of i]``: the backward of an operand that was stretched."""
    if gradient.shape == shape:
        return gradient
    xp = array_namespace(gradient)
    added = gradient.ndim - len(shape)
    stretched = [added + axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[added + axis] != 1]
    summed: Array = xp.sum(gradient, axis=(*range(added), *stretched), keepdims=True)
    return xp.reshape(summed, shape)  # type: ignore[no-any-return]
