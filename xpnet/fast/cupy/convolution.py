"""CUDA bodies of the convolutions: one launch for the patches, one product, and one launch to put channels back."""

from __future__ import annotations

from math import prod
from typing import Any

import cupy

from xpnet.fast.cupy.launch import CudaBody, launch_each, of_one, ordered
from xpnet.kernels.windows import Sizes, Window
from xpnet.layers.bodies import body
from xpnet.layers.convolution import Convolution, Convolution1D, Convolution3D
from xpnet.layers.transposed_convolution import (
    TransposedConvolution,
    TransposedConvolution1D,
    TransposedConvolution3D,
)


@body("cupy", Convolution)
@body("cupy", Convolution1D)
@body("cupy", Convolution3D)
class ConvolutionAsOneProduct(CudaBody):
    """A convolution: one launch makes the columns, and another the images from the product, with the bias."""

    def forward(self, x: Any) -> Any:
        layer = self.layer
        window = layer.window_on(x.shape)
        places = window.places(x.shape)
        if not of_one(x, *layer.parameter_arrays().values()):
            return NotImplemented
        x, W = ordered(x, layer.W)
        (b,) = ordered(layer.b) if "b" in layer.parameters else (None,)
        self.cache = x, window
        return images_of(times(filters(W, layer.groups), columns_of(x, window, places)), b, len(x), places)

    def backward(self, dout: Any) -> Any:
        layer, (x, window), places = self.layer, self.cache, dout.shape[2:]
        rows = rows_of(dout)
        if self.trains:
            columns = columns_of(x, window, places)
            layer.dW = times_transposed(rows, columns, layer.groups).reshape(layer.W.shape)
            layer.db = rows.sum(axis=1)
        if not self.needs_dx:
            return None
        return images_under(times(filters(layer.W, layer.groups).swapaxes(1, 2), rows), x.shape, window, places)


@body("cupy", TransposedConvolution)
@body("cupy", TransposedConvolution1D)
@body("cupy", TransposedConvolution3D)
class TransposedConvolutionAsOneProduct(CudaBody):
    """A transposed convolution: one launch adds the columns up to images, and another makes the columns of dout."""

    def forward(self, x: Any) -> Any:
        layer = self.layer
        shape = len(x), layer.filters_of_y, *layer.size_of_y(x)
        if not of_one(x, *layer.parameter_arrays().values()):
            return NotImplemented
        rows, window = rows_of(x), layer.window_on(shape)
        y = images_under(times(filters(layer.W, layer.groups).swapaxes(1, 2), rows), shape, window, x.shape[2:])
        if "b" in layer.parameters:
            y += layer.b.reshape(-1, *(1,) * layer.axes)
        self.cache = x.shape, rows, window
        return y

    def backward(self, dout: Any) -> Any:
        layer, (shape, rows, window) = self.layer, self.cache
        N, _, *places = shape
        (dout,) = ordered(dout)
        columns = columns_of(dout, window, tuple(places))
        if self.trains:
            layer.dW = times_transposed(rows, columns, layer.groups).reshape(layer.W.shape)
            layer.db = dout.sum(axis=(0, *range(2, dout.ndim)))
        if not self.needs_dx:
            return None
        return images_of(times(filters(layer.W, layer.groups), columns), None, N, tuple(places))


def filters(W: Any, groups: int = 1) -> Any:
    """Return the filters of each group, one in each row, ``(G, M/G, C/G FH FW)``."""
    return W.reshape(groups, len(W) // groups, prod(W.shape[1:]))


def times(filters: Any, rows: Any) -> Any:
    """Return the product of the filters of each group with its rows, ``(G, a, b)`` with ``(G b, n)``: ``(G a, n)``."""
    groups, a, b = filters.shape
    if groups == 1:
        return filters[0] @ rows
    return (filters @ rows.reshape(groups, b, rows.shape[1])).reshape(groups * a, rows.shape[1])


def times_transposed(rows: Any, columns: Any, groups: int) -> Any:
    """Return ``rows columnsᵀ`` for each group."""
    if groups == 1:
        return rows @ columns.T
    one, other = (array.reshape(groups, len(array) // groups, array.shape[1]) for array in (rows, columns))
    return one @ other.swapaxes(1, 2)


def rows_of(dout: Any) -> Any:
    """Return a channel of all images in each row, ``(N, M, OH, OW) -> (M, N OH OW)``."""
    return cupy.ascontiguousarray(dout.swapaxes(0, 1)).reshape(dout.shape[1], len(dout) * prod(dout.shape[2:]))


def columns_of(x: Any, window: Window, places: Sizes) -> Any:
    """Return the values that each filter sees at each place, ``(C FH FW, N OH OW)``, for images in C order."""
    columns = cupy.empty((x.shape[1] * prod(window.size), len(x) * prod(places)), x.dtype)
    launch_each("windows", "im2col", x.dtype, columns.size, x, columns, *sizes(x.shape, places, window))
    return columns


def images_under(columns: Any, shape: tuple[int, ...], window: Window, places: Sizes) -> Any:
    """Return the transpose of ``columns_of``: the images of a shape to which the columns add up."""
    x, (columns,) = cupy.empty(shape, columns.dtype), ordered(columns)
    launch_each("windows", "col2im", x.dtype, x.size, columns, x, *sizes(shape, places, window))
    return x


def images_of(rows: Any, b: Any, N: int, places: Sizes) -> Any:
    """Return N images from rows that hold one channel each, plus a bias unless it is None."""
    y, (rows,) = cupy.empty((N, len(rows), *places), rows.dtype), ordered(rows)
    told = N, len(rows), prod(places)
    launch_each("windows", "rows_to_images", y.dtype, y.size, rows, 0 if b is None else b, y, *told)
    return y


def sizes(shape: tuple[int, ...], places: Sizes, window: Window) -> tuple[int, ...]:
    """Return the sizes that the kernels take for images and the window that slides over them."""
    before = tuple([before for before, _ in window.pad])
    own = (places, 1), (window.size, 1), (window.stride, 1), (before, 0), (window.dilation, 1)
    return (*shape[:2], *of_three(shape[2:], 1), *[size for each, one in own for size in of_three(each, one)])


def of_three(each: Sizes, one: int) -> Sizes:
    """Return the sizes of three axes: those that images lack come first."""
    return (one,) * (3 - len(each)) + tuple(each)
