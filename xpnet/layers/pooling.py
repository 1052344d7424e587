"""Pooling of images: one value for each place of a window."""

from __future__ import annotations

from xpnet.backend import array_namespace, device_of
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import check_size
from xpnet.kernels.windows import Pair, Window, sum_of_cells, under_cells
from xpnet.layers.base import Layer
from xpnet.layers.windows import IntOrPair, Windowed, window_of
from xpnet.typing import Array


class WindowPooling(Windowed):
    """The base of poolings with a window: its size, stride and pad."""

    shapes = {"x": "N C H W"}

    def __init__(self, pool_h: int, pool_w: int, stride: IntOrPair = 2, pad: IntOrPair = 0) -> None:
        super().__init__()
        who = type(self).__name__
        check_size(who, "pool_h", pool_h)
        check_size(who, "pool_w", pool_w)
        self.window = window_of(who, (pool_h, pool_w), stride, pad)
        if any(2 * p > length for p, length in zip(self.window.pad, self.window.size, strict=True)):
            must = f"pad must be at most half of the window, {self.window.size}"
            raise ArgumentError(who, must, self.window.pad, "pad less: a window must not see the border alone")


class MaxPooling(WindowPooling):
    """Max pooling, ``y[n, c, i, j] = max x[n, c, s i + k - p, s j + l - p]`` over the cells k, l of the window.

    The first of equal values wins, a NaN wins over all others, and the border of width p (``pad``) never wins.
    ``stride`` and ``pad`` are one number, or a pair for rows and columns. ``Pooling`` is the book's name for it.

    Shapes: ``x (N, C, H, W)``, ``y (N, C, OH, OW)`` with ``OH = ⌊(H + 2p - pool_h) / s⌋ + 1``.
    Backward: ``dx`` is ``dout`` at the cell that won, summed where windows overlap; else 0.
    Raises: ``ShapeError`` for images smaller than the window; ``ArgumentError`` for wrong options.
    Source: Deep Learning from Scratch, section 7.4.4.
    """

    def forward(self, x: Array) -> Array:
        xp, places = array_namespace(x), self.places_in(x.shape)
        self.size = x.shape[-2:]
        y, *others = under_cells(x, self.window, places, border=float("-inf"))
        # In pairs: a ``max`` over short axes is a hundred times slower, and wrong for infinities in some libraries.
        counted = xp.uint8 if len(others) < 256 else xp.int32
        first = first_inside(self.window, places, x)
        winner = xp.zeros_like(y, dtype=counted) + xp.astype(first, counted)
        for k, other in enumerate(others, 1):
            better = (other > y) | xp.isnan(other)
            y = xp.where(better, other, y)
            winner = xp.where(better, xp.asarray(k, dtype=counted, device=device_of(x)), winner)
        self.winner = winner
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.winner)
        zeros, cells = xp.zeros_like(dout), range(len(self.window.cells))
        return sum_of_cells([xp.where(self.winner == k, dout, zeros) for k in cells], self.window, self.size)


def first_inside(window: Window, places: Pair, like: Array) -> Array:
    """Return the first cell of the window that is not on the border, at each place, ``(OH, OW)``."""
    xp = array_namespace(like)
    row, column = (
        xp.clip(p - s * xp.arange(count, device=device_of(like)), min=0)
        for count, s, p in zip(places, window.stride, window.pad, strict=True)
    )
    return row[:, None] * window.size[1] + column[None, :]  # type: ignore[no-any-return]


Pooling = MaxPooling


class AveragePooling(WindowPooling):
    """Average pooling, ``y[n, c, i, j] = Σ x[n, c, s i + k - p, s j + l - p] / (pool_h pool_w)`` over the cells k, l.

    The border of width p (``pad``) counts as zeros. ``stride`` and ``pad`` are one number, or a pair for rows and
    columns.

    Shapes: ``x (N, C, H, W)``, ``y (N, C, OH, OW)`` with ``OH = ⌊(H + 2p - pool_h) / s⌋ + 1``.
    Backward: ``dx`` is ``dout / (pool_h pool_w)``, summed where windows overlap.
    Raises: ``ShapeError`` for images smaller than the window; ``ArgumentError`` for wrong options.
    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B.
    """

    holomorphic = True
    in_float32 = True

    def forward(self, x: Array) -> Array:
        (FH, FW), self.size = self.window.size, x.shape[-2:]
        cells = under_cells(x, self.window, self.places_in(x.shape))
        y: Array = sum(cells[1:], cells[0]) / (FH * FW)
        return y

    def backward(self, dout: Array) -> Array:
        FH, FW = self.window.size
        return sum_of_cells([dout / (FH * FW)] * (FH * FW), self.window, self.size)


class GlobalAveragePooling(Layer):
    """The mean of every channel, ``y[n, c] = Σ x[n, c, i, j] / (H W)``.

    Shapes: ``x (N, C, H, W)``, ``y (N, C)``.
    Backward: ``dx = dout / (H W)`` at every element.
    Raises: ``ShapeError`` for images without elements.
    Source: Lin, Chen and Yan, "Network in network", 2013, section 3.2.
    """

    shapes = {"x": "N C H W"}
    holomorphic = True
    in_float32 = True

    def forward(self, x: Array) -> Array:
        if 0 in x.shape[-2:]:
            raise ShapeError(type(self).__name__, "images must have elements", tuple(x.shape), "leave empty images out")
        self.shape = x.shape
        return array_namespace(x).mean(x, axis=(2, 3))  # type: ignore[no-any-return]

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout)
        H, W = self.shape[-2:]
        dx: Array = xp.asarray(xp.broadcast_to(dout[:, :, None, None] / (H * W), self.shape), copy=True)
        return dx
