"""Cases of the activations."""

from math import erf

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import (
    Elu,
    GeGlu,
    Gelu,
    Glu,
    HardSigmoid,
    HardSwish,
    HardTanh,
    Identity,
    LeakyRelu,
    LogSigmoid,
    LogSoftmax,
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
    SwiGlu,
    Tanh,
)

X = (4.0 * normal("x", 3, 4),)


def softmax(x: Host) -> Host:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.asarray(e / np.sum(e, axis=-1, keepdims=True))


def half(x: Host, first: bool) -> Host:
    return x[..., : x.shape[-1] // 2] if first else x[..., x.shape[-1] // 2 :]


def sigmoid(x: Host) -> Host:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def selu(x: Host) -> Host:
    return np.asarray(1.0507009873554805 * np.where(x > 0.0, x, 1.6732632423543772 * (np.exp(x) - 1.0)))


CASES = (
    Case("Identity", Identity, X, lambda x: x),
    Case("Relu", Relu, (normal("x", 3, 4),), lambda x: np.maximum(x, 0.0)),
    Case("LeakyRelu", LeakyRelu, X, lambda x: np.where(x > 0.0, x, 0.1 * x), options={"slope": 0.1}),
    Case("LeakyRelu, steep", LeakyRelu, X, lambda x: np.where(x > 0.0, x, 3.0 * x), options={"slope": 3.0}),
    Case("Elu", Elu, X, lambda x: np.where(x > 0.0, x, 0.5 * (np.exp(x) - 1.0)), options={"alpha": 0.5}),
    Case("Sigmoid", Sigmoid, X, lambda x: 1.0 / (1.0 + np.exp(-x))),
    Case("Tanh", Tanh, X, np.tanh),
    Case("Softplus", Softplus, X, lambda x: np.log(1.0 + np.exp(x))),
    Case("Silu", Silu, X, lambda x: x / (1.0 + np.exp(-x))),
    Case("Gelu", Gelu, X, lambda x: 0.5 * x * (1.0 + np.vectorize(erf)(x / np.sqrt(2.0)))),
    Case(
        "Gelu, tanh",
        Gelu,
        X,
        lambda x: 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))),
        options={"approximate": "tanh"},
    ),
    Case("PRelu", PRelu, X, lambda x, a: np.where(x > 0.0, x, a * x), (normal("a", 4),)),
    Case(
        "PRelu, one slope", PRelu, (normal("x", 2, 3, 2),), lambda x, a: np.where(x > 0.0, x, a * x), (normal("a", 1),)
    ),
    Case("HardTanh", HardTanh, X, lambda x: np.clip(x, -2.0, 0.5), options={"low": -2.0, "high": 0.5}),
    Case("Relu6", Relu6, X, lambda x: np.clip(x, 0.0, 6.0)),
    Case("HardSigmoid", HardSigmoid, X, lambda x: np.clip(x / 6.0 + 0.5, 0.0, 1.0)),
    Case("HardSwish", HardSwish, X, lambda x: x * np.clip(x / 6.0 + 0.5, 0.0, 1.0)),
    Case("Mish", Mish, X, lambda x: x * np.tanh(np.log(1.0 + np.exp(x)))),
    Case("Selu", Selu, X, selu),
    Case("Softsign", Softsign, X, lambda x: x / (1.0 + np.abs(x))),
    Case("LogSigmoid", LogSigmoid, X, lambda x: -np.log(1.0 + np.exp(-x))),
    Case("Glu", Glu, X, lambda x: half(x, True) * sigmoid(half(x, False))),
    Case("Glu, axis", Glu, (normal("x", 3, 4, 1),), lambda x: x[:, :2] * sigmoid(x[:, 2:]), options={"axis": 1}),
    Case(
        "GeGlu",
        GeGlu,
        X,
        lambda x: half(x, True) * half(x, False) * 0.5 * (1.0 + np.vectorize(erf)(half(x, False) / np.sqrt(2.0))),
    ),
    Case("SwiGlu", SwiGlu, X, lambda x: half(x, True) * half(x, False) * sigmoid(half(x, False))),
    Case("Softmax", Softmax, X, softmax),
    Case("LogSoftmax", LogSoftmax, X, lambda x: np.log(softmax(x))),
)
