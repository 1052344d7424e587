"""The sum of rows by index, the transpose of looking them up in a table."""

from __future__ import annotations

from xpnet.backend import array_namespace, device_of
from xpnet.backend.halves import in_float32
from xpnet.kernels.dispatch import kernel
from xpnet.typing import Array


@kernel(2)
@in_float32
def scatter_add(g: Array, indices: Array, size: int) -> Array:
    """Return the transpose of taking rows, ``y[k] = Σ g[i]`` over i with ``indices[i] = k``; others add to nothing.

    Equal indices are sorted side by side and summed in a tree, so that sums are as exact as ``sum``. No shape depends
    on values, nothing is read on the host, and no element is multiplied: an inf or NaN stays in its row.

    Shapes: ``g (n, D)``, ``indices (n,)`` integer, ``y (size, D)``.

    >>> scatter_add(np.array([[1.0], [2.0], [3.0]]), np.array([0, 2, 0]), 4)
    array([[4.],
           [0.],
           [2.],
           [0.]])
    """
    xp = array_namespace(g, indices)
    indices, length = wide(indices), indices.shape[0]
    zero = xp.zeros((), dtype=g.dtype, device=device_of(g))
    if length == 0:
        return xp.zeros((size, g.shape[1]), dtype=g.dtype, device=device_of(g))  # type: ignore[no-any-return]
    order = xp.argsort(indices)
    indices = xp.take(indices, order, axis=0)
    total = xp.take(g, order, axis=0)
    step = 1
    while step < length:  # after log n doublings the last of each run holds the sum of all of it
        same = (indices[step:] == indices[:-step])[:, None]
        total = xp.concat([total[:step, :], total[step:, :] + xp.where(same, total[:-step, :], zero)], axis=0)
        step *= 2
    numbers = xp.arange(size, dtype=indices.dtype, device=device_of(indices))
    last = xp.searchsorted(indices, numbers, side="right") - 1
    last = xp.where(last < 0, xp.zeros_like(last), last)
    found = (xp.take(indices, last, axis=0) == numbers)[:, None]
    return xp.where(found, xp.take(total, last, axis=0), zero)  # type: ignore[no-any-return]


def wide(indices: Array) -> Array:
    """Return indices in the library's indexing dtype: those of 8 bits cannot be compared with a larger size."""
    xp, device = array_namespace(indices), device_of(indices)
    dtype = xp.__array_namespace_info__().default_dtypes(device=device)["indexing"]
    return xp.astype(indices, dtype, copy=False)  # type: ignore[no-any-return]
