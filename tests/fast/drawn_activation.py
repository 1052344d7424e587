"""Random activations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from draw import Draw
from row_table import Drawn, row

from xpnet.layers import (
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    HardTanh,
    LeakyRelu,
    LogSoftmax,
    PRelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
)

EXTREME = (0.0, -0.0, 1e-30, -1e-30, 80.0, -80.0, 3e4, -3e4, np.inf, -np.inf, np.nan)
MANY = (3, 50_000)  # more values than a block of NumPy's bodies has


def drawn(draw: Draw, layer: object) -> Drawn:
    shape = draw.one_of(*[draw.shape(0) for _ in range(3)], MANY)
    values = 3.0 * draw.rng.standard_normal(shape)
    if draw.chance(0.4):
        values = np.where(draw.rng.random(shape) < 0.3, draw.rng.choice(EXTREME, shape), values)
    values = np.asarray(values).astype(draw.dtype)
    return [layer], (draw.asarray(values) if shape == MANY else draw.laid_out(values),)


@row(Relu)
def relu(draw: Draw) -> Drawn:
    return drawn(draw, Relu())


@row(LeakyRelu)
def leaky_relu(draw: Draw) -> Drawn:
    return drawn(draw, LeakyRelu(draw.one_of(draw.number(), 3.0, -0.5, 0.0)))


@row(Elu)
def elu(draw: Draw) -> Drawn:
    return drawn(draw, Elu(draw.one_of(draw.number(), 1.0, -0.5)))


@row(Sigmoid)
def sigmoid(draw: Draw) -> Drawn:
    return drawn(draw, Sigmoid())


@row(Softplus)
def softplus(draw: Draw) -> Drawn:
    return drawn(draw, Softplus())


@row(Silu)
def silu(draw: Draw) -> Drawn:
    return drawn(draw, Silu())


@row(PRelu)
def parametric_relu(draw: Draw) -> Drawn:
    x = drawn(draw, Relu())[1][0]
    shared = x.ndim < 2 or draw.chance(0.3)
    return [PRelu(draw.array(1 if shared else x.shape[1]))], (x,)


@row(HardTanh)
def hard_tanh(draw: Draw) -> Drawn:
    return drawn(draw, HardTanh(-draw.number(), draw.number()))


def plain(kind: type) -> Callable[[Draw], Drawn]:
    return lambda draw: drawn(draw, kind())


for kind in (Relu6, HardSigmoid, HardSwish, Selu):
    row(kind)(plain(kind))


@row(Gelu)
def gelu(draw: Draw) -> Drawn:
    return drawn(draw, Gelu(draw.one_of("none", "tanh", "tanh")))


def scores(draw: Draw, layer: object) -> Drawn:
    shape = (*(draw.one_of(0, 1, 2, 7) for _ in range(draw.size(0, 3))), draw.one_of(1, 2, 10, 33, 70))
    x = draw.rng.standard_normal(shape) * draw.one_of(1.0, 1e3)
    if draw.chance(0.2):
        x = np.where(draw.rng.random(shape) < 0.1, draw.rng.choice((np.inf, -np.inf, np.nan), shape), x)
    return [layer], (draw.laid_out(np.asarray(x).astype(draw.dtype)),)


@row(Softmax)
def softmax(draw: Draw) -> Drawn:
    return scores(draw, Softmax())


@row(LogSoftmax)
def log_softmax(draw: Draw) -> Drawn:
    return scores(draw, LogSoftmax())
