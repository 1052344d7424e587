"""The base of bodies of ``Linear`` on every library."""

from __future__ import annotations

from math import prod
from typing import Any

from xpnet.layers.bodies import Body


class OverAllRows(Body):
    """A body of ``Linear``: the body of ``Affine`` among its bases, over the rows of all but the last axis."""

    def forward(self, x: Any) -> Any:
        self.shape = x.shape
        if x.ndim == 2:
            return super().forward(x)
        y = super().forward(x.reshape(prod(x.shape[:-1]), x.shape[-1]))
        return y if y is NotImplemented else y.reshape(*x.shape[:-1], y.shape[-1])

    def backward(self, dout: Any) -> Any:
        if dout.ndim == 2:
            return super().backward(dout)
        dx = super().backward(dout.reshape(prod(dout.shape[:-1]), dout.shape[-1]))
        return None if dx is None else dx.reshape(self.shape)
