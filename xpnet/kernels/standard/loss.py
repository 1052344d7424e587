"""Reference kernels of the losses."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.backend.halves import in_float32
from xpnet.kernels.dispatch import kernel
from xpnet.kernels.standard.activation import sigmoid, softplus
from xpnet.typing import Array


@kernel
def one_hot(t: Array, classes: int) -> Array:
    """True at the label, ``h[..., k] = [t == k]``.

    Shapes: ``t (...)`` integer, ``h (..., K)`` bool.
    """
    xp = array_namespace(t)
    h: Array = xp.expand_dims(t, axis=-1) == xp.arange(classes, device=device_of(t))
    return h


@kernel
@in_float32
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
        losses = log_total * xp.sum(t, axis=-1) - xp.sum(t * without_infinite(shifted, t), axis=-1)
    return losses, e / total


@kernel
@in_float32
def softmax_cross_entropy_backward(y: Array, t: Array, dlosses: float | Array) -> Array:
    """Derivative with respect to the scores, ``dlosses (y - t)``; ``dlosses (y Σ t - t)`` where t does not sum to 1.

    Shapes: ``y (..., K)``; ``t`` as in ``softmax_cross_entropy``; ``dlosses`` a number, ``()`` or ``(..., 1)``.
    """
    xp = array_namespace(y, t)
    if dtype_kind(t) == "integer":
        dx: Array = y - xp.astype(one_hot(t, y.shape[-1]), y.dtype)
    else:
        dx = y * xp.sum(t, axis=-1, keepdims=True) - t
    scaled: Array = dlosses * dx
    return scaled


@kernel
@in_float32
def sigmoid_cross_entropy(x: Array, t: Array) -> tuple[Array, Array]:
    """Binary cross-entropy of each score, ``losses = x ([x > 0] - t) + log(1 + exp(-|x|))``, and ``y = sigmoid(x)``.

    Its derivative is ``y - t``.
    """
    xp = array_namespace(x, t)
    share = xp.where(x > 0, 1.0 - t, -t)
    losses: Array = share * without_infinite(x, share) + softplus(-xp.abs(x))
    return losses, sigmoid(x)


def without_infinite(x: Array, factor: Any) -> Array:
    """Scores with 0 in the place of an infinite one whose factor is 0."""
    xp = array_namespace(x, factor)
    y: Array = xp.where((factor == 0) & xp.isinf(x), xp.zeros_like(x), x)
    return y


@kernel
@in_float32
def huber(x: Array, t: Array, delta: float) -> tuple[Array, Array]:
    """Huber's loss of each element, ``losses = g (d - g/2)`` with ``d = x - t``, and its derivative g, d within ±δ."""
    xp = array_namespace(x, t)
    d = x - t
    end = xp.full((), delta, dtype=d.dtype, device=device_of(d))
    g = xp.maximum(xp.minimum(d, end), -end)
    return g * (d - 0.5 * g), g
