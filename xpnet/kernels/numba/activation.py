"""Activations in one pass."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled, flat, in_order
from xpnet.fast.numpy.blocks import Host, blocks
from xpnet.kernels.standard import activation as standard
from xpnet.kernels.standard.activation import CUBE

FEW = 4096  # values, of which one pass of NumPy takes no longer than a call of a loop


@standard.relu.on("numba")
def relu(x: Host) -> Any:
    if x.size < FEW or not in_order(x):
        return standard.relu.bodies["numpy"](x)
    y = np.empty_like(x)
    cut(flat(x), flat(y))
    return y


@compiled
def cut(x: Host, y: Host) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] < zero else x[i]


@standard.relu_backward.on("numba")
def relu_backward(dout: Host, y: Host) -> Any:
    if y.size < FEW or dout.shape != y.shape or not in_order(dout, y):
        return standard.relu_backward.bodies["numpy"](dout, y)
    dx = np.empty_like(dout)
    where_above_zero(flat(dout), flat(y), flat(dx))
    return dx


@compiled
def where_above_zero(dout: Host, y: Host, dx: Host) -> None:
    """A product with 0 or 1: what is not finite stays seen."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(y.size):
        dx[i] = dout[i] * (one if y[i] > zero else zero)


@standard.gelu_tanh.on("numba")
def gelu_tanh(x: Host) -> Any:
    if not x.ndim or not in_order(x):
        return standard.gelu_tanh.bodies["numpy"](x)
    y, s = np.empty_like(x), np.empty_like(x)
    for parts in blocks(x, y, s):
        x_part, y_part, s_part = map(flat, parts)
        inside_tanh(x_part, s_part)
        np.tanh(s_part, out=s_part)
        by_share(x_part, y_part, s_part)
    return y, s


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


@standard.gelu_tanh_backward.on("numba")
def gelu_tanh_backward(dout: Host, x: Host, s: Host) -> Any:
    if not dout.shape == x.shape == s.shape or not in_order(dout, x, s):
        return standard.gelu_tanh_backward.bodies["numpy"](dout, x, s)
    dx = np.empty_like(x)
    slope_times(flat(dout), flat(x), flat(s), flat(dx))
    return dx


@compiled
def slope_times(dout: Host, x: Host, s: Host, dx: Host) -> None:
    real = x.dtype.type
    one, a, b = real(1), real(sqrt(8.0 / pi) * 3.0 * CUBE), real(sqrt(8.0 / pi))
    for i in range(x.size):
        slope = (x[i] * x[i] * a + b) * x[i] * (one - s[i]) + one
        dx[i] = slope * s[i] * dout[i]
