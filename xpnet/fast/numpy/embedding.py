"""NumPy body of the embedding."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet import kernels
from xpnet.fast.numpy.blocks import Host
from xpnet.layers.bodies import Body, body
from xpnet.layers.embedding import Embedding


@body("numpy", Embedding)
class RowsTaken(Body):
    """An embedding that copies rows after a look at the largest number, read as unsigned: a negative one is large."""

    def forward(self, x: Host) -> Any:
        W = self.layer.W
        if x.dtype.kind not in "iu" or not x.size or np.maximum.reduce(x.astype(np.uint64), axis=None) >= len(W):
            return NotImplemented
        self.cache = x.reshape(-1)
        return W.take(x, axis=0)

    def backward(self, dout: Host) -> None:
        x, (V, D) = self.cache, self.layer.W.shape
        if self.trains:
            self.layer.dW = kernels.scatter_add(dout.reshape(x.size, D), x, V)
