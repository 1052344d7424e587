"""CUDA bodies of layers that a network runs as one: what follows the product of a layer is one launch."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet import kernels
from xpnet.fast.cupy.launch import THREADS, WIDE, body, launch_each, launch_rows
from xpnet.kernels.cupy.convolution import columns_of, dx_of_rows

KEPT = 64 << 20  # bytes of patches as columns, beyond which the backward makes them anew from the images
PART = 2048  # places of a channel that a block works on


def _fits(groups: int, pool: Any) -> bool:
    return groups == 1 and pool.dilation == (1, 1) and pool.size[0] * pool.size[1] <= 256


def _sizes(N: int, M: int, places: Any, pools: Any, pool: Any) -> tuple[int, ...]:
    return (N, M, *places, *pools, *pool.size, *pool.stride, *pool.pad)


@body(kernels.convolution_relu_pooling)
def convolution_relu_pooling(x: Any, W: Any, b: Any, window: Any, groups: int, pool: Any) -> Any:
    if not _fits(groups, pool):
        return kernels.convolution_relu_pooling.reference(x, W, b, window, groups, pool)
    (N, M), places = (x.shape[0], W.shape[0]), window.places(x.shape)
    pools = pool.places(places)
    columns = columns_of(x, window, places)
    rows = W.reshape(M, -1) @ columns
    y, winner = cupy.empty((N, M, *pools), rows.dtype), cupy.empty((N, M, *pools), "uint8")
    sizes = _sizes(N, M, places, pools, pool)
    launch_each("joint", "rows_to_pools", y.dtype, y.size, rows, b, y, winner, *sizes)
    return y, winner, columns if columns.nbytes <= KEPT else x


@body(kernels.convolution_relu_pooling_backward)
def convolution_relu_pooling_backward(
    dout: Any, x: Any, seen: Any, W: Any, y: Any, winner: Any, window: Any, groups: int, pool: Any, needs_dx: bool
) -> Any:
    if not _fits(groups, pool) or winner.dtype.name != "uint8":
        reference = kernels.convolution_relu_pooling_backward.reference
        return reference(dout, x, seen, W, y, winner, window, groups, pool, needs_dx)
    (N, M), places = dout.shape[:2], window.places(x.shape)
    rows = cupy.empty((M, N * places[0] * places[1]), dout.dtype)
    parts = max(1, -(-rows.shape[1] // PART))
    sums, db = cupy.empty((M, parts), WIDE[rows.dtype.name]), cupy.empty(M, rows.dtype)
    sizes = (parts, PART, *_sizes(N, M, places, dout.shape[2:], pool))
    launch_rows("joint", "pools_to_rows", rows.dtype, sums.size, THREADS, dout, y, winner, rows, sums, *sizes)
    launch_rows("joint", "sum_parts", rows.dtype, M, parts, sums, db, M, parts)
    dx = dx_of_rows(rows, W, x.shape, window) if needs_dx else None
    columns = seen if seen.ndim == 2 else columns_of(x, window, places)
    return dx, (rows @ columns.T).reshape(W.shape), db
