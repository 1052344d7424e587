"""Gradient clipping of named gradients, without reading anything on the host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import floor, inf, log2
from numbers import Real
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, device_of, library_of, size_of
from xpnet.backend.halves import narrowed, widened
from xpnet.errors import ArgumentError, DtypeError
from xpnet.layers.row_gradient import on_values, values_of
from xpnet.networks.low_precision import changed
from xpnet.typing import Array

NO_SCALE = 1.0


def global_norm(grads: Mapping[str, Array]) -> Array:
    """Return the norm of all gradients as one vector, ``√Σ dW²``, on their device.

    Raises: ``ArgumentError`` for no gradients.

    >>> global_norm({"W": np.array([3.0]), "b": np.array([4.0])})
    np.float64(5.0)
    """
    check_gradients("global_norm", grads)
    if not grads:
        raise ArgumentError("global_norm", "there must be at least one gradient", "none", "give it net.gradient(x, t)")
    scale, length = lengths(grads)
    norm: Array = scale * length
    return norm


def lengths(grads: Mapping[str, Array]) -> tuple[Any, Array]:
    """Return a power of two near the largest value, and ``√Σ (dW / scale)²``: squares neither overflow nor vanish.

    The scale is 1 if it is seen not to matter without stalling a device. For 16 bits both are float32. If each of
    several processes has a part of the values, both are those of all.
    """
    across = getattr(grads, "across", None)
    with np.errstate(over="ignore"):
        length = _length(map(values_of, grads.values()), across)
    xp = array_namespace(length)
    limits = xp.finfo(length.dtype)
    if library_of(xp).readable(length) and 2.0**20 * float(limits.smallest_normal) ** 0.5 < float(length) < inf:
        return NO_SCALE, length
    arrays = [values_of(dW) for dW in grads.values()]
    sizes = [widened(dW) for dW in arrays if size_of(dW)]
    if not sizes and across is None:
        return NO_SCALE, length
    largest = xp.zeros_like(length)
    if sizes:
        largest = xp.max(xp.stack([xp.astype(xp.max(xp.abs(dW)), length.dtype, copy=False) for dW in sizes]))
    if across is not None:
        largest = across.largest(largest)
    one = xp.ones_like(largest)
    largest = xp.where(xp.isfinite(largest) & (largest > 0.0), largest, one)
    most = floor(log2(float(limits.max))) - 1.0
    scale = xp.pow(2.0 * one, xp.minimum(xp.maximum(xp.floor(xp.log2(largest)), -most * one), most * one))
    scaled = [widened(dW) / xp.astype(scale, widened(dW).dtype, copy=False) for dW in arrays]
    return scale, _length(scaled, across)


def _length(arrays: Iterable[Array], across: Any = None) -> Array:
    total = None
    for dW in arrays:
        flat = array_namespace(dW).reshape(widened(dW), (-1,))
        squares = array_namespace(flat).vecdot(flat, flat)
        total = squares if total is None else total + squares
    if across is not None:
        total = across.total(total)
    norm: Array = array_namespace(total).sqrt(total)
    return norm


def clip_by_norm(grads: Mapping[str, Array], limit: float) -> dict[str, Array]:
    """Return gradients whose joint norm is at most the limit, ``dW min(1, limit / (‖dW‖ + 1e-6))``.

    If one value is NaN, all become NaN; if one is infinite, it becomes NaN and the others 0: look at the loss.

    Raises: ``ArgumentError`` for a limit that is not above 0.
    Source: Pascanu et al., 2013, algorithm 1; the 1e-6 is torch's.

    >>> grads = clip_by_norm({"W": np.array([30.0]), "b": np.array([40.0])}, limit=5.0)
    >>> grads["W"], grads["b"]
    (array([3.]), array([4.]))
    """
    limit = check_limit("clip_by_norm", limit)
    check_gradients("clip_by_norm", grads)
    if not grads:
        return {}
    scale, length = lengths(grads)
    xp = array_namespace(length)
    one = xp.ones((), dtype=length.dtype, device=device_of(length))
    factor = xp.minimum(limit / (length + 1e-6 / scale), one * scale)
    clipped = {name: on_values(dW, lambda d: _scaled(d, scale, factor)) for name, dW in grads.items()}
    return changed(grads, clipped)


def _scaled(dW: Array, scale: Any, factor: Array) -> Array:
    """Return ``dW / scale * factor`` in the dtype of dW."""
    wide = widened(dW)
    xp = array_namespace(wide, factor)
    factor = xp.astype(factor, wide.dtype, copy=False)
    if scale is not NO_SCALE:
        wide = wide / xp.astype(scale, wide.dtype, copy=False)
    return narrowed(wide * factor, dW)


def clip_by_value(grads: Mapping[str, Array], limit: float) -> dict[str, Array]:
    """Return gradients with every value within the limit, ``max(-limit, min(limit, dW))``.

    NaN stays NaN, an infinite value becomes the limit.

    Raises: ``ArgumentError`` for a limit that is not above 0.

    >>> clip_by_value({"W": np.array([0.5, -30.0])}, limit=1.0)["W"]
    array([ 0.5, -1. ])
    """
    limit = check_limit("clip_by_value", limit)
    check_gradients("clip_by_value", grads)

    def within(dW: Array) -> Array:
        xp = array_namespace(dW)
        high = xp.full((), limit, dtype=dW.dtype, device=device_of(dW))
        return xp.maximum(-high, xp.minimum(high, dW))  # type: ignore[no-any-return]  # the library's own clip may read values on the host

    return changed(grads, {name: on_values(dW, within) for name, dW in grads.items()})


def check_limit(who: str, limit: Any) -> float:
    """Return the limit as a Python number, which promotes no array; raise ArgumentError unless it is positive."""
    if isinstance(limit, bool) or not isinstance(limit, Real) or not 0.0 < float(limit) < float("inf"):
        raise ArgumentError(who, "the limit must be above 0 and finite", repr(limit), "try 1.0")
    return float(limit)


def check_gradients(who: str, grads: Any) -> None:
    """Raise DtypeError unless the gradients have names."""
    if type(grads) is not dict and not isinstance(grads, Mapping):
        must = "grads must map names to arrays"
        raise DtypeError(who, must, type(grads).__name__, "give it net.gradient(x, t)")
