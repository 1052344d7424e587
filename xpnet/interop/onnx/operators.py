"""The layers that are one operator of ONNX, or a few: what each writes into the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.interop.onnx.shapes import reshape
from xpnet.interop.onnx.symbols import OPSET, Symbol, emit
from xpnet.layers import (
    Affine,
    Bias,
    Dropout,
    Elu,
    Embedding,
    Flatten,
    GaussianNoise,
    Gelu,
    HardSigmoid,
    HardSwish,
    HardTanh,
    Identity,
    Layer,
    LeakyRelu,
    Linear,
    LogSigmoid,
    LogSoftmax,
    MatMul,
    Mish,
    PRelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Softsign,
    StochasticDepth,
    Tanh,
)

Writer = Callable[..., Any]

WRITERS: dict[type, Writer] = {}
"""What writes the operators of a class of layers: a function of the layer, its output for the example, and its inputs.

It returns None where this layer is to be written by its equations.
"""


def writes(*kinds: type[Layer]) -> Callable[[Writer], Writer]:
    """Register a function as what writes some classes of layers."""

    def register(function: Writer) -> Writer:
        WRITERS.update(dict.fromkeys(kinds, function))
        return function

    return register


def as_it_is(_layer: Any, _y: Any, x: Symbol) -> Symbol:
    return x


WRITERS.update(dict.fromkeys((Identity, Dropout, StochasticDepth, GaussianNoise), as_it_is))


def simple(kind: type[Layer], op: str, since: int = 0, **options: Any) -> None:
    """Register a layer that is one operator; options name its attributes, which are numbers or attributes of it."""

    def write(layer: Any, y: Any, x: Symbol) -> Any:
        given = {name: getattr(layer, value) if isinstance(value, str) else value for name, value in options.items()}
        return None if OPSET.get() < since else emit(op, [x], y, **given)

    WRITERS[kind] = write


for _kind, _op in {Relu: "Relu", Sigmoid: "Sigmoid", Tanh: "Tanh", Softplus: "Softplus", Softsign: "Softsign"}.items():
    simple(_kind, _op)
simple(Selu, "Selu")
simple(HardSwish, "HardSwish")
simple(Mish, "Mish")
simple(Elu, "Elu", alpha="alpha")
simple(LeakyRelu, "LeakyRelu", alpha="slope")
simple(HardSigmoid, "HardSigmoid", alpha=1.0 / 6.0, beta=0.5)
simple(Softmax, "Softmax", axis=-1)
simple(LogSoftmax, "LogSoftmax", axis=-1)
simple(Flatten, "Flatten", axis=1)


@writes(HardTanh, Relu6)
def between(layer: Any, y: Any, x: Symbol) -> Any:
    low, high = (Symbol(np.asarray(limit, dtype=x.dtype)) for limit in (layer.low, layer.high))
    return emit("Clip", [x, low, high], y)


@writes(Silu)
def silu(_layer: Any, y: Any, x: Symbol) -> Any:
    s = emit("Sigmoid", [x], 1.0 / (1.0 + np.exp(-x.value)))
    return emit("Mul", [x, s], y)


@writes(LogSigmoid)
def log_sigmoid(_layer: Any, y: Any, x: Symbol) -> Any:
    return emit("Neg", [emit("Softplus", [-x], -y)], y)


@writes(Gelu)
def gelu(layer: Any, y: Any, x: Symbol) -> Any:
    if OPSET.get() >= 20:
        return emit("Gelu", [x], y, approximate=layer.approximate)
    return None if layer.approximate != "none" else normal_gate(x, y)


def normal_gate(x: Symbol, y: Any) -> Any:
    """Return ``x Φ(x)`` by the error function."""
    if OPSET.get() >= 20:
        return emit("Gelu", [x], y, approximate="none")
    half = np.asarray(0.5, dtype=x.dtype)
    z: Any = x * float(np.sqrt(0.5))  # type: ignore[operator]
    s = emit("Erf", [z], np.where(x.value == 0.0, 0.0, 2.0 * y / np.where(x.value == 0.0, 1.0, x.value) - 1.0))
    return x * (s * half.item() + half.item())


@writes(PRelu)
def prelu(layer: Any, y: Any, x: Symbol) -> Any:
    a = layer.a if layer.a.shape[0] == 1 else reshape(layer.a, (-1,) + (1,) * (x.ndim - 2))
    return emit("PRelu", [x, a], y)


def rows_of(x: Symbol) -> Symbol:
    """Return images, and what else has many axes, as rows."""
    return x if x.ndim == 2 else emit("Flatten", [x], x.value.reshape(len(x), -1), axis=1)


@writes(Affine)
def affine(layer: Any, y: Any, x: Symbol) -> Any:
    return emit("Gemm", [rows_of(x), layer.W, layer.b if "b" in layer.parameters else None], y)


@writes(Linear, MatMul)
def linear(layer: Any, y: Any, x: Symbol) -> Any:
    biased = "b" in layer.parameters
    product = emit("MatMul", [x, layer.W], y - layer.b.value if biased else y)
    return emit("Add", [product, layer.b], y) if biased else product


@writes(Bias)
def bias(layer: Any, y: Any, x: Symbol) -> Any:
    return emit("Add", [x, layer.b], y)


@writes(Embedding)
def embedding(layer: Any, y: Any, x: Symbol) -> Any:
    return emit("Gather", [table_of(layer), x], y, axis=0)


def table_of(layer: Any) -> Symbol:
    """Return the rows that an embedding looks up: short ones where it has a largest norm, and 0 at padding."""
    W: Symbol = layer.W
    rows = W.value
    if layer.max_norm is not None:
        norm = np.sqrt(np.sum(rows * rows, axis=1, keepdims=True))
        rows = np.where(norm > layer.max_norm, rows * (layer.max_norm / np.maximum(norm, 1e-30)), rows)
    if layer.padding_idx is not None:
        rows = np.where(np.arange(len(rows))[:, None] == layer.padding_idx, 0.0, rows)
    return W if np.array_equal(rows, W.value) else Symbol(rows.astype(W.dtype), W.name)
