"""Pooling of images: one value for each place of a window."""

from __future__ import annotations

from xpnet import kernels
from xpnet.backend import array_namespace
from xpnet.backend.halves import narrowed, widened
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import check_size
from xpnet.layers.base import Layer
from xpnet.layers.windows import IntOrPair, Windowed, check_fits, window_of
from xpnet.typing import Array


class WindowPooling(Windowed):
    """What the poolings with a window share: its size, stride and pad."""

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

    The border of width p (``pad``) never wins. ``stride`` and ``pad`` are one number, or a pair for rows and columns.
    ``Pooling`` is the book's name for it.

    Shapes: ``x (N, C, H, W)``, ``y (N, C, OH, OW)`` with ``OH = ⌊(H + 2p - pool_h) / s⌋ + 1``.
    Backward: ``dx`` is ``dout`` at the cell that won, the first of equals, summed where windows overlap; else 0.
    Raises: ``ShapeError`` for images smaller than the window; ``ArgumentError`` for wrong options.
    Source: Deep Learning from Scratch, section 7.4.4.
    """

    def forward(self, x: Array) -> Array:
        check_fits(type(self).__name__, self.window, x.shape)
        self.size = x.shape[-2:]
        y, self.winner = kernels.max_pooling(x, self.window)
        return y

    def backward(self, dout: Array) -> Array:
        return kernels.max_pooling_backward(dout, self.winner, self.size, self.window)


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

    def forward(self, x: Array) -> Array:
        check_fits(type(self).__name__, self.window, x.shape)
        self.size = x.shape[-2:]
        return kernels.average_pooling(x, self.window)

    def backward(self, dout: Array) -> Array:
        return kernels.average_pooling_backward(dout, self.size, self.window)


class GlobalAveragePooling(Layer):
    """The mean of every channel, ``y[n, c] = Σ x[n, c, i, j] / (H W)``.

    Shapes: ``x (N, C, H, W)``, ``y (N, C)``.
    Backward: ``dx = dout / (H W)`` at every element.
    Raises: ``ShapeError`` for images without elements.
    Source: Lin, Chen and Yan, "Network in network", 2013, section 3.2.
    """

    shapes = {"x": "N C H W"}
    holomorphic = True

    def forward(self, x: Array) -> Array:
        if 0 in x.shape[-2:]:
            raise ShapeError(type(self).__name__, "images must have elements", tuple(x.shape), "leave empty images out")
        self.shape = x.shape
        wide = widened(x)
        return narrowed(array_namespace(wide).mean(wide, axis=(2, 3)), x)

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout)
        H, W = self.shape[-2:]
        dx: Array = xp.asarray(xp.broadcast_to(dout[:, :, None, None] / (H * W), self.shape), copy=True)
        return dx
