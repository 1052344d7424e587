"""CUDA bodies of tables whose rows are looked up by number: one launch each, and the same bits in every run."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet import kernels
from xpnet.fast.cupy.launch import body, integers, launch_each, launch_rows

MOST_LOOKS = 2**30  # at an index, beyond which sorting them is cheaper, although CuPy's sort may stall


@body(kernels.embedding)
def embedding(W: Any, x: Any) -> Any:
    (V, D), n = W.shape, x.size
    y = cupy.empty((*x.shape, D), W.dtype)
    launch_each("embedding", "embedding", W.dtype, y.size, W, *integers(x), 0, y, n, V, D, 1)
    return y


@body(kernels.embedding_with_positions)
def embedding_with_positions(W: Any, x: Any, positions: Any) -> Any:
    (V, D), (_, L) = W.shape, x.shape
    y = cupy.empty((*x.shape, D), W.dtype)
    launch_each("embedding", "embedding", W.dtype, y.size, W, *integers(x), positions, y, x.size, V, D, L)
    return y


@body(kernels.scatter_add)
def scatter_add(g: Any, indices: Any, size: int) -> Any:
    n, D = g.shape
    tiles = -(-D // 256)
    if size * tiles * n > MOST_LOOKS:
        return kernels.scatter_add.reference(g, indices, size)
    y = cupy.empty((size, D), g.dtype)
    arrays = (g, *integers(indices), y)
    launch_rows("embedding", "scatter_add", g.dtype, size * tiles, 256, *arrays, n, size, D)
    return y
