"""Cases of the activations."""

from math import erf

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import (
    Elu,
    Gelu,
    Identity,
    LeakyRelu,
    LogSoftmax,
    Relu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Tanh,
)

X = (4.0 * normal("x", 3, 4),)


def softmax(x: Host) -> Host:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.asarray(e / np.sum(e, axis=-1, keepdims=True))


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
    Case("Softmax", Softmax, X, softmax),
    Case("LogSoftmax", LogSoftmax, X, lambda x: np.log(softmax(x))),
)
