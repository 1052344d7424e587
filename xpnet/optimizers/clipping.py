"""Gradient clipping: named gradients in, named gradients out, with nothing read on the host."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

from xpnet import kernels
from xpnet.backend import array_namespace, device_of
from xpnet.errors import ArgumentError, DtypeError
from xpnet.networks.low_precision import changed
from xpnet.typing import Array


def global_norm(grads: Mapping[str, Array]) -> Array:
    """The length of all gradients as one vector, ``√Σ dW²``, on their device.

    Raises: ``ArgumentError`` for no gradients.
    """
    check_gradients("global_norm", grads)
    if not grads:
        raise ArgumentError("global_norm", "there must be at least one gradient", "none", "give it net.gradient(x, t)")
    total = None
    for dW in grads.values():
        squares = kernels.sum_of_squares(dW)
        total = squares if total is None else total + squares
    norm: Array = array_namespace(total).sqrt(total)
    return norm


def clip_by_norm(grads: Mapping[str, Array], limit: float) -> dict[str, Array]:
    """Gradients whose length together is at most the limit, ``dW min(1, limit / (‖dW‖ + 1e-6))``.

    Where one value is NaN, all become NaN; where one is infinite, it becomes NaN and the others 0: look at the loss.

    Raises: ``ArgumentError`` for a limit that is not above 0.
    Source: Pascanu et al., 2013, algorithm 1; the 1e-6 is torch's.
    """
    limit = check_limit("clip_by_norm", limit)
    check_gradients("clip_by_norm", grads)
    if not grads:
        return {}
    norm = global_norm(grads)
    xp = array_namespace(norm)
    share = xp.minimum(limit / (norm + 1e-6), xp.ones((), dtype=norm.dtype, device=device_of(norm)))
    return changed(grads, {name: dW * share for name, dW in grads.items()})


def clip_by_value(grads: Mapping[str, Array], limit: float) -> dict[str, Array]:
    """Gradients with every value within the limit, ``max(-limit, min(limit, dW))``.

    NaN stays NaN, an infinite value becomes the limit.

    Raises: ``ArgumentError`` for a limit that is not above 0.
    """
    limit = check_limit("clip_by_value", limit)
    check_gradients("clip_by_value", grads)
    clipped = {}
    for name, dW in grads.items():
        xp = array_namespace(dW)
        high = xp.full((), limit, dtype=dW.dtype, device=device_of(dW))
        clipped[name] = xp.maximum(-high, xp.minimum(high, dW))  # the library's own clip may read values on the host
    return changed(grads, clipped)


def check_limit(who: str, limit: Any) -> float:
    """The limit as a number of Python's, which promotes no array; ArgumentError unless it is positive."""
    if isinstance(limit, bool) or not isinstance(limit, Real) or not 0.0 < float(limit) < float("inf"):
        raise ArgumentError(who, "the limit must be above 0 and finite", repr(limit), "try 1.0")
    return float(limit)


def check_gradients(who: str, grads: Any) -> None:
    """Raise DtypeError unless the gradients have names."""
    if not isinstance(grads, Mapping):
        must = "grads must map names to arrays"
        raise DtypeError(who, must, type(grads).__name__, "give it net.gradient(x, t)")
