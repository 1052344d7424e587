"""NumPy body of the embedding."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.layers.bodies import Body, body
from xpnet.layers.embedding import Embedding


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
