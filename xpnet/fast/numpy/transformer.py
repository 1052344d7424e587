"""NumPy body of the Transformer's block, for one more position of a sequence that goes on."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from xpnet.fast.numpy.activation import gelu
from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.fast.numpy.next_position import Joined, joined, like, of_one_position
from xpnet.fast.numpy.normalization import normalize
from xpnet.layers.activation import Gelu
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.bodies import Body, body
from xpnet.layers.cross_attention import CrossAttention
from xpnet.layers.dropout import Dropout
from xpnet.layers.linear import Linear
from xpnet.layers.normalization import LayerNormalization
from xpnet.layers.transformer import DecoderBlock, TransformerBlock

ATTENTION, MLP = [LayerNormalization, MultiHeadAttention], [LayerNormalization, Linear, Gelu, Linear]


class BlockArrays(Joined):
    """The arrays of a block for one position after another; ``suit`` tells whether they are of one floating dtype."""

    def __init__(self, attention: Any, arrays: tuple[Any, ...]) -> None:
        super().__init__(attention, arrays)
        self.suit = of_one(*[array for array in arrays if type(array) is not float])
        *vectors, self.Wo, bo, self.W1, b1, self.W2, b2 = arrays[6:]
        self.gamma1, self.beta1, self.gamma2, self.beta2 = map(np.array, vectors)
        pairs = ((self.Wo, bo), (self.W1, b1), (self.W2, b2))
        self.bo, self.b1, self.b2 = (like(b, W.shape[1], W.dtype) for W, b in pairs)


class GoesOn(Body):
    """A block that computes one more position of a sequence in few calls, and everything else by its layers' bodies.

    The products of a single row take little time, and the calls around them most of it.
    """

    between: ClassVar[list[list[type]]] = []
    """The branches between the attention of the sequence to itself and the last one."""

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        rows = branches(layers[0])
        kinds = [[type(layer) for layer in row] for row in rows]
        return kinds == [ATTENTION, *cls.between, MLP] and rows[-1][2].approximate == "tanh"

    def __init__(self, block: Any) -> None:
        super().__init__(block)
        rows = branches(block)
        stages = [getattr(stage, "stage", stage) for row in rows for stage in row]
        self.by_bodies = all(stage.kind for stage in stages)  # else somebody has replaced a method of a layer
        self.norm1, self.attention, self.norm2, self.linear1, _, self.linear2 = (
            layer for row in (rows[0], rows[-1]) for stage in row for layer in stage.layers
        )
        self.inner = rows[1:-1]

    def arrays_for(self, x: Host) -> BlockArrays | None:
        """Return the arrays for one more position x, or None where the layers run."""
        attention, past = self.attention, self.attention.past
        if past is None or not past.length or x.shape[1] != 1 or not self.by_bodies or not of_one(x):
            return None
        norms = (self.norm1.gamma, self.norm1.beta, self.norm2.gamma, self.norm2.beta)
        linears = (self.linear1.W, self.linear1.b, self.linear2.W, self.linear2.b)
        own = joined(attention, BlockArrays, *norms, attention.Wo, attention.bo, *linears)
        return own if own.suit and x.dtype == own.W.dtype else None

    def attended(self, x: Host, own: BlockArrays) -> Host:
        """Return ``x + attention(norm(x))`` for the rows of one position, ``(N, D)``."""
        h = np.empty_like(x)
        normalize(x, own.gamma1, own.beta1, self.norm1.eps, h)
        qkv = h.dot(own.W)
        qkv += own.b
        y: Host = of_one_position(self.attention, own, qkv).dot(own.Wo)
        y += own.bo
        y += x
        return y

    def through_mlp(self, x: Host, own: BlockArrays) -> Host:
        """Return ``x + mlp(norm(x))`` for the rows of one position, ``(N, D)``."""
        h = np.empty_like(x)
        normalize(x, own.gamma2, own.beta2, self.norm2.eps, h)
        u = h.dot(own.W1)
        u += own.b1
        v, share = np.empty_like(u), np.empty_like(u)
        gelu(u, v, share)
        y: Host = v.dot(own.W2)
        y += own.b2
        y += x
        return y

    def backward(self, dout: Any = 1.0) -> Any:
        return self.layer.backward(dout)


@body("numpy", TransformerBlock)
class PositionAfterPosition(GoesOn):
    """A Transformer's block that computes one more position of a sequence in few calls."""

    def forward(self, x: Host, mask: Host | None = None) -> Any:
        own = self.arrays_for(x) if mask is None else None
        if own is None:
            return self.layer.forward(x, mask)
        return self.through_mlp(self.attended(rows_of(x), own), own).reshape(x.shape)


@body("numpy", DecoderBlock)
class PositionWithMemory(GoesOn):
    """A decoder's block that computes one more position of a sequence in few calls around those of its memory."""

    between: ClassVar[list[list[type]]] = [[LayerNormalization, CrossAttention]]

    def forward(self, x: Host, memory: Host, mask: Host | None = None, memory_mask: Host | None = None) -> Any:
        own = self.arrays_for(x) if mask is None else None
        if own is None:
            return self.layer.forward(x, memory, mask, memory_mask)
        h = self.attended(rows_of(x), own)
        ((norm, cross),) = self.inner
        h += cross(norm(h.reshape(x.shape)), memory, None, memory_mask).reshape(h.shape)
        return self.through_mlp(h, own).reshape(x.shape)


def branches(block: Any) -> list[list[Any]]:
    """Return the layers or stages of each branch of a block, without dropout, which inference leaves out."""
    rows = [[block.layers[name] for name in row] for row in block.rows_of_names()]
    return [[one for one in row if type(one) is not Dropout and kinds_of(one) != [Dropout]] for row in rows]


def kinds_of(stage: Any) -> list[type]:
    """Return the classes of the layers that a stage runs; of a layer, nothing."""
    inside = getattr(stage, "layers", ())
    return [type(layer) for layer in inside] if type(inside) is tuple else []


def rows_of(x: Host) -> Host:
    return np.ascontiguousarray(x.reshape(len(x), -1))
