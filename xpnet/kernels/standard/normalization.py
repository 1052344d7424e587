"""Reference kernels of the normalizations, ``y = γ x̂ + β`` with ``x̂ = (x - μ) r`` and ``r = 1 / √(σ² + ε)``.

Means and variances of float16 and bfloat16 are computed in float32, where their sums neither overflow nor lose
their digits; ``x̂`` and ``r`` stay in it for the backward. A body of a normalization of rows may keep ``x`` instead,
with μ beside r along a last axis of two.
"""

from __future__ import annotations

from math import prod

from xpnet.backend import array_namespace
from xpnet.backend.halves import narrowed, widened
from xpnet.kernels.dispatch import kernel
from xpnet.typing import Array

Axes = tuple[int, ...]


@kernel
def layer_norm(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Array, Array, Array]:
    """Normalization over the last axis, ``y = γ x̂ + β``, and ``x̂`` and ``r``.

    Shapes: ``x (..., D)``, ``gamma (D,)``, ``beta (D,)``, ``y`` and ``x̂`` as ``x``, ``r (..., 1)``.
    """
    xhat, rstd, _, _ = _standardize(widened(x), (-1,), eps)
    return narrowed(gamma * xhat + beta, x), xhat, rstd


@kernel
def layer_norm_backward(dout: Array, xhat: Array, rstd: Array, gamma: Array) -> tuple[Array, Array, Array]:
    """Derivatives of ``layer_norm``: ``dx``, ``dγ = Σ dout x̂`` and ``dβ = Σ dout``."""
    wide, (xhat, rstd) = widened(dout), _normalized(xhat, rstd)
    dgamma, dbeta = _scale_and_shift(wide, xhat, tuple(range(dout.ndim - 1)))
    dx = _through(wide * gamma, xhat, rstd, (-1,))
    return narrowed(dx, dout), narrowed(dgamma, gamma), narrowed(dbeta, gamma)


@kernel
def layer_norm_backward_onto(
    dout: Array, xhat: Array, rstd: Array, gamma: Array, around: Array
) -> tuple[Array, Array, Array]:
    """``layer_norm_backward``, with the derivative of what went around the normalization added to ``dx``."""
    dx, dgamma, dbeta = layer_norm_backward(dout, xhat, rstd, gamma)
    return dx + around, dgamma, dbeta


@kernel
def rms_norm(x: Array, gamma: Array, eps: float) -> tuple[Array, Array, Array]:
    """Division by the root of the mean square over the last axis, ``y = γ x r`` with ``r = 1 / √(mean x² + ε)``.

    Shapes: ``x (..., D)``, ``gamma (D,)``, ``y`` and ``x̂ = x r`` as ``x``, ``r (..., 1)``.
    """
    wide = widened(x)
    xp = array_namespace(wide)
    rstd = 1.0 / xp.sqrt(xp.mean(wide * wide, axis=-1, keepdims=True) + eps)
    xhat = wide * rstd
    return narrowed(gamma * xhat, x), xhat, rstd


@kernel
def rms_norm_backward(dout: Array, xhat: Array, rstd: Array, gamma: Array) -> tuple[Array, Array]:
    """Derivatives of ``rms_norm``: ``dx = r (dx̂ - x̂ mean(dx̂ x̂))`` with ``dx̂ = γ dout``, and ``dγ``."""
    wide, (xhat, rstd) = widened(dout), _normalized(xhat, rstd)
    xp = array_namespace(wide, xhat)
    dgamma = xp.sum(wide * xhat, axis=tuple(range(dout.ndim - 1)))
    dxhat = wide * gamma
    dx = rstd * (dxhat - xhat * xp.mean(dxhat * xhat, axis=-1, keepdims=True))
    return narrowed(dx, dout), narrowed(dgamma, gamma)


@kernel
def batch_norm(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Array, Array, Array, Array, Array]:
    """Normalization of each channel over the batch and all places, ``y = γ x̂ + β``; then ``x̂``, ``r``, ``μ``, ``σ²``.

    Shapes: ``x (N, C, ...)``, ``gamma (C,)``, ``beta (C,)``, ``y`` and ``x̂`` as ``x``, ``r (1, C, ...)``, ``μ (C,)``,
    ``σ² (C,)``.
    """
    xp = array_namespace(x)
    xhat, rstd, mean, var = _standardize(widened(x), _all_but_channels(x), eps)
    y = _to_channels(gamma, x) * xhat + _to_channels(beta, x)
    return narrowed(y, x), xhat, rstd, xp.reshape(mean, gamma.shape), xp.reshape(var, gamma.shape)


@kernel
def batch_norm_backward(dout: Array, xhat: Array, rstd: Array, gamma: Array) -> tuple[Array, Array, Array]:
    """Derivatives of ``batch_norm``, through mean and variance: ``dx``, ``dγ = Σ dout x̂`` and ``dβ = Σ dout``."""
    wide, axes = widened(dout), _all_but_channels(dout)
    dgamma, dbeta = _scale_and_shift(wide, xhat, axes)
    dx = _through(wide * _to_channels(gamma, dout), xhat, rstd, axes)
    return narrowed(dx, dout), narrowed(dgamma, gamma), narrowed(dbeta, gamma)


@kernel
def batch_norm_predict(x: Array, gamma: Array, beta: Array, mean: Array, var: Array, eps: float) -> Array:
    """Normalization by given statistics, ``y = γ (x - μ) / √(σ² + ε) + β``.

    Shapes: ``x (N, C, ...)``, the others ``(C,)``, ``y`` as ``x``.
    """
    xp = array_namespace(x, gamma, mean)
    scale = gamma / xp.sqrt(var + eps)
    return narrowed((widened(x) - _to_channels(mean, x)) * _to_channels(scale, x) + _to_channels(beta, x), x)


@kernel
def batch_norm_predict_backward(
    dout: Array, x: Array, gamma: Array, mean: Array, var: Array, eps: float
) -> tuple[Array, Array, Array]:
    """Derivatives of ``batch_norm_predict``, whose statistics are constants: ``dx = γ r dout``, ``dγ``, ``dβ``."""
    wide, axes = widened(dout), _all_but_channels(dout)
    rstd = 1.0 / array_namespace(var).sqrt(var + eps)
    xhat = (widened(x) - _to_channels(mean, x)) * _to_channels(rstd, x)
    dgamma, dbeta = _scale_and_shift(wide, xhat, axes)
    return narrowed(wide * _to_channels(gamma * rstd, x), dout), narrowed(dgamma, gamma), narrowed(dbeta, gamma)


@kernel
def group_norm(x: Array, gamma: Array, beta: Array, groups: int, eps: float) -> tuple[Array, Array, Array]:
    """Normalization of each sample over groups of channels and all places, ``y = γ x̂ + β``, and ``x̂`` and ``r``.

    Shapes: ``x (N, C, ...)``, ``gamma (C,)``, ``beta (C,)``, ``y`` and ``x̂`` as ``x``, ``r (N, G, 1)``.
    """
    xp = array_namespace(x)
    rows = xp.reshape(widened(x), (x.shape[0], groups, prod(x.shape[1:]) // groups))
    xhat, rstd, _, _ = _standardize(rows, (-1,), eps)
    xhat = xp.reshape(xhat, x.shape)
    return narrowed(_to_channels(gamma, x) * xhat + _to_channels(beta, x), x), xhat, rstd


@kernel
def group_norm_backward(dout: Array, xhat: Array, rstd: Array, gamma: Array) -> tuple[Array, Array, Array]:
    """Derivatives of ``group_norm``: ``dx``, ``dγ = Σ dout x̂`` and ``dβ = Σ dout``."""
    wide = widened(dout)
    xp = array_namespace(wide, xhat)
    rows = (*rstd.shape[:2], prod(dout.shape[1:]) // rstd.shape[1])
    xhat, rstd = _normalized(xp.reshape(xhat, rows), rstd)
    dgamma, dbeta = _scale_and_shift(wide, xp.reshape(xhat, dout.shape), _all_but_channels(dout))
    dxhat = xp.reshape(wide * _to_channels(gamma, dout), rows)
    dx = xp.reshape(_through(dxhat, xhat, rstd, (-1,)), dout.shape)
    return narrowed(dx, dout), narrowed(dgamma, gamma), narrowed(dbeta, gamma)


def _standardize(x: Array, axes: Axes, eps: float) -> tuple[Array, Array, Array, Array]:
    """``x̂ = (x - μ) r``, ``r = 1 / √(σ² + ε)``, μ and σ² over the axes, with σ² the mean square deviation."""
    xp = array_namespace(x)
    mean = xp.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    var = xp.mean(centred * centred, axis=axes, keepdims=True)
    rstd = 1.0 / xp.sqrt(var + eps)
    return centred * rstd, rstd, mean, var


def _normalized(kept: Array, statistics: Array) -> tuple[Array, Array]:
    """``x̂`` and r of rows from what a forward kept."""
    if statistics.shape[-1] == 1:
        return kept, statistics
    mean, rstd = statistics[..., :1], statistics[..., 1:]
    return (widened(kept) - mean) * rstd, rstd


def _through(dxhat: Array, xhat: Array, rstd: Array, axes: Axes) -> Array:
    """``dx = r (dx̂ - mean dx̂ - x̂ mean(dx̂ x̂))``: the backward of ``_standardize``, through μ and r too."""
    xp = array_namespace(dxhat, xhat)
    along = xp.mean(dxhat * xhat, axis=axes, keepdims=True)
    dx: Array = rstd * (dxhat - xp.mean(dxhat, axis=axes, keepdims=True) - xhat * along)
    return dx


def _scale_and_shift(dout: Array, xhat: Array, axes: Axes) -> tuple[Array, Array]:
    xp = array_namespace(dout, xhat)
    return xp.sum(dout * xhat, axis=axes), xp.sum(dout, axis=axes)


def _all_but_channels(x: Array) -> Axes:
    return (0, *range(2, x.ndim))


def _to_channels(values: Array, x: Array) -> Array:
    """``(C,)`` as it broadcasts against ``(N, C, ...)``."""
    if x.ndim == 2:
        return values
    reshaped: Array = array_namespace(values).reshape(values, values.shape + (1,) * (x.ndim - 2))
    return reshaped
