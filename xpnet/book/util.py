"""The book's utilities: patches of images, smooth curves, shuffled data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, backend_of, to_numpy
from xpnet.kernels.windows import sum_of_cells, under_cells
from xpnet.layers.windows import check_fits, window_of
from xpnet.random import Floats
from xpnet.typing import Array

__all__ = ["col2im", "conv_output_size", "im2col", "np", "shuffle_dataset", "smooth_curve"]

SPREAD = 10  # how far a value of a smooth curve looks to either side


def smooth_curve(x: Sequence[Any]) -> Floats:
    """Smooth values for a plot: a weighted mean over eleven of them, with Kaiser's window and β = 2.

    Shapes: ``x (n,)`` numbers or arrays of one; result ``(n,)``, on the host.

    >>> smooth_curve([0.0] * 10 + [1.0] * 10)[5:15]
    array([0.0524, 0.1255, 0.2173, 0.324 , 0.4402, 0.5598, 0.676 , 0.7827,
           0.8745, 0.9476])
    """
    values = np.asarray([float(value) for value in (to_numpy(item) for item in x)])
    bordered = np.pad(np.pad(values, (SPREAD, 0), mode="reflect"), (0, SPREAD), mode="symmetric")
    window = np.kaiser(SPREAD + 1, 2.0)
    smooth: Floats = np.convolve(window / window.sum(), bordered, mode="valid")
    return smooth[SPREAD // 2 : len(smooth) - SPREAD // 2]


def shuffle_dataset(x: Array, t: Array) -> tuple[Array, Array]:
    """Return the rows of data and targets in one random order, drawn by ``numpy.random.permutation``.

    >>> np.random.seed(0)
    >>> shuffle_dataset(np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 2]))
    (array([[2.],
           [1.],
           [0.]]), array([2, 1, 0]))
    """
    order = backend_of(x).asarray(np.random.permutation(x.shape[0]))
    return array_namespace(x).take(x, order, axis=0), array_namespace(t).take(t, order, axis=0)


def conv_output_size(input_size: int, filter_size: int, stride: int = 1, pad: int = 0) -> float:
    """Return the size of a convolution's output, ``(H + 2p - FH) / s + 1``, a fraction if the filter does not fit.

    >>> conv_output_size(28, 5, stride=1, pad=0), conv_output_size(5, 2, stride=2)
    (24.0, 2.5)
    """
    return (input_size + 2 * pad - filter_size) / stride + 1


def im2col(input_data: Array, filter_h: int, filter_w: int, stride: int = 1, pad: int = 0) -> Array:
    """Return the patches under a filter at all its positions, one in each row.

    Shapes: ``input_data (N, C, H, W)``, result ``(N OH OW, C filter_h filter_w)``.
    Raises: ``ArgumentError`` for wrong sizes; ``ShapeError`` for images smaller than the filter.
    Source: Deep Learning from Scratch, section 7.4.2.

    >>> im2col(np.arange(6.0).reshape(1, 1, 2, 3), 2, 2)
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.]])
    """
    window = window_of("im2col", (filter_h, filter_w), stride, pad)
    check_fits("im2col", window, input_data.shape)
    xp, N, places = array_namespace(input_data), input_data.shape[0], window.places(input_data.shape)
    cells = xp.stack(under_cells(input_data, window, places), axis=2)  # (N, C, cell, OH, OW)
    col: Array = xp.reshape(xp.permute_dims(cells, (0, 3, 4, 1, 2)), (N * places[0] * places[1], -1))
    return col


def col2im(
    col: Array, input_shape: tuple[int, int, int, int], filter_h: int, filter_w: int, stride: int = 1, pad: int = 0
) -> Array:
    """Return the transpose of ``im2col``: each value of a patch is added at its origin.

    Shapes: ``col (N OH OW, C filter_h filter_w)``, result ``input_shape = (N, C, H, W)``.
    Raises: as ``im2col``.
    Source: Deep Learning from Scratch, section 7.4.3.

    >>> col2im(np.ones((2, 4)), (1, 1, 2, 3), 2, 2)  # the middle was in both patches
    array([[[[1., 2., 1.],
             [1., 2., 1.]]]])
    """
    window = window_of("col2im", (filter_h, filter_w), stride, pad)
    check_fits("col2im", window, input_shape)
    xp, (N, C, H, W), (OH, OW) = array_namespace(col), input_shape, window.places(input_shape)
    cells = xp.permute_dims(xp.reshape(col, (N, OH, OW, C, filter_h * filter_w)), (0, 3, 4, 1, 2))
    return sum_of_cells([cells[:, :, k, :, :] for k in range(filter_h * filter_w)], window, (H, W))
