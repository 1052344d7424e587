"""CUDA bodies of the affine map: the product is cuBLAS's, what follows it one launch."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet.fast.cupy.launch import TILE, CudaBody, launch_each, launch_tiles, of_one, ordered
from xpnet.layers.activation import Relu
from xpnet.layers.affine import Affine
from xpnet.layers.bodies import body


@body("cupy", Affine)
class AffineAndBias(CudaBody):
    """``b`` is added to the product where it lies."""

    follows = "add_bias"

    def forward(self, x: Any) -> Any:
        W, b = self.layer.W, self.layer.b
        if not of_one(x, W, b):
            return NotImplemented
        rows = x if x.ndim == 2 else x.reshape(len(x), -1)
        y, (b,) = rows @ W, ordered(b)
        launch_each("affine", self.follows, y.dtype, y.size, y, b, y.size, b.size)
        self.cache = x.shape, rows, y
        return y

    def backward(self, dout: Any) -> Any:
        shape, rows, y = self.cache
        layer = self.layer
        dout, layer.db = self.before(*ordered(dout), y)
        layer.dW = rows.T @ dout
        return (dout @ layer.W.T).reshape(shape) if self.needs_dx else None

    def before(self, dout: Any, y: Any) -> tuple[Any, Any]:  # noqa: ARG002
        """The derivative of the product, and ``db``."""
        return dout, sum_rows(dout)


@body("cupy", Affine, Relu)
class AffineAndRelu(AffineAndBias):
    """Bias and ReLU are one launch, and so are its derivative and ``db``."""

    follows = "add_bias_relu"

    def before(self, dout: Any, y: Any) -> tuple[Any, Any]:
        rows, width = dout.shape
        dz, db = cupy.empty_like(dout), cupy.empty(width, dout.dtype)
        sizes = (rows, width, TILE)
        launch_tiles("affine", "relu_backward_and_sums", db.dtype, width, max(rows, 1), TILE, dout, y, dz, db, *sizes)
        return dz, db


def add_bias(y: Any, b: Any, around: Any = None) -> None:
    """Add b to each row of y where it lies, and what goes around the map, which is as y."""
    if around is None:
        launch_each("affine", "add_bias", y.dtype, y.size, y, b, y.size, b.size)
    else:
        launch_each("affine", "add_bias_onto", y.dtype, y.size, y, b, around, y.size, b.size)


def sum_rows(dout: Any) -> Any:
    rows, width = dout.shape
    db = cupy.empty(width, dout.dtype)
    launch_tiles("affine", "sum_rows", dout.dtype, width, max(rows, 1), TILE, dout, db, rows, width, TILE)
    return db
