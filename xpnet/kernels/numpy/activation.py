"""NumPy bodies of the activations."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import SIZE, Host, block_of, blocks
from xpnet.kernels.numpy.elementwise import elementwise
from xpnet.kernels.standard import activation as standard
from xpnet.kernels.standard.activation import CUBE
from xpnet.kernels.standard.erf import FLOAT32, FLOAT64, erf


@standard.relu.on("numpy")
def relu(x: Host) -> Any:
    zeros = block_of(0.0, x.dtype)
    if x.size <= SIZE:
        return np.maximum(x, zeros[: x.size].reshape(x.shape))
    if not x.flags.c_contiguous:
        return np.maximum(x, zeros[0])
    y = np.empty_like(x)
    for part, result in blocks(x, y):
        np.maximum(part, zeros[: part.size], out=result)
    return y


@standard.relu_backward.on("numpy")
def relu_backward(dout: Host, y: Host) -> Any:
    """The mask becomes the product."""
    mask = (y > 0).astype(dout.dtype)
    mask *= dout
    return mask


@elementwise(standard.sigmoid, 1)
def sigmoid(x: Host, y: Host) -> None:
    """``max([x ≥ 0], e) / (1 + e)`` with ``e = exp(-|x|)``: one exponential, and no choice between branches."""
    np.abs(x, out=y)
    np.negative(y, out=y)
    np.exp(y, out=y)
    above = np.greater_equal(x, 0).astype(x.dtype)
    np.maximum(above, y, out=above)
    y += 1.0
    np.divide(above, y, out=y)


@elementwise(erf, 1)
def error_function(x: Host, y: Host) -> None:
    P, Q, end = FLOAT64 if x.dtype == np.float64 else FLOAT32
    inside = np.clip(x, -end, end)
    square = inside * inside
    below = _polynomial(Q, square, np.empty_like(square))
    np.divide(_polynomial(P, square, y), below, out=y)
    y *= inside
    np.clip(y, -1.0, 1.0, out=y)


def _polynomial(coefficients: tuple[float, ...], s: Host, y: Host) -> Host:
    y.fill(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        y *= s
        y += c
    return y


@elementwise(standard.gelu_tanh, 1, 2)
def gelu_tanh(x: Host, y: Host, s: Host) -> None:
    np.multiply(x, x, out=y)
    y *= sqrt(2.0 / pi) * CUBE
    y += sqrt(2.0 / pi)
    y *= x
    np.tanh(y, out=s)
    s *= 0.5
    s += 0.5
    np.multiply(x, s, out=y)


@elementwise(standard.gelu_tanh_backward, 3)
def gelu_tanh_backward(dout: Host, x: Host, s: Host, dx: Host) -> None:
    np.multiply(x, x, out=dx)
    dx *= sqrt(8.0 / pi) * 3.0 * CUBE
    dx += sqrt(8.0 / pi)
    dx *= x
    dx *= 1.0 - s
    dx += 1.0
    dx *= s
    dx *= dout
