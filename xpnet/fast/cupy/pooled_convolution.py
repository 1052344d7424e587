"""CUDA body of convolution, ReLU and max pooling as one: one launch does all that follows the product."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet.fast.cupy.convolution import columns_of, filters, images_under, times
from xpnet.fast.cupy.launch import THREADS, WIDE, CudaBody, launch_each, launch_rows, of_one, ordered
from xpnet.fast.cupy.pooling import MOST_CELLS
from xpnet.layers.activation import Relu
from xpnet.layers.bodies import body
from xpnet.layers.convolution import Convolution
from xpnet.layers.pooling import MaxPooling

KEPT = 64 << 20  # bytes of columns, above which backward makes them again from the images
PART = 2048  # places of a channel per block


@body("cupy", Convolution, Relu, MaxPooling)
class PooledRows(CudaBody):
    """Convolution, ReLU and pooling: one launch after the product, and one for the derivatives and parts of ``db``."""

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        convolution, _, pooling = layers
        plain = convolution.groups == 1 and "b" in convolution.parameters
        return plain and len(pooling.window.cells) <= MOST_CELLS

    def forward(self, x: Any) -> Any:
        layer, _, pooling = self.layers
        window = layer.window_on(x.shape)
        places = window.places(x.shape)
        pool = pooling.window_on(places)
        pools = pool.places(places)
        if not self.made_for(*self.layers) or not of_one(x, layer.W, layer.b):
            return NotImplemented
        x, W, b = ordered(x, layer.W, layer.b)
        columns = columns_of(x, window, places)
        (rows,) = ordered(times(filters(W), columns))
        y = cupy.empty((len(x), len(W), *pools), x.dtype)
        winner = cupy.empty(y.shape, "uint8")
        told = sizes(y, places, pool)
        launch_each("pooled_convolution", "rows_to_pools", y.dtype, y.size, rows, b, y, winner, *told)
        self.cache = x, columns if columns.nbytes <= KEPT else None, y, winner, window, places, pool
        return y

    def backward(self, dout: Any) -> Any:
        layer = self.layer
        x, columns, y, winner, window, places, pool = self.cache
        (dout,), M = ordered(dout), len(layer.W)
        rows = cupy.empty((M, len(x) * places[0] * places[1]), dout.dtype)
        parts = max(1, -(-rows.shape[1] // PART))
        sums = cupy.empty((M, parts), WIDE[rows.dtype.name])
        told = (parts, PART, *sizes(y, places, pool))
        file = "pooled_convolution"
        launch_rows(file, "pools_to_rows", rows.dtype, sums.size, THREADS, dout, y, winner, rows, sums, *told)
        if self.trains:
            layer.db = cupy.empty(M, rows.dtype)
            launch_rows(file, "sum_parts", rows.dtype, M, parts, sums, layer.db, M, parts)
            if columns is None:
                columns = columns_of(x, window, places)
            layer.dW = (rows @ columns.T).reshape(layer.W.shape)
        if not self.needs_dx:
            return None
        return images_under(times(filters(layer.W).swapaxes(1, 2), rows), x.shape, window, places)


def sizes(y: Any, places: Any, pool: Any) -> tuple[int, ...]:
    """Return the sizes that the kernels take for the pools y and the places that they see."""
    N, M, *pools = y.shape
    return (N, M, *places, *pools, *pool.size, *pool.stride, *[before for before, _ in pool.pad])
