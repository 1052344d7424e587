"""Reference kernels of the affine map."""

from __future__ import annotations

from xpnet.backend.halves import total
from xpnet.kernels.dispatch import kernel
from xpnet.typing import Array


@kernel
def affine(x: Array, W: Array, b: Array) -> Array:
    """Affine map, ``y = x W + b``.

    Shapes: ``x (..., D)``, ``W (D, M)``, ``b (M,)``, ``y (..., M)``.
    """
    y: Array = x @ W + b
    return y


@kernel
def sum_rows(dout: Array) -> Array:
    """The gradient of what was added to every row, ``db = Σₙ dout``.

    Shapes: ``dout (N, M)``, ``db (M,)``.
    """
    return total(dout, 0)
