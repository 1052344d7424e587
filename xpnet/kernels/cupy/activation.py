"""CUDA bodies of the activations."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet import kernels
from xpnet.kernels.cupy.launch import body, launch_each


def _of_one(name: str, x: Any) -> Any:
    y = cupy.empty_like(x)
    launch_each("activation", name, x.dtype, x.size, x, y, x.size)
    return y


@body(kernels.relu)
def relu(x: Any) -> Any:
    return _of_one("relu", x)


@body(kernels.sigmoid)
def sigmoid(x: Any) -> Any:
    return _of_one("sigmoid", x)


@body(kernels.relu_backward)
def relu_backward(dout: Any, y: Any) -> Any:
    dx = cupy.empty_like(dout)
    launch_each("activation", "relu_backward", dout.dtype, dout.size, dout, y, dx, dout.size)
    return dx
