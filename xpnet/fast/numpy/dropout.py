"""NumPy bodies of dropout: the mask is a comparison of whole numbers, and is kept as one byte for each value."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet import kernels
from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.layers.bodies import Body, body
from xpnet.layers.dropout import Dropout
from xpnet.random import Generator, drawn_before


@kernels.dropout_mask.on("numpy")
def dropout_mask(x: Host, rng: Generator, name: str, step: Any, keep: float) -> Any:
    kept = rng.mask(x.shape, keep, name, int(step), start=drawn_before(x.size))
    return kept.astype(x.dtype) / keep if x.dtype.kind == "c" else kept * scale_of(x.dtype, keep)


def scale_of(dtype: Any, keep: float) -> Any:
    """Return ``1 / keep`` as a division in the dtype gives it."""
    return np.ones(1, dtype)[0] / dtype.type(keep)


def drops(layer: Dropout) -> bool:
    """Return whether the layer drops anything."""
    return layer.training and layer.dropout_ratio > 0.0


@body("numpy", Dropout)
class DroppedByBytes(Body):
    """Dropout that keeps a byte for each value, True where it is kept."""

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        return layers[0].axes is None

    def forward(self, x: Host) -> Any:
        if not of_one(x) or not x.ndim:
            return NotImplemented
        layer = self.layer
        if not (self.training and drops(layer)):
            self.cache = None
            return x
        self.cache = kept, scale = self.kept_of(layer, x.shape), scale_of(x.dtype, 1.0 - layer.dropout_ratio)
        return self.through(x, kept, scale)

    def kept_of(self, layer: Dropout, shape: tuple[int, ...]) -> Host:
        """Draw the numbers of a step, and return where values are kept."""
        return drawn(layer, shape)

    def through(self, x: Host, kept: Host, scale: Any) -> Any:
        """Return x times its scale where it is kept, else times 0."""
        y = kept * scale
        y *= x
        return y

    def backward(self, dout: Host) -> Any:
        return dout if self.cache is None else self.through(dout, *self.cache)


def drawn(layer: Dropout, shape: tuple[int, ...]) -> Host:
    """Return where the layer keeps values at its step, and count the step."""
    count = int(np.prod(shape, dtype=np.int64))
    step = int(layer.step_of(np.empty(0)))
    kept = layer.rng.mask(shape, 1.0 - layer.dropout_ratio, layer.stream, step, start=drawn_before(count))
    layer.step += 1
    return kept
