"""Reference kernels of tables whose rows are looked up by number."""

from __future__ import annotations

from math import prod
from typing import Any

from xpnet.backend import array_namespace, device_of
from xpnet.kernels.dispatch import kernel
from xpnet.typing import Array

ROWS = 256  # rows of y beyond which sorting is cheaper than a one-hot product
SUMMED = 2**13  # rows of g beyond which sums in a product are less exact than in a tree


@kernel
def embedding(W: Array, x: Array) -> Array:
    """Rows of a table, ``y[...] = W[x[...]]``; NaN for an index outside 0 … V - 1, which a GPU would read elsewhere.

    Shapes: ``W (V, D)``, ``x (...)`` integer, ``y (..., D)``.
    """
    xp = array_namespace(W, x)
    V, D = W.shape
    flat = wide(xp.reshape(x, (prod(x.shape),)))
    known = (flat >= 0) & (flat < V)
    rows = xp.take(W, xp.where(known, flat, xp.zeros_like(flat)), axis=0)
    nan = xp.full((), float("nan"), dtype=W.dtype, device=device_of(W))
    return xp.reshape(xp.where(known[:, None], rows, nan), (*x.shape, D))  # type: ignore[no-any-return]


@kernel
def embedding_with_positions(W: Array, x: Array, positions: Array) -> Array:
    """``embedding`` of sequences plus a vector for each place, ``y[n, t] = W[x[n, t]] + P[t]``.

    Shapes: ``W (V, D)``, ``x (N, L)`` integer, ``P (T, D)`` with L ≤ T, ``y (N, L, D)``.
    """
    y: Array = embedding(W, x) + positions[: x.shape[1], :]
    return y


@kernel
def scatter_add(g: Array, indices: Array, size: int) -> Array:
    """The transpose of taking rows, ``y[k] = Σ g[i]`` over i with ``indices[i] = k``.

    Few rows by a one-hot product; many by sorting and summing runs in a tree, so that sums are as exact as ``sum``.
    No shape depends on values, and nothing is read on the host.

    Shapes: ``g (n, D)``, ``indices (n,)`` integer, ``y (size, D)``.
    """
    xp = array_namespace(g, indices)
    indices = wide(indices)
    numbers = xp.arange(size, dtype=indices.dtype, device=device_of(indices))
    if indices.shape[0] == 0 or (size <= ROWS and indices.shape[0] <= SUMMED):
        y: Array = xp.astype(numbers[:, None] == indices[None, :], g.dtype) @ g
        return y
    return _sum_of_runs(xp, g, indices, numbers)


def wide(indices: Array) -> Array:
    """Indices in the dtype that the library indexes with: those of 8 bits cannot be compared with a larger size."""
    xp, device = array_namespace(indices), device_of(indices)
    dtype = xp.__array_namespace_info__().default_dtypes(device=device)["indexing"]
    return xp.astype(indices, dtype, copy=False)  # type: ignore[no-any-return]


def _sum_of_runs(xp: Any, g: Array, indices: Array, numbers: Array) -> Array:
    """Equal indices side by side; after log n doublings the last of each run holds the sum of all of it."""
    order = xp.argsort(indices)
    indices = xp.take(indices, order, axis=0)
    total = xp.take(g, order, axis=0)
    step, length = 1, indices.shape[0]
    while step < length:
        same = xp.astype(indices[step:] == indices[:-step], total.dtype)[:, None]
        total = xp.concat([total[:step, :], total[step:, :] + same * total[:-step, :]], axis=0)
        step *= 2
    last = xp.searchsorted(indices, numbers, side="right") - 1
    last = xp.where(last < 0, xp.zeros_like(last), last)
    found = xp.astype(xp.take(indices, last, axis=0) == numbers, total.dtype)[:, None]
    y: Array = xp.take(total, last, axis=0) * found
    return y
