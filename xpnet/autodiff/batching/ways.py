"""Batching rules: the computation of a function for a whole batch, whose axis comes first.

A way is ``way(call, args, ndims, keywords)``: ``call`` is the function on arrays one level down, where a batch has one
more axis; ``ndims`` has the number of axes of the rows for each argument that is a batch, and None for the others. It
returns the results with the axis of the batch first.

- ``aligned``: element-wise functions, whose operands broadcast;
- ``along`` and ``reducing``: functions with an axis, which is shifted by one;
- ``leading``: functions of the last axes, which take any number of axes in front;
- ``as_written``: functions made of others, which are called unchanged;
- further ways, each for a single function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from xpnet.autodiff.batching.batch import BatchError, rows_of
from xpnet.backend import array_namespace
from xpnet.errors import ShapeError

Call = Callable[..., Any]
Ndims = Sequence[int | None]
Way = Callable[[Call, list[Any], Ndims, dict[str, Any]], Any]


def refused(who: str, got: str) -> BatchError:
    """Return the error for a function or an option without a batching rule."""
    return BatchError(who, "it must be computable for a whole batch at once", got, "write vmap(f, …, loop=True)")


def as_written(*_: Any) -> Any:
    """Mark a function that is made of other functions: it is called with the batch itself."""
    raise NotImplementedError


def of_dtypes(*_: Any) -> Any:
    """Mark a function whose result is not an array: it is called with the array that a batch wraps."""
    raise NotImplementedError


def aligned(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute an element-wise function: rows get axes in front until all operands have the same number of axes."""
    shown = [ndim_of(x) if ndim is None else ndim for x, ndim in zip(args, ndims, strict=True)]
    most = max(shown)
    return call(*[x if n is None else rows_of(x, n, most) for x, n in zip(args, ndims, strict=True)], **keywords)


def ndim_of(x: Any) -> int:
    """Return the number of axes of an array, and 0 for anything else."""
    return len(x.shape) if hasattr(x, "dtype") and not isinstance(x, type) else 0


def leading(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute a function of one array that takes any number of axes in front."""
    alone(ndims)
    return call(*args, **keywords)


def alone(ndims: Ndims) -> int:
    """Return the number of axes of the first operand, which must be the only batch."""
    ndim, *rest = ndims
    if ndim is None or any(n is not None for n in rest):
        raise refused("vmap", "a batch as an option of a function")
    return ndim


def moved(axis: Any, ndim: int) -> Any:
    """Return an axis, or several, of rows with ``ndim`` axes as axes of the batch.

    Raises: ``ShapeError`` for an axis that a row does not have: it might name the batch axis.
    """
    if isinstance(axis, tuple | list):
        return tuple(moved(one, ndim) for one in axis)
    if not -ndim <= axis < ndim:
        raise ShapeError("vmap", f"an axis must be one of the {ndim} of a row", axis, "do not count the batch axis")
    return axis % ndim + 1


def along(default: Any, name: str = "axis", flat: bool = False, back: bool = False) -> Way:
    """Return the way of a function with an axis; None means all axes or, if ``flat``, the flattened array.

    If ``back``, the result of the flattened array is reshaped to the rows.
    """

    def way(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
        ndim, (x, *rest), axis = alone(ndims), args, keywords.get(name, default)
        xp, shape = array_namespace(x), tuple(x.shape)
        if axis is not None:
            return call(x, *rest, **{**keywords, name: moved(axis, ndim)})
        if ndim == 0 or flat:
            y = call(xp.reshape(x, (shape[0], prod(shape[1:]))), *rest, **{**keywords, name: 1})
            wanted = shape if back else (shape[0],) if ndim == 0 else None
            return y if wanted is None else xp.reshape(y, wanted)
        return call(x, *rest, **{**keywords, name: tuple(range(1, ndim + 1))})

    return way


reducing = along(None)


def searching(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``argmax`` or ``argmin``, whose axis None means the index into the flattened array."""
    y = along(None, flat=True)(call, args, ndims, keywords)
    n, ndim = args[0].shape[0], alone(ndims)
    whole = keywords.get("axis") is None and keywords.get("keepdims")
    return array_namespace(y).reshape(y, (n, *(1,) * ndim)) if whole else y


def reshaped(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    alone(ndims)
    x, shape = args
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if -1 in shape:
        known = prod(size for size in shape if size != -1)
        rows = prod(x.shape[1:])
        shape = tuple(rows // max(known, 1) if size == -1 else size for size in shape)
    return call(x, (x.shape[0], *shape), **keywords)


def repeated_to(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``broadcast_to``."""
    (x, shape), ndim = args, alone(ndims)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return call(rows_of(x, ndim, len(shape)), (x.shape[0], *shape), **keywords)


def permuted(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    (x, axes), ndim = args, alone(ndims)
    return call(x, (0, *(axis % ndim + 1 for axis in axes)), **keywords)


def by_axes(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``moveaxis`` or ``squeeze``, whose axes may be positional arguments."""
    (x, *axes), ndim = args, alone(ndims)
    named = {name: moved(axis, ndim) for name, axis in keywords.items()}
    return call(x, *(moved(axis, ndim) for axis in axes), **named)


def expanded(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``expand_dims``, whose axis is an axis of the result."""
    return call(*args, axis=moved(keywords.get("axis", 0), alone(ndims) + 1))


def tiled(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    (x, times), ndim = args, alone(ndims)
    times = (1,) * (ndim - len(times)) + tuple(times)
    return call(rows_of(x, ndim, len(times)), (1, *times), **keywords)


def joined(default: int, flattens: bool) -> Way:
    """Return the way of ``concat`` and ``stack``, whose operands are all arrays."""

    def way(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
        n, most = next((x.shape[0], ndim) for x, ndim in zip(args, ndims, strict=True) if ndim is not None)
        axis = keywords.get("axis", default)
        xp = array_namespace(*args)
        whole = [xp.broadcast_to(x, (n, *x.shape)) if ndim is None else x for x, ndim in zip(args, ndims, strict=True)]
        if axis is None and flattens:
            whole, axis = [xp.reshape(x, (n, prod(x.shape[1:]))) for x in whole], 0
        return call(*whole, **{**keywords, "axis": moved(axis, most + (not flattens))})

    return way


def taken(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``take``, from a batch or with a batch of indices."""
    (x, indices), (ndim, picks) = args, ndims
    axis, xp = keywords.get("axis"), array_namespace(*args)
    if picks is None:
        return along(None, flat=True)(call, args, ndims, keywords)
    if ndim is None:
        axis = 0 if axis is None else axis % len(x.shape)
        n, k = indices.shape[0], indices.shape[1:]
        y = call(x, xp.reshape(indices, (n * prod(k),)), axis=axis)
        y = xp.reshape(y, (*x.shape[:axis], n, *k, *x.shape[axis + 1 :]))
        return xp.moveaxis(y, axis, 0)
    axis = 0 if axis is None else axis % ndim
    lines = xp.moveaxis(x, axis + 1, 1)
    chosen = xp.reshape(indices, (*indices.shape, *(1,) * (len(lines.shape) - len(indices.shape))))
    chosen = xp.broadcast_to(chosen, (*indices.shape, *lines.shape[2:]))
    return xp.moveaxis(xp.take_along_axis(lines, chosen, axis=1), 1, axis + 1)


def taken_along(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``take_along_axis``."""
    whole = [x[None, ...] if ndim is None else x for x, ndim in zip(args, ndims, strict=True)]
    if ndims[0] is None or ndims[1] is None:
        n = max(x.shape[0] for x in whole)
        whole = [array_namespace(x).broadcast_to(x, (n, *x.shape[1:])) for x in whole]
    return call(*whole, **{**keywords, "axis": moved(keywords.get("axis", -1), len(whole[0].shape) - 1)})


def multiplied(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``matmul``, as a single product of matrices if the batch can become rows or columns of one matrix."""
    (a, b), (m, n) = args, ndims
    xp = array_namespace(a, b)
    rows_a, rows_b = len(a.shape) if m is None else m, len(b.shape) if n is None else n
    if n is None and rows_b == 2:  # rows of a batch of vectors or matrices are rows of one matrix
        if m == 1:
            return call(a, b, **keywords)
        y = call(xp.reshape(a, (prod(a.shape[:-1]), a.shape[-1])), b, **keywords)
        return xp.reshape(y, (*a.shape[:-1], b.shape[-1]))
    if m is None and rows_a == 2 and rows_b == 1:
        return call(b, xp.matrix_transpose(a), **keywords)
    a = a[..., None, :] if rows_a == 1 else a
    b = b[..., None] if rows_b == 1 else b
    most = max(rows_a, rows_b, 2)
    a, b = (x if k is None else rows_of(x, max(k, 2), most) for x, k in ((a, m), (b, n)))
    y = call(a, b, **keywords)
    y = y[..., 0] if rows_b == 1 else y
    return y if rows_a != 1 else y[..., 0] if rows_b == 1 else y[..., 0, :]


def solved(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``solve``; a single matrix is factorised once for all right-hand sides."""
    (a, b), (m, n) = args, ndims
    xp = array_namespace(a, b)
    rows_b = len(b.shape) if n is None else n
    if m is None and len(a.shape) == 2 and rows_b <= 2:
        if rows_b == 1:
            return xp.matrix_transpose(call(a, xp.matrix_transpose(b), **keywords))
        columns = xp.reshape(xp.moveaxis(b, 0, 1), (b.shape[1], b.shape[0] * b.shape[2]))
        return xp.moveaxis(xp.reshape(call(a, columns, **keywords), (b.shape[1], b.shape[0], b.shape[2])), 1, 0)
    vector = rows_b == 1
    b = b[..., None] if vector else b
    rows = [len(x.shape) if k is None else k + (vector and at) for at, (x, k) in enumerate(((a, m), (b, n)))]
    a, b = (x if k is None else rows_of(x, r, max(rows)) for x, k, r in ((a, m, rows[0]), (b, n, rows[1])))
    x = call(a, b, **keywords)
    return x[..., 0] if vector else x


def counted(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``searchsorted``; in a batch of sorted arrays, count the elements that come before."""
    (line, x), (m, n) = args, ndims
    if m is None:
        return call(line, x, **keywords)
    xp, sorter = array_namespace(line, x), keywords.get("sorter")
    if sorter is not None:
        raise refused("searchsorted", "a sorter")
    ndim = len(x.shape) if n is None else n
    at = xp.reshape(line, (line.shape[0], *(1,) * ndim, line.shape[1]))
    x = x[..., None]
    before = at < x if keywords.get("side", "left") == "left" else at <= x
    before = before | (xp.isnan(x) & ~xp.isnan(at)) if xp.isdtype(x.dtype, "real floating") else before
    default = xp.__array_namespace_info__().default_dtypes()["indexing"]
    return xp.sum(xp.astype(before, default), axis=-1)


def contained(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``isin``."""
    (x, among), (m, n) = args, ndims
    if n is None:
        return call(x, among, **keywords)
    xp = array_namespace(x, among)
    ndim = len(x.shape) if m is None else m
    among = xp.reshape(among, (among.shape[0], *(1,) * ndim, prod(among.shape[1:])))
    found = xp.any(x[..., None] == among, axis=-1)
    return ~found if keywords.get("invert") else found


def by_key(call: Call, args: list[Any], ndims: Ndims, keywords: dict[str, Any]) -> Any:
    """Compute ``x[key]`` for a key of slices and numbers."""
    alone(ndims)
    x, key = args
    return call(x, (slice(None), *(key if type(key) is tuple else (key,))), **keywords)
