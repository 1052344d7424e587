"""Activations in one pass."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled, flat, in_order
from xpnet.fast.numpy import activation, bent_activation
from xpnet.fast.numpy.blocks import Host
from xpnet.layers.activation import CUBE, Gelu, Relu, Silu
from xpnet.layers.bodies import body

FEW = 4096  # values, up to which a pass of NumPy takes no longer than the call of a loop


@body("numba", Relu)
class ReluInAPass(activation.ReluInBlocks):
    """A ReLU in one pass each way, which writes no mask."""

    def cut(self, x: Host) -> Any:
        if x.size < FEW or not in_order(x):
            return super().cut(x)
        y = np.empty_like(x)
        cut(flat(x), flat(y))
        return y

    def backward(self, dout: Host) -> Any:
        y = self.cache
        if y.size < FEW or not in_order(dout, y):
            return super().backward(dout)
        dx = np.empty_like(dout)
        where_above_zero(flat(dout), flat(y), flat(dx))
        return dx


@body("numba", Gelu)
class GeluInTwoPasses(activation.GeluInBlocks):
    """A GELU in one pass before NumPy's tanh, which is vectorized as no compiled one is, and one after it."""

    def share(self, x: Host, y: Host, s: Host) -> None:
        if not in_order(x, y, s):
            return super().share(x, y, s)
        x, y, s = flat(x), flat(y), flat(s)
        inside_tanh(x, s)
        np.tanh(s, out=s)
        by_share(x, y, s)
        return None

    def backward(self, dout: Host) -> Any:
        x, s = self.cache
        if not in_order(dout, x, s):
            return super().backward(dout)
        dx = np.empty_like(x)
        slope_times(flat(dout), flat(x), flat(s), flat(dx))
        return dx


@body("numba", Silu)
class SiluInTwoPasses(bent_activation.ShareInBlocks):
    """A SiLU in one pass after NumPy's exponential, and one backward."""

    def run(self, x: Host, y: Host, *others: Host) -> None:
        (s,) = others
        if not in_order(x, y, s):
            super().run(x, y, s)
            return
        bent_activation.power(x, s)
        by_power(flat(x), flat(y), flat(s))

    def slope(self, dout: Host, dx: Host, x: Host, y: Host, *others: Host) -> None:
        (s,) = others
        if not in_order(dout, dx, y, s):
            super().slope(dout, dx, x, y, s)
            return
        slope_of_share(flat(dout), flat(dx), flat(y), flat(s))


@compiled
def by_power(x: Host, y: Host, s: Host) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        share = one / (one + s[i])
        s[i] = share
        y[i] = x[i] * share


@compiled
def slope_of_share(dout: Host, dx: Host, y: Host, s: Host) -> None:
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = ((one - s[i]) * y[i] + s[i]) * dout[i]


@compiled
def cut(x: Host, y: Host) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] < zero else x[i]


@compiled
def where_above_zero(dout: Host, y: Host, dx: Host) -> None:
    """Multiply by 0 or 1, so that inf and NaN stay visible."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(y.size):
        dx[i] = dout[i] * (one if y[i] > zero else zero)


@compiled
def inside_tanh(x: Host, u: Host) -> None:
    real = x.dtype.type
    a, b = real(sqrt(2.0 / pi) * CUBE), real(sqrt(2.0 / pi))
    for i in range(x.size):
        u[i] = (x[i] * x[i] * a + b) * x[i]


@compiled
def by_share(x: Host, y: Host, s: Host) -> None:
    half = x.dtype.type(0.5)
    for i in range(x.size):
        s[i] = s[i] * half + half
        y[i] = x[i] * s[i]


@compiled
def slope_times(dout: Host, x: Host, s: Host, dx: Host) -> None:
    real = x.dtype.type
    one, a, b = real(1), real(sqrt(8.0 / pi) * 3.0 * CUBE), real(sqrt(8.0 / pi))
    for i in range(x.size):
        slope = (x[i] * x[i] * a + b) * x[i] * (one - s[i]) + one
        dx[i] = slope * s[i] * dout[i]
