"""CUDA bodies of the convolutions: one launch for the patches, one product, and one launch to put channels back."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet.fast.cupy.launch import CudaBody, launch_each, of_one, ordered
from xpnet.kernels.windows import Pair, Window
from xpnet.layers.bodies import body
from xpnet.layers.convolution import Convolution, TransposedConvolution


@body("cupy", Convolution)
class ConvolutionAsOneProduct(CudaBody):
    """A convolution: one launch makes the columns, and another the images from the product, with the bias."""

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        return layers[0].groups == 1  # type: ignore[no-any-return]

    def forward(self, x: Any) -> Any:
        layer = self.layer
        places = layer.places_in(x.shape)
        if not of_one(x, layer.W, layer.b) or layer.groups > 1:
            return NotImplemented
        x, W, b = ordered(x, layer.W, layer.b)
        self.cache = x
        return images_of(filters(W) @ columns_of(x, layer.window, places), b, len(x), places)

    def backward(self, dout: Any) -> Any:
        layer, x, places = self.layer, self.cache, dout.shape[-2:]
        rows = rows_of(dout)
        if self.trains:
            layer.dW = (rows @ columns_of(x, layer.window, places).T).reshape(layer.W.shape)
            layer.db = rows.sum(axis=1)
        return images_under(filters(layer.W).T @ rows, x.shape, layer.window, places) if self.needs_dx else None


@body("cupy", TransposedConvolution)
class TransposedConvolutionAsOneProduct(CudaBody):
    """A transposed convolution: one launch adds the columns up to images, and another makes the columns of dout."""

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        return layers[0].groups == 1  # type: ignore[no-any-return]

    def forward(self, x: Any) -> Any:
        layer = self.layer
        shape = len(x), len(layer.b), *layer.size_of_y(x)
        if not of_one(x, layer.W, layer.b) or layer.groups > 1:
            return NotImplemented
        rows = rows_of(x)
        y = images_under(filters(layer.W).T @ rows, shape, layer.window, x.shape[-2:])
        y += layer.b[:, None, None]
        self.cache = x.shape, rows
        return y

    def backward(self, dout: Any) -> Any:
        layer, (shape, rows) = self.layer, self.cache
        N, _, *places = shape
        (dout,) = ordered(dout)
        columns = columns_of(dout, layer.window, places)
        if self.trains:
            layer.dW = (rows @ columns.T).reshape(layer.W.shape)
            layer.db = dout.sum(axis=(0, 2, 3))
        return images_of(filters(layer.W) @ columns, None, N, places) if self.needs_dx else None


def filters(W: Any) -> Any:
    """Return the filters, one in each row."""
    return W.reshape(len(W), -1)


def rows_of(dout: Any) -> Any:
    """Return a channel of all images in each row, ``(N, M, OH, OW) -> (M, N OH OW)``."""
    return cupy.ascontiguousarray(dout.transpose(1, 0, 2, 3)).reshape(dout.shape[1], -1)


def columns_of(x: Any, window: Window, places: Pair) -> Any:
    """Return the values that each filter sees at each place, ``(C FH FW, N OH OW)``, for images in C order."""
    N, C, *_ = x.shape
    FH, FW = window.size
    columns = cupy.empty((C * FH * FW, N * places[0] * places[1]), x.dtype)
    launch_each("windows", "im2col", x.dtype, columns.size, x, columns, *sizes(x.shape, places, window))
    return columns


def images_under(columns: Any, shape: tuple[int, ...], window: Window, places: Pair) -> Any:
    """Return the transpose of ``columns_of``: the images of a shape to which the columns add up."""
    x, (columns,) = cupy.empty(shape, columns.dtype), ordered(columns)
    launch_each("windows", "col2im", x.dtype, x.size, columns, x, *sizes(shape, places, window))
    return x


def images_of(rows: Any, b: Any, N: int, places: Pair) -> Any:
    """Return N images from rows that hold one channel each, plus a bias unless it is None."""
    y, (rows,) = cupy.empty((N, len(rows), *places), rows.dtype), ordered(rows)
    launch_each(
        "windows",
        "rows_to_images",
        y.dtype,
        y.size,
        rows,
        0 if b is None else b,
        y,
        N,
        len(rows),
        places[0] * places[1],
    )
    return y


def sizes(shape: tuple[int, ...], places: Pair, window: Window) -> tuple[int, ...]:
    """Return the sizes that the kernels take for images and the window that slides over them."""
    return (*shape, *places, *window.size, *window.stride, *window.pad, *window.dilation)
