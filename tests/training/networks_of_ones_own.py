"""Networks and layers of one's own, found by their import path."""

from __future__ import annotations

from xpnet.layers import Embedding, Layer, Linear, SoftmaxWithLoss
from xpnet.networks import Network


class Tied(Network):
    """Scores by the embedding itself."""

    def __init__(self, vocabulary: int, width: int) -> None:
        layers = {"embedding": Embedding.create(vocabulary, width), "hidden": Linear.create(width, width)}
        super().__init__(layers, loss=SoftmaxWithLoss())
        self.vocabulary, self.scale = vocabulary, (0.5, float("inf"))
        self.inner = self.layers["hidden"]

    def forward(self, x):
        embedding = self.layers["embedding"]
        return self.inner(embedding(x)) @ embedding.W.T * self.scale[0]


class Power(Layer):
    """``y = g xᵖ``."""

    parameters = ("g",)

    def __init__(self, g, power: int = 1, table=None) -> None:
        super().__init__(g)
        self.power, self.table = power, table

    def forward(self, x):
        self.x = x
        return self.g * x**self.power

    def backward(self, dout):
        self.dg = dout * self.x**self.power
        return dout * self.g * self.power * self.x ** (self.power - 1)


class Forgetful(Power):
    """A layer that does not keep its option."""

    def __init__(self, g, power: int) -> None:
        Layer.__init__(self, g)
        self.p = power
