"""NumPy bodies of the affine map, of rows and of the last axis, alone and before a ReLU."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.activation import passed_on
from xpnet.fast.numpy.blocks import SIZE, Host, block_of, of_one, ones, zeros
from xpnet.fast.rows import OverAllRows
from xpnet.layers.activation import Relu
from xpnet.layers.affine import Affine
from xpnet.layers.bodies import Body, body
from xpnet.layers.linear import Linear, MatMul


@body("numpy", Affine)
class AffineInPlace(Body):
    """An Affine that adds ``b`` to the product in place; ``db`` is a product with ones, ``1ᵀ dout``.

    BLAS adds rows twice as fast as ``sum`` does.
    """

    def forward(self, x: Host) -> Any:
        W = self.layer.W
        if not of_one(x, *self.layer.parameter_arrays().values()):
            return NotImplemented
        rows = x if x.ndim == 2 else x.reshape(len(x), -1)
        y = rows @ W
        self.finish(y, self.layer.b if "b" in self.layer.parameters else zeros(W.shape[1], W.dtype))
        self.cache = x, rows, y
        return y

    def finish(self, y: Host, b: Host) -> None:
        """Turn the product into y, in place."""
        y += b

    def backward(self, dout: Any) -> Any:
        x, rows, y = self.cache
        layer = self.layer
        dout, db = self.before(dout, y)
        if self.trains:
            layer.dW = rows.T * dout if len(rows) == 1 else rows.T @ dout  # NumPy does not use BLAS for a single row
            if "b" in layer.parameters:
                layer.db = db
        if not self.needs_dx:
            return None
        turned = rows.flags.f_contiguous and not rows.flags.c_contiguous
        dx = (layer.W @ dout.T).T if turned else dout @ layer.W.T  # in the memory order of x, for the layer before
        return dx if dx.shape == x.shape else dx.reshape(x.shape)

    def before(self, dout: Host, y: Host) -> tuple[Host, Host | None]:  # noqa: ARG002
        """Return the derivative of the product, and ``db`` if it is trained."""
        return dout, sum_rows(dout) if self.trains else None


@body("numpy", Linear)
class LinearInPlace(OverAllRows, AffineInPlace):
    """A Linear that adds ``b`` to the product in place, as ``AffineInPlace`` does."""


@body("numpy", MatMul)
class MatMulOfRows(OverAllRows, AffineInPlace):
    """A MatMul, which is an affine map without b."""

    def finish(self, y: Host, b: Host) -> None:
        pass

    def before(self, dout: Host, y: Host) -> tuple[Host, None]:  # noqa: ARG002
        return dout, None


@body("numpy", Affine, Relu)
class AffineThenRelu(AffineInPlace):
    """An Affine and a ReLU in place on the product, a few rows at a time, which stay in the processor's cache."""

    def finish(self, y: Host, b: Host) -> None:
        width = y.shape[-1]
        zeros, step = block_of(0.0, y.dtype), max(1, SIZE // max(width, 1))
        for first in range(0, len(y), step):
            rows = y[first : first + step]
            rows += b
            np.maximum(rows, zeros[: rows.size].reshape(rows.shape) if rows.size <= SIZE else zeros[0], out=rows)

    def before(self, dout: Host, y: Host) -> tuple[Host, Host | None]:
        dz = passed_on(dout, y)
        return dz, sum_rows(dz) if self.trains else None


def sum_rows(dout: Host) -> Any:
    return ones(len(dout), dout.dtype).dot(dout)
