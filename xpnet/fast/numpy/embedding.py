"""NumPy bodies of the embedding, alone, followed by that of positions, and summed in bags."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.layers.bodies import Body, body
from xpnet.layers.embedding import Embedding, PositionalEmbedding
from xpnet.layers.embedding_bag import EmbeddingBag


@body("numpy", Embedding)
class RowsTaken(Body):
    """An embedding that copies rows after a look at the largest number, read as unsigned: a negative one is large."""

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        return layers[0].padding_idx is None and layers[0].max_norm is None

    def forward(self, x: Host) -> Any:
        W = self.layer.W
        if x.dtype.kind not in "iu" or not x.size or np.maximum.reduce(x.astype(np.uint64), axis=None) >= len(W):
            return NotImplemented
        self.cache = x.reshape(-1)
        return W.take(x, axis=0)

    def backward(self, dout: Host) -> None:
        if self.trains:
            self.layer.dW = self.layer.summed(dout.reshape(self.cache.size, self.layer.W.shape[1]), self.cache)


@body("numpy", EmbeddingBag)
class RowsOfBagsSummed(RowsTaken):
    """Bags of one length: their rows are summed where they were copied to."""

    def forward(self, x: Host, bags: Host | None = None, weights: Host | None = None) -> Any:
        W = self.layer.W
        if bags is not None or weights is not None or x.ndim != 2 or not of_one(W):
            return NotImplemented
        rows = super().forward(x)
        if rows is NotImplemented:
            return rows
        y = np.add.reduce(rows, axis=1)
        self.length = x.shape[1]
        if self.layer.reduction == "mean":
            y /= self.length
        return y

    def backward(self, dout: Host) -> None:
        if self.layer.reduction == "mean":
            dout = dout / self.length
        super().backward(np.repeat(dout, self.length, axis=0))


@body("numpy", Embedding, PositionalEmbedding)
class RowsPlusPositions(RowsTaken):
    """An embedding to whose rows those of the positions are added in place."""

    def forward(self, x: Host) -> Any:
        positions = self.layers[1]
        P, past = positions.W, positions.past
        start = 0 if past is None else past.length
        fits = x.ndim == 2 and start + x.shape[1] <= len(P) and self.layer.W.shape[1] == P.shape[1]
        if not fits or not of_one(P, self.layer.W):
            return NotImplemented
        y = super().forward(x)
        if y is not NotImplemented:
            y += P[start : start + x.shape[1]]
            if past is not None:
                past.advanced(x.shape[1])
        return y

    def backward(self, dout: Host) -> None:
        positions = self.layers[1]
        if positions.trains:
            dW = np.zeros(positions.W.shape, dout.dtype)
            np.add.reduce(dout, axis=0, out=dW[: dout.shape[1]])
            positions.dW = dW
        super().backward(dout)
