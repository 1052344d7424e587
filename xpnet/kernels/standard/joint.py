"""Reference kernels of layers that a network runs as one: the kernels of the layers, one after another."""

from __future__ import annotations

from xpnet.kernels.dispatch import kernel
from xpnet.kernels.standard.activation import (
    gelu,
    gelu_backward,
    gelu_tanh,
    gelu_tanh_backward,
    relu,
    relu_backward,
)
from xpnet.kernels.standard.affine import affine, sum_rows
from xpnet.typing import Array


@kernel
def affine_relu(x: Array, W: Array, b: Array) -> Array:
    """Affine map and ReLU, ``y = max(x W + b, 0)``.

    Shapes: ``x (..., D)``, ``W (D, M)``, ``b (M,)``, ``y (..., M)``.
    """
    return relu(affine(x, W, b))


@kernel
def affine_relu_backward(
    dout: Array, x: Array, W: Array, y: Array, needs_dx: bool
) -> tuple[Array | None, Array, Array]:
    """Derivatives of ``affine_relu``, ``dx`` (None where it is not needed), ``dW`` and ``db``.

    Shapes: ``dout, y (N, M)``, ``x (N, D)``, ``W (D, M)``.
    """
    dout = relu_backward(dout, y)
    return dout @ W.T if needs_dx else None, x.T @ dout, sum_rows(dout)


@kernel
def affine_gelu(x: Array, W: Array, b: Array, by_tanh: bool) -> tuple[Array, Array, Array | None]:
    """Affine map and GELU, ``y = z s`` with ``z = x W + b``; z and the share s.

    The last two are for the backward alone. Where s is None, z is the product without its bias.

    Shapes: ``x (N, D)``, ``W (D, M)``, ``b (M,)``, ``y (N, M)``.
    """
    z = affine(x, W, b)
    y, s = gelu_tanh(z) if by_tanh else gelu(z)
    return y, z, s


@kernel
def affine_gelu_backward(
    dout: Array,
    x: Array,
    W: Array,
    b: Array,
    z: Array,
    s: Array | None,
    by_tanh: bool,
    needs_dx: bool,
) -> tuple[Array | None, Array, Array]:
    """Derivatives of ``affine_gelu``, ``dx`` (None where it is not needed), ``dW`` and ``db``."""
    if s is None:
        z = z + b
        s = (gelu_tanh(z) if by_tanh else gelu(z))[1]
    dout = gelu_tanh_backward(dout, z, s) if by_tanh else gelu_backward(dout, z, s)
    return dout @ W.T if needs_dx else None, x.T @ dout, sum_rows(dout)
