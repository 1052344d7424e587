"""Reference kernels of the convolution: patches as columns, one product, and the transposes of both.

``y``, ``dx`` and ``dW`` are each bilinear in the two arrays they are made of, so three kernels serve the convolution
and the transposed convolution, forward and backward.
"""

from __future__ import annotations

from xpnet.backend import array_namespace
from xpnet.backend.halves import narrowed, widened
from xpnet.kernels.dispatch import kernel
from xpnet.kernels.standard.windows import Pair, Window, sum_of_cells, under_cells
from xpnet.typing import Array


@kernel
def convolution(x: Array, W: Array, b: Array | None, window: Window, groups: int) -> Array:
    """Convolution, ``y[n, m, i, j] = Σ W[m, c, k, l] x[n, c, s i + d k - p, s j + d l - p] + b[m]``.

    Shapes: ``x (N, C, H, W)``, ``W (M, C/groups, FH, FW)``, ``b (M,)``, ``y (N, M, OH, OW)``.
    """
    xp = array_namespace(x, W, b)
    places = window.places(x.shape)
    z = rows(W, groups) @ im2col(x, window, places, groups)
    y: Array = xp.permute_dims(xp.reshape(z, (W.shape[0], x.shape[0], *places)), (1, 0, 2, 3))
    return y if b is None else y + xp.reshape(b, (W.shape[0], 1, 1))


@kernel
def convolution_dx(dout: Array, W: Array, size: Pair, window: Window, groups: int) -> Array:
    """The derivative by ``x`` of images of a size, ``dx = col2im(Wᵀ dout)``: what each y received from x goes back.

    Shapes: ``dout (N, M, OH, OW)``, ``W (M, C/groups, FH, FW)``, ``dx (N, C, H, W)``.
    """
    xp = array_namespace(dout, W)
    columns = xp.matrix_transpose(rows(W, groups)) @ images_as_rows(dout, groups)
    return col2im(columns, (dout.shape[0], groups * W.shape[1], *size), window, dout.shape[-2:])


@kernel
def convolution_dw(dout: Array, x: Array, window: Window, groups: int) -> Array:
    """The derivative by ``W``, ``dW = dout im2col(x)ᵀ``.

    Shapes: ``dout (N, M, OH, OW)``, ``x (N, C, H, W)``, ``dW (M, C/groups, FH, FW)``.
    """
    xp = array_namespace(dout, x)
    columns = im2col(x, window, dout.shape[-2:], groups)
    dW = images_as_rows(dout, groups) @ xp.matrix_transpose(columns)
    return xp.reshape(dW, (dout.shape[1], x.shape[1] // groups, *window.size))  # type: ignore[no-any-return]


def im2col(x: Array, window: Window, places: Pair, groups: int = 1) -> Array:
    """The patches of images as columns, a row for each channel and cell of the window.

    Shapes: ``x (N, C, H, W)``, result ``(C FH FW, N OH OW)``; of several groups ``(groups, C/groups FH FW, N OH OW)``.
    """
    xp = array_namespace(x)
    N, C = x.shape[:2]
    FH, FW = window.size
    patches = xp.stack(under_cells(xp.permute_dims(x, (1, 0, 2, 3)), window, places), axis=1)
    shape = (C // groups * FH * FW, N * places[0] * places[1])
    return xp.reshape(patches, shape if groups == 1 else (groups, *shape))  # type: ignore[no-any-return]


def col2im(columns: Array, shape: tuple[int, ...], window: Window, places: Pair) -> Array:
    """The transpose of ``im2col``: every column is added to the patch that it stands for.

    Shapes: ``columns`` as of ``im2col``; result ``shape``, ``(N, C, H, W)``.
    """
    xp = array_namespace(columns)
    N, C, H, W = shape
    FH, FW = window.size
    patches = xp.reshape(widened(columns), (C, FH * FW, N, *places))
    x = narrowed(sum_of_cells([patches[:, k, ...] for k in range(FH * FW)], window, (H, W)), columns)
    return xp.permute_dims(x, (1, 0, 2, 3))  # type: ignore[no-any-return]


def rows(W: Array, groups: int) -> Array:
    """A filter in each row, ``(M, C/groups FH FW)``; of several groups ``(groups, M/groups, C/groups FH FW)``."""
    M, C, FH, FW = W.shape
    shape = (M, C * FH * FW) if groups == 1 else (groups, M // groups, C * FH * FW)
    return array_namespace(W).reshape(W, shape)  # type: ignore[no-any-return]


def images_as_rows(dout: Array, groups: int) -> Array:
    """A channel of all images in each row, ``(M, N OH OW)``; of several groups ``(groups, M/groups, N OH OW)``."""
    xp = array_namespace(dout)
    N, M, OH, OW = dout.shape
    shape = (M, N * OH * OW) if groups == 1 else (groups, M // groups, N * OH * OW)
    return xp.reshape(xp.permute_dims(dout, (1, 0, 2, 3)), shape)  # type: ignore[no-any-return]
