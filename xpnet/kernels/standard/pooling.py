"""Reference kernels of pooling."""

from __future__ import annotations

from xpnet.backend import array_namespace, device_of
from xpnet.kernels.dispatch import kernel
from xpnet.kernels.standard.windows import Pair, Window, sum_of_cells, under_cells
from xpnet.typing import Array


@kernel
def max_pooling(x: Array, window: Window) -> tuple[Array, Array]:
    """The largest value under the window, ``y[i, j] = maxₖ x[k + s (i, j)]``, and which cell k of it that is.

    The first of equal values is taken, NaN before all others. Cells are compared in pairs: a ``max`` over short axes
    is a hundred times slower, and wrong for infinities in some libraries.

    Shapes: ``x (..., H, W)``; ``y`` and ``winner (..., OH, OW)``, integer.
    """
    xp = array_namespace(x)
    y, *others = under_cells(x, window, window.places(x.shape), border=float("-inf"))
    counted = xp.uint8 if len(others) < 256 else xp.int32
    winner = xp.zeros(y.shape, dtype=counted, device=device_of(x))
    for k, other in enumerate(others, 1):
        better = (other > y) | xp.isnan(other)
        y = xp.where(better, other, y)
        winner = xp.where(better, xp.asarray(k, dtype=counted, device=device_of(x)), winner)
    return y, winner


@kernel
def max_pooling_backward(dout: Array, winner: Array, size: Pair, window: Window) -> Array:
    """Derivative of ``max_pooling``: ``dout`` goes to the cell that won.

    Shapes: ``dout`` and ``winner (..., OH, OW)``, result ``(..., H, W)``.
    """
    xp = array_namespace(dout, winner)
    FH, FW = window.size
    pieces = [dout * xp.astype(xp.equal(winner, k), dout.dtype) for k in range(FH * FW)]
    return sum_of_cells(pieces, window, size)


@kernel
def average_pooling(x: Array, window: Window) -> Array:
    """The mean under the window, ``y[i, j] = Σₖ x[k + s (i, j)] / (FH FW)``; the border counts as zeros.

    Shapes: ``x (..., H, W)``, ``y (..., OH, OW)``.
    """
    y, *others = under_cells(x, window, window.places(x.shape))
    FH, FW = window.size
    mean: Array = sum(others, y) / (FH * FW)
    return mean


@kernel
def average_pooling_backward(dout: Array, size: Pair, window: Window) -> Array:
    """Derivative of ``average_pooling``: every cell of the window receives ``dout / (FH FW)``.

    Shapes: ``dout (..., OH, OW)``, result ``(..., H, W)``.
    """
    FH, FW = window.size
    return sum_of_cells([dout / (FH * FW)] * (FH * FW), window, size)
