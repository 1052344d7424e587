"""NumPy bodies of activations: in place, in blocks that stay in the cache of the processor."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import SIZE, Host, block_of, blocks, of_one
from xpnet.layers.activation import CUBE, Gelu, Relu, Sigmoid
from xpnet.layers.bodies import Body, body


@body("numpy", Relu)
class ReluInBlocks(Body):
    """A ReLU by the maximum of two arrays, which NumPy computes faster than with a number; the mask becomes dx."""

    def forward(self, x: Host) -> Any:
        if not of_one(x) or not x.ndim:
            return NotImplemented
        self.cache = y = self.cut(x)
        return y

    def cut(self, x: Host) -> Any:
        """Return ``max(x, 0)``."""
        zeros = block_of(0.0, x.dtype)
        if x.size <= SIZE:
            return np.maximum(x, zeros[: x.size].reshape(x.shape))
        if not x.flags.c_contiguous:
            return np.maximum(x, zeros[0])
        y = np.empty_like(x)
        for part, result in blocks(x, y):
            np.maximum(part, zeros[: part.size], out=result)
        return y

    def backward(self, dout: Host) -> Any:
        return passed_on(dout, self.cache)


@body("numpy", Sigmoid)
class SigmoidInBlocks(Body):
    """A sigmoid by one exponential, ``y = max([x ≥ 0], e) / (1 + e)`` with ``e = exp(-|x|)``, without a branch."""

    def forward(self, x: Host) -> Any:
        if not of_one(x) or not x.ndim:
            return NotImplemented
        self.cache = y = np.empty_like(x)
        for parts in blocks(x, y):
            logistic(*parts)
        return y

    def backward(self, dout: Host) -> Any:
        y = self.cache
        dx = 1.0 - y
        dx *= y
        dx *= dout
        return dx


@body("numpy", Gelu)
class GeluInBlocks(Body):
    """A GELU by tanh, computed in its result, a block of values at a time."""

    def forward(self, x: Host) -> Any:
        if self.layer.approximate != "tanh" or not of_one(x) or not x.ndim:
            return NotImplemented
        y, s = np.empty_like(x), np.empty_like(x)
        for parts in blocks(x, y, s):
            self.share(*parts)
        self.cache = x, s
        return y

    def share(self, x: Host, y: Host, s: Host) -> None:
        """Write the share s of x that passes, and ``y = x s``."""
        gelu(x, y, s)

    def backward(self, dout: Host) -> Any:
        x, s = self.cache
        dx = np.empty_like(x)
        for parts in blocks(dout, x, s, dx):
            gelu_backward(*parts)
        return dx


def passed_on(dout: Host, y: Host) -> Any:
    """Return ``dout`` where y is above 0, else 0, as a product: masked copies are some twenty times slower."""
    dx = (y > 0).astype(dout.dtype)
    dx *= dout
    return dx


def logistic(x: Host, y: Host) -> None:
    np.abs(x, out=y)
    np.negative(y, out=y)
    np.exp(y, out=y)
    above = np.greater_equal(x, 0).astype(x.dtype)
    np.maximum(above, y, out=above)
    y += 1.0
    np.divide(above, y, out=y)


def gelu(x: Host, y: Host, s: Host) -> None:
    """Write ``s = (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`` and ``y = x s``."""
    np.multiply(x, x, out=y)
    y *= sqrt(2.0 / pi) * CUBE
    y += sqrt(2.0 / pi)
    y *= x
    np.tanh(y, out=s)
    s *= 0.5
    s += 0.5
    np.multiply(x, s, out=y)


def gelu_backward(dout: Host, x: Host, s: Host, dx: Host) -> None:
    """Write ``dx = dout s (1 + 2 (1 - s) √(2/π) (x + 3 · 0.044715 x³))``."""
    np.multiply(x, x, out=dx)
    dx *= sqrt(8.0 / pi) * 3.0 * CUBE
    dx += sqrt(8.0 / pi)
    dx *= x
    dx *= 1.0 - s
    dx += 1.0
    dx *= s
    dx *= dout
