"""Some rows of a table: the sums of gradients for the same row, and the rows of a table replaced by new ones."""

from __future__ import annotations

from xpnet.backend import array_namespace, device_of
from xpnet.backend.halves import in_float32
from xpnet.kernels.dispatch import kernel
from xpnet.kernels.scatter import scatter_add, wide
from xpnet.typing import Array


@kernel(2)
@in_float32
def sum_of_rows(g: Array, indices: Array, size: int) -> tuple[Array, Array]:
    """Return the different indices in order, and the sum of the rows at each, ``y[j] = Σ g[i]`` over i of that index.

    No shape depends on values: there are n indices and rows, and the last ones, which are left over, are ``size`` and
    0, as are those of indices outside the table. A body may leave them out.

    Shapes: ``g (n, D)``, ``indices (n,)`` integer; result ``(n,)`` and ``(n, D)``.

    >>> sum_of_rows(np.array([[1.0], [2.0], [3.0]]), np.array([2, 0, 2]), 4)
    (array([0, 2]), array([[2.],
           [4.]]))
    """
    xp = array_namespace(g, indices)
    indices, n = wide(indices), indices.shape[0]
    outside = xp.full((), size, dtype=indices.dtype, device=device_of(indices))
    indices = xp.where((indices >= 0) & (indices < size), indices, outside)
    if n == 0:
        return indices, g
    order = xp.argsort(indices)
    indices = xp.take(indices, order, axis=0)
    new = xp.astype(indices[1:] != indices[:-1], indices.dtype)
    place = xp.concat([xp.zeros_like(indices[:1]), xp.cumulative_sum(new)])
    sums = scatter_add(xp.take(g, order, axis=0), place, n)
    numbers = xp.arange(n, dtype=place.dtype, device=device_of(place))
    start = xp.searchsorted(place, xp.minimum(numbers, place[-1:]))
    rows = xp.where(numbers <= place[-1:], xp.take(indices, start, axis=0), outside)
    return rows, xp.where((rows < size)[:, None], sums, xp.zeros_like(sums))


@kernel(3)
def put_rows(W: Array, rows: Array, values: Array) -> Array:
    """Return a table with some rows replaced, ``y[rows[j]] = values[j]``; bodies may write into W and return it.

    Shapes: ``W, y (V, D)``, ``rows (n,)`` in order and different, but for V, which is no row; ``values (n, D)``.

    >>> put_rows(np.zeros((3, 1)), np.array([0, 2]), np.array([[5.0], [7.0]]))
    array([[5.],
           [0.],
           [7.]])
    """
    xp = array_namespace(W, rows, values)
    if rows.shape[0] == 0:
        return W
    numbers = xp.arange(W.shape[0], dtype=rows.dtype, device=device_of(rows))
    place = xp.searchsorted(rows, xp.minimum(numbers, rows[-1:]))
    found = (xp.take(rows, place, axis=0) == numbers)[:, None]
    return xp.where(found, xp.take(values, place, axis=0), W)  # type: ignore[no-any-return]
