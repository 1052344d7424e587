"""CUDA bodies of softmax and the losses: one launch each."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet import kernels
from xpnet.backend import is_array
from xpnet.fast.cupy.launch import body, each, integers, launch_each, launch_rows

for _kernel in (kernels.sigmoid_cross_entropy, kernels.huber):
    each(_kernel, "loss", results=2)


def _rows(x: Any) -> tuple[int, int]:
    classes = x.shape[-1]
    return (x.size // classes if classes else 0), classes


def _like(name: str, *arrays: Any) -> Any:
    y = cupy.empty_like(arrays[0])
    rows, classes = _rows(y)
    launch_rows("loss", name, y.dtype, rows, classes, *arrays, y, rows, classes)
    return y


@body(kernels.softmax)
def softmax(x: Any) -> Any:
    return _like("softmax", x)


@body(kernels.softmax_backward)
def softmax_backward(dout: Any, y: Any) -> Any:
    return _like("softmax_backward", dout, y)


@body(kernels.log_softmax)
def log_softmax(x: Any) -> Any:
    return _like("log_softmax", x)


@body(kernels.log_softmax_backward)
def log_softmax_backward(dout: Any, y: Any) -> Any:
    return _like("log_softmax_backward", dout, y)


@body(kernels.softmax_cross_entropy)
def softmax_cross_entropy(x: Any, t: Any) -> Any:
    if t.dtype.kind == "f":
        return kernels.softmax_cross_entropy.reference(x, t)
    y, losses = cupy.empty_like(x), cupy.empty(x.shape[:-1], x.dtype)
    rows, classes = _rows(x)
    launch_rows("loss", "softmax_cross_entropy", x.dtype, rows, classes, x, *integers(t), losses, y, rows, classes)
    return losses, y


@body(kernels.softmax_cross_entropy_backward)
def softmax_cross_entropy_backward(y: Any, t: Any, dlosses: Any) -> Any:
    number, shape = not is_array(dlosses), getattr(dlosses, "shape", ())
    if t.dtype.kind == "f" or shape not in ((), (*y.shape[:-1], 1)):
        return kernels.softmax_cross_entropy_backward.reference(y, t, dlosses)
    dx = cupy.empty_like(y)
    scale = (0, float(dlosses), 0) if number else (dlosses, 1.0, int(shape != ()))
    launch_each("loss", "softmax_cross_entropy_backward", y.dtype, y.size, y, *integers(t), *scale, dx, *_rows(y))
    return dx
