"""CUDA bodies of the affine map: cuBLAS computes the product, and one launch does the rest."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet.fast.cupy.launch import TILE, CudaBody, launch_each, launch_tiles, of_one, ordered, upstream
from xpnet.fast.rows import OverAllRows
from xpnet.layers.activation import Gelu, Relu
from xpnet.layers.affine import Affine
from xpnet.layers.bodies import body
from xpnet.layers.linear import Linear


@body("cupy", Affine)
class AffineAndBias(CudaBody):
    """An Affine that adds ``b`` to the product in place."""

    follows = "add_bias"

    def forward(self, x: Any) -> Any:
        W, b = self.layer.W, self.layer.b
        if "b" not in self.layer.parameters or not of_one(x, W, b):
            return NotImplemented
        rows = x if x.ndim == 2 else x.reshape(len(x), -1)
        z, (b,) = rows @ W, ordered(b)
        y = self.finish(z, b)
        self.cache = x.shape, rows, z, b
        return y

    def finish(self, z: Any, b: Any) -> Any:
        """Turn the product into y, in place."""
        launch_each("affine", self.follows, z.dtype, z.size, z, b, z.size, b.size)
        return z

    def backward(self, dout: Any) -> Any:
        shape, rows, z, b = self.cache
        layer = self.layer
        dout, db = self.before(upstream(dout, z), z, b)
        if self.trains:
            layer.dW, layer.db = rows.T @ dout, db
        return (dout @ layer.W.T).reshape(shape) if self.needs_dx else None

    def before(self, dout: Any, z: Any, b: Any) -> tuple[Any, Any]:  # noqa: ARG002
        """Return the derivative of the product, and ``db`` if it is trained or comes from the same launch."""
        return dout, sum_rows(dout) if self.trains else None


@body("cupy", Linear)
class LinearAndBias(OverAllRows, AffineAndBias):
    """A Linear that adds ``b`` to the product in place, together with the shortcut around the layer."""

    def finish(self, z: Any, b: Any) -> Any:
        add_bias(z, b, self.taken_around((*self.shape[:-1], b.size), z.dtype))
        return z


@body("cupy", Affine, Relu)
class AffineAndRelu(AffineAndBias):
    """An Affine and a ReLU: bias and ReLU are one launch, and so are their derivative and ``db``."""

    follows = "add_bias_relu"

    def before(self, dout: Any, z: Any, b: Any) -> tuple[Any, Any]:  # noqa: ARG002
        rows, width = dout.shape
        dz, db = cupy.empty_like(dout), cupy.empty(width, dout.dtype)
        sizes = (rows, width, TILE)
        launch_tiles("affine", "relu_backward_and_sums", db.dtype, width, max(rows, 1), TILE, dout, z, dz, db, *sizes)
        return dz, db


@body("cupy", Linear, Gelu)
class LinearAndGelu(OverAllRows, AffineAndBias):
    """A Linear and a GELU: bias and GELU are one launch over the product, and their derivative and ``db`` another."""

    def finish(self, z: Any, b: Any) -> Any:
        y = cupy.empty_like(z)
        launch_each("affine", "add_bias_gelu", z.dtype, z.size, z, b, y, z.size, b.size, self.by_tanh())
        return y

    def before(self, dout: Any, z: Any, b: Any) -> tuple[Any, Any]:
        rows, width = dout.shape
        dz, db = cupy.empty_like(dout), cupy.empty(width, dout.dtype)
        arguments = (dout, z, b, dz, db, rows, width, TILE, self.by_tanh())
        launch_tiles("affine", "gelu_backward_and_sums", db.dtype, width, max(rows, 1), TILE, *arguments)
        return dz, db

    def by_tanh(self) -> int:
        return int(self.layers[1].approximate == "tanh")


def add_bias(y: Any, b: Any, around: Any = None) -> None:
    """Add b to each row of y in place, and the shortcut around the map, an array like y."""
    if around is None:
        launch_each("affine", "add_bias", y.dtype, y.size, y, b, y.size, b.size)
    else:
        launch_each("affine", "add_bias_onto", y.dtype, y.size, y, b, around, y.size, b.size)


def sum_rows(dout: Any) -> Any:
    rows, width = dout.shape
    db = cupy.empty(width, dout.dtype)
    launch_tiles("affine", "sum_rows", dout.dtype, width, max(rows, 1), TILE, dout, db, rows, width, TILE)
    return db
