"""CUDA bodies of the embedding, alone and followed by that of positions."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet.fast.cupy.affine import sum_rows
from xpnet.fast.cupy.launch import CudaBody, integers, launch_each, of_one, ordered
from xpnet.layers.bodies import body
from xpnet.layers.embedding import Embedding, PositionalEmbedding


@body("cupy", Embedding)
class RowsInOneLaunch(CudaBody):
    """An embedding that looks up its rows in one launch, which writes NaN for an unknown number."""

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        return layers[0].padding_idx is None and layers[0].max_norm is None

    def forward(self, x: Any) -> Any:
        return self.looked_up(x, 0, 1) if of_one(self.layer.W) else NotImplemented

    def looked_up(self, x: Any, positions: Any, length: int) -> Any:
        """Return the row of each number, plus that of its position if there are positions."""
        self.layer.check_indices(x)
        W, x, positions = ordered(self.layer.W, x, positions)
        V, D = W.shape
        y = cupy.empty((*x.shape, D), W.dtype)
        launch_each("embedding", "embedding", W.dtype, y.size, W, *integers(x), positions, y, x.size, V, D, length)
        self.cache = x.reshape(-1)
        return y

    def backward(self, dout: Any) -> None:
        x, D = self.cache, self.layer.W.shape[1]
        if self.layer.trains:
            self.layer.dW = self.layer.summed(dout.reshape(x.size, D), x)


@body("cupy", Embedding, PositionalEmbedding)
class RowsPlusPositions(RowsInOneLaunch):
    """An embedding that adds the row of the position to that of the number as it looks them up."""

    def forward(self, x: Any) -> Any:
        W, P = (layer.W for layer in self.layers)
        past = self.layers[1].past
        start = 0 if past is None else past.length
        if not of_one(W, P) or x.ndim != 2 or start + x.shape[1] > P.shape[0] or W.shape[1] != P.shape[1]:
            return NotImplemented
        if past is not None:
            past.advanced(x.shape[1])
        return self.looked_up(x, P[start:], x.shape[1])

    def backward(self, dout: Any) -> None:
        (N, L, D), positions = dout.shape, self.layers[1]
        if positions.trains:
            sums = sum_rows(*ordered(dout.reshape(N, L * D))).reshape(L, D)
            if positions.W.shape[0] == L:
                positions.dW = sums
            else:
                positions.dW = cupy.zeros(positions.W.shape, dout.dtype)
                positions.dW[:L] = sums
        super().backward(dout)
