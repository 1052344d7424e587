"""The NumPy body of a border of zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.windows import batch_first, turned
from xpnet.layers.bodies import Body, body
from xpnet.layers.padding import Padding


@body("numpy", Padding)
class ImagesAmongZeros(Body):
    """A border of zeros, which are there before the images are copied into their middle."""

    def forward(self, x: Host) -> Any:
        widths = self.layer.widths(x.shape[2:])
        if self.layer.mode != "zeros":
            return NotImplemented
        room = [before + length + after for length, (_, before, after) in zip(x.shape[2:], widths, strict=True)]
        middle = [slice(before, before + length) for length, (_, before, _) in zip(x.shape[2:], widths, strict=True)]
        self.cache = inside = (slice(None), slice(None), *middle)
        N, C = x.shape[:2]
        last = not x.flags.c_contiguous and turned(x).flags.c_contiguous  # as convolutions leave images
        y = batch_first(np.zeros((C, *room, N), x.dtype)) if last else np.zeros((N, C, *room), x.dtype)
        y[inside] = x
        return y

    def backward(self, dout: Host) -> Any:
        return dout[self.cache]
