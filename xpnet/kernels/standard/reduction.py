"""Reference kernels of sums."""

from __future__ import annotations

from xpnet.backend import array_namespace
from xpnet.backend.halves import in_float32, narrowed, widened
from xpnet.kernels.dispatch import kernel
from xpnet.typing import Array


@kernel
@in_float32
def mean(x: Array) -> Array:
    """The mean of all values, ``Σ x / n``."""
    m: Array = array_namespace(x).mean(x)
    return m


@kernel
def sum_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Undo broadcasting, ``g[i] = Σ g[broadcast of i]``: the backward of an operand that was stretched."""
    if gradient.shape == shape:
        return gradient
    xp = array_namespace(gradient)
    added = gradient.ndim - len(shape)
    stretched = [added + axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[added + axis] != 1]
    summed: Array = xp.sum(widened(gradient), axis=(*range(added), *stretched), keepdims=True)
    return xp.reshape(narrowed(summed, gradient), shape)  # type: ignore[no-any-return]
