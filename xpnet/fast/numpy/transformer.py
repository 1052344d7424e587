"""NumPy body of the Transformer's block, for one more position of a sequence that goes on."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.activation import gelu
from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.fast.numpy.next_position import Joined, joined, like, of_one_position
from xpnet.fast.numpy.normalization import normalize
from xpnet.layers.activation import Gelu
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.bodies import Body, body
from xpnet.layers.dropout import Dropout
from xpnet.layers.linear import Linear
from xpnet.layers.normalization import LayerNormalization
from xpnet.layers.transformer import TransformerBlock

BRANCHES = [[LayerNormalization, MultiHeadAttention], [LayerNormalization, Linear, Gelu, Linear]]


class BlockArrays(Joined):
    """The arrays of a block for one position after another; ``suit`` tells whether they are of one floating dtype."""

    def __init__(self, attention: Any, arrays: tuple[Any, ...]) -> None:
        super().__init__(attention, arrays)
        self.suit = of_one(*[array for array in arrays if type(array) is not float])
        *vectors, self.Wo, bo, self.W1, b1, self.W2, b2 = arrays[6:]
        self.gamma1, self.beta1, self.gamma2, self.beta2 = map(np.array, vectors)
        pairs = ((self.Wo, bo), (self.W1, b1), (self.W2, b2))
        self.bo, self.b1, self.b2 = (like(b, W.shape[1], W.dtype) for W, b in pairs)


@body("numpy", TransformerBlock)
class PositionAfterPosition(Body):
    """A block that computes one more position of a sequence in few calls, and everything else by its layers' bodies.

    The products of a single row take little time, and the calls around them most of it.
    """

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        (block,) = layers
        rows = [[block.layers[name] for name in row] for row in block.rows_of_names()]
        inside = [[layer for layer in row if type(layer) is not Dropout] for row in rows]
        return [[type(layer) for layer in row] for row in inside] == BRANCHES and inside[1][2].approximate == "tanh"

    def __init__(self, block: Any) -> None:
        super().__init__(block)
        stages = [getattr(stage, "stage", stage) for stage in block.layers.values()]
        self.inside = [layer for stage in stages for layer in stage.layers if type(layer) is not Dropout]
        self.by_bodies = all(stage.kind for stage in stages)  # else somebody has replaced a method of a layer

    def forward(self, x: Host, mask: Host | None = None) -> Any:
        norm1, attention, norm2, linear1, _, linear2 = self.inside
        past = attention.past
        goes_on = past is not None and past.length and x.shape[1] == 1
        if goes_on and mask is None and self.by_bodies and of_one(x):
            others = (norm1.gamma, norm1.beta, norm2.gamma, norm2.beta, attention.Wo, attention.bo)
            own = joined(attention, BlockArrays, *others, linear1.W, linear1.b, linear2.W, linear2.b)
            if own.suit and x.dtype == own.W.dtype:
                return self.next_position(np.ascontiguousarray(x.reshape(len(x), -1)), own).reshape(x.shape)
        return self.layer.forward(x, mask)

    def next_position(self, x: Host, own: BlockArrays) -> Host:
        """Return y for the rows of one position, ``(N, D)``."""
        norm1, attention, norm2, *_ = self.inside
        h = np.empty_like(x)
        normalize(x, own.gamma1, own.beta1, norm1.eps, h)
        qkv = h.dot(own.W)
        qkv += own.b
        y = of_one_position(attention, own, qkv).dot(own.Wo)
        y += own.bo
        y += x
        normalize(y, own.gamma2, own.beta2, norm2.eps, h)
        u = h.dot(own.W1)
        u += own.b1
        v, share = np.empty_like(u), np.empty_like(u)
        gelu(u, v, share)
        z: Host = v.dot(own.W2)
        z += own.b2
        z += y
        return z

    def backward(self, dout: Any = 1.0) -> Any:
        return self.layer.backward(dout)
