"""Layers and losses whose backward is wrong, each in a way of its own."""

from __future__ import annotations

import numpy as np

from xpnet.backend import array_namespace
from xpnet.layers import Affine, Relu, Sigmoid, SoftmaxWithLoss


class WrongAffine(Affine):
    """An Affine whose gradients can be replaced by others."""

    def __init__(self, W, b, **wrong) -> None:
        super().__init__(W, b)
        self.wrong = wrong

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        xp = array_namespace(dout)
        right = {
            "dW": lambda s, d: s.x.T @ d,
            "db": lambda s, d: xp.sum(d, axis=0),
            "dx": lambda s, d: d @ s.W.T,
        }
        found = {name: self.wrong.get(name, make)(self, dout) for name, make in right.items()}
        self.dW, self.db = found["dW"], found["db"]
        return found["dx"]


def total(array, axis):
    return array_namespace(array).sum(array, axis=axis)


def one_value(like, value: float):
    """Ones, but for one element in the middle."""
    ones = np.ones(like.shape)
    ones[2, 1] = value
    return array_namespace(like).asarray(ones, device=like.device)


WRONG = {
    "transposed product": ({"dW": lambda s, d: d.T @ s.x}, "W", "a transposed product"),
    "transposed product, dx": ({"dx": lambda s, d: d @ s.W}, "x", "a transposed product"),
    "ignored dout in W": ({"dW": lambda s, d: s.x.T @ (d * 0.0 + 1.0)}, "W", "dout is ignored"),
    "ignored dout in x": ({"dx": lambda s, d: (d * 0.0 + 1.0) @ s.W.T}, "x", "dout is ignored"),
    "wrong axis of a square dout": ({"db": lambda s, d: total(d, 1)}, "b", "the wrong axis in the bias sum"),
    "missing division": (
        {"dW": lambda s, d: 4.0 * (s.x.T @ d)},
        "W",
        "4 times too large.*missing division by the batch",
    ),
    "divided twice": ({"db": lambda s, d: total(d, 0) / 4.0}, "b", "4 times too small.*division by the batch size too"),
    "sign": ({"dx": lambda s, d: -(d @ s.W.T)}, "x", "its sign is wrong everywhere"),
    "zero": ({"dW": lambda s, d: 0.0 * (s.x.T @ d)}, "W", "zero everywhere"),
    "twice": ({"dW": lambda s, d: 2.0 * (s.x.T @ d)}, "W", "2 times the right one everywhere: a constant factor"),
    "wrong shape": ({"db": lambda s, d: d}, "b", r"shape is \(4, 4\) and not \(4,\)"),
    "nothing returned": ({"dx": lambda s, d: None}, "x", "backward leaves it out"),
    "NaN": ({"dW": lambda s, d: (s.x.T @ d) * float("nan")}, "W", "NaN or infinity"),
    "one NaN": ({"dx": lambda s, d: (d @ s.W.T) * one_value(d, float("nan"))}, "x", "NaN or infinity"),
    "infinity": ({"db": lambda s, d: total(d, 0) + float("inf")}, "b", "NaN or infinity"),
    "one element": ({"dx": lambda s, d: (d @ s.W.T) * one_value(d, 1.001)}, "x", "no known pattern"),
}


class ForgetsTheWeights(Affine):
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.db = total(dout, 0)
        return dout @ self.W.T


class Accumulates(Affine):
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = getattr(self, "dW", 0.0) + self.x.T @ dout
        self.db = getattr(self, "db", 0.0) + total(dout, 0)
        return dout @ self.W.T


class OverwritesDout(Relu):
    """The book's own."""

    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, 0.0, x)

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class OverwritesX(Sigmoid):
    def forward(self, x):
        self.y = 1.0 / (1.0 + np.exp(-x))
        x[...] = self.y
        return x.copy()


class TenthTooSmall(Relu):
    def backward(self, dout):
        return 0.9 * super().backward(dout)


class NoDivision(SoftmaxWithLoss):
    def backward(self, dout):
        return super().backward(dout) * self.N


class DividedTwice(SoftmaxWithLoss):
    def backward(self, dout):
        return super().backward(dout) / self.N


class IgnoresDout(SoftmaxWithLoss):
    def backward(self, dout):
        return super().backward(1.0)
