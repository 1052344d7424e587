# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of indexing, taking and sorting, and scatter-add, which is their transpose.

Sorting passes each gradient to the element that was moved to that position; equal elements keep the order that
the library gave them. Keys with arrays are in ``keys``.
"""

from __future__ import annotations

import operator
from math import prod
from typing import Any

from xpnet import kernels
from xpnet.autodiff.batching.batch import rows_of
from xpnet.autodiff.batching.ways import along, as_written, by_key, moved, taken, taken_along
from xpnet.autodiff.forward import formula, jointly, linear
from xpnet.autodiff.rules.elementwise import keep_where, recorded
from xpnet.autodiff.table import Rule, base, rule
from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.backend.numbers import NUMBERS
from xpnet.errors import DtypeError, ShapeError
from xpnet.kernels.scatter import wide


def place(g: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Return zeros of that shape with ``g`` at the key."""
    xp = array_namespace(g)
    y = xp.zeros(shape, dtype=g.dtype, device=device_of(g))
    keys = [item for item in (key if type(key) is tuple else (key,)) if item is not None]
    key = tuple(keys)
    try:
        y[key] = xp.reshape(g, tuple(y[key].shape))
    except TypeError:  # a library of immutable arrays
        return _place_by_take(xp, g, keys, shape)
    return y


def _place_by_take(xp: Any, g: Any, keys: list[Any], shape: tuple[int, ...]) -> Any:
    """Return the result of ``place`` by ``take`` alone: each position of an axis takes a row of ``g``, or zeros."""
    named = sum(1 for item in keys if item is not Ellipsis)
    at = next((at for at, item in enumerate(keys) if item is Ellipsis), len(keys))
    keys[at : at + 1] = [slice(None)] * (len(shape) - named)
    chosen = [
        range(n)[item] if isinstance(item, slice) else range(n)[item:][:1] for item, n in zip(keys, shape, strict=True)
    ]
    g = xp.reshape(g, tuple(len(places) for places in chosen))
    for axis, (places, n) in enumerate(zip(chosen, shape, strict=True)):
        if len(places) == n and places == range(n):
            continue
        source = [len(places)] * n
        for position, index in enumerate(places):
            source[index] = position
        zero = xp.zeros((*g.shape[:axis], 1, *g.shape[axis + 1 :]), dtype=g.dtype, device=device_of(g))
        g = xp.take(xp.concat([g, zero], axis=axis), xp.asarray(source, device=device_of(g)), axis=axis)
    return g


def set_item(x: Any, value: Any, key: Any) -> Any:
    """Return a copy of ``x`` with ``value`` at the key.

    Raises: ``DtypeError`` for values that would lose their imaginary part or their fraction.
    """
    xp = array_namespace(x, value)
    check_kind(x, value)
    if hasattr(key, "dtype"):
        return set_masked(x, value, key)
    if type(value) in NUMBERS:
        value = xp.full(tuple(x[key].shape), value, dtype=x.dtype, device=device_of(x))
    else:
        value = xp.broadcast_to(xp.astype(value, x.dtype), tuple(x[key].shape))
    y = xp.asarray(x, copy=True)
    try:
        y[key] = value
    except TypeError:  # a library of immutable arrays
        ones = xp.ones_like(value)
        return xp.where(place(ones, key, tuple(x.shape)) != 0, place(value, key, tuple(x.shape)), x)
    return y


KINDS = {bool: 0, int: 1, float: 2, complex: 3, "bool": 0, "integer": 1, "real": 2, "complex": 3}


def check_kind(x: Any, value: Any) -> None:
    given, held = (KINDS[type(v) if type(v) in NUMBERS else dtype_kind(v)] for v in (value, x))
    if given > max(held, 1):
        must, remedy = (
            f"a value assigned to {x.dtype} must be of the same kind",
            "give it another dtype with xp.astype(x, …)",
        )
        raise DtypeError("Variable", must, getattr(value, "dtype", value), remedy)


def set_masked(x: Any, value: Any, mask: Any) -> Any:
    """Return a copy of ``x`` with ``value``, broadcast to ``x[mask]``, where the mask of the leading axes is true."""
    xp = array_namespace(x, value)
    over, rest = align(mask, x)
    value = xp.asarray(value, dtype=x.dtype, device=device_of(x))
    if len(value.shape) <= len(rest):
        return xp.where(over, value, x)
    count = masked(mask, value, rest)
    if count == 0:
        return xp.asarray(x, copy=True)
    rows = xp.broadcast_to(value, (count, *rest))
    at = ranks(mask)
    chosen = xp.take(rows, xp.where(at < 0, xp.zeros_like(at), at), axis=0)
    return xp.where(over, xp.reshape(chosen, tuple(x.shape)), x)


def align(mask: Any, x: Any) -> tuple[Any, tuple[int, ...]]:
    """Return the mask with axes of size 1 for the axes that it does not index, and the sizes of those.

    Raises: ``ShapeError``.
    """
    named = len(mask.shape)
    if tuple(mask.shape) != tuple(x.shape[:named]):
        must = f"a mask must have the shape of the leading axes, {tuple(x.shape[:named])}"
        raise ShapeError("Variable", must, tuple(mask.shape), "use xp.where(mask, v, x), which broadcasts")
    rest = tuple(x.shape[named:])
    return array_namespace(mask).reshape(mask, (*mask.shape, *(1,) * len(rest))), rest


def masked(mask: Any, value: Any, rest: tuple[int, ...]) -> int:
    """Return the number of elements that the mask selects; the value must have a row for each, or one for all.

    Raises: ``ShapeError``.
    """
    xp = array_namespace(mask)
    count = int(base(xp.count_nonzero(mask)))
    if len(value.shape) != len(rest) + 1 or value.shape[0] not in (1, count):
        must = f"a value must broadcast to the masked elements, {(count, *rest)}"
        raise ShapeError("Variable", must, tuple(value.shape), "use xp.where(mask, v, x) for v of the shape of x")
    return count


def ranks(mask: Any) -> Any:
    """Return, for the flattened mask, the rank of each true element among the true ones, and -1 elsewhere."""
    xp = array_namespace(mask)
    flat = xp.reshape(mask, (prod(mask.shape),))
    at = wide(xp.astype(flat, xp.int32))
    return xp.where(flat, xp.cumulative_sum(at) - 1, xp.full_like(at, -1))


def _set_item_x(g: Any, y: Any, x: Any, value: Any, key: Any) -> Any:
    return recorded(SETMASK if hasattr(key, "dtype") else SETITEM, set_item, g, 0.0, key)


def _set_item_value(g: Any, y: Any, x: Any, value: Any, key: Any) -> Any:
    if not hasattr(key, "dtype"):
        return g[key]
    over, rest = align(key, g)
    if len(value.shape) <= len(rest):
        return keep_where(over, g)
    n, count = prod(key.shape), masked(key, value, rest)
    rows = array_namespace(g).reshape(g, (n, *rest))
    return recorded(SCATTER_ADD, scatter_add, rows, ranks(key), 0, count)


def _getitem(g: Any, y: Any, x: Any, key: Any) -> Any:
    return recorded(PLACE, place, g, key, tuple(x.shape))


def _row_key(key: Any) -> tuple[Any, ...]:
    return slice(None), *(key if type(key) is tuple else (key,))


def _place_rows(call: Any, args: list[Any], ndims: Any, keywords: dict[str, Any]) -> Any:
    g, key, shape = args
    return call(g, _row_key(key), (g.shape[0], *shape))


def _set_rows(call: Any, args: list[Any], ndims: Any, keywords: dict[str, Any]) -> Any:
    """Compute ``x[key] = value`` if x or value is a batch; keys with masks use functions that have batching rules."""
    x, value, key = args
    if ndims[0] is None:
        x = array_namespace(x, value).broadcast_to(x, (value.shape[0], *x.shape))
    if ndims[1] is not None:
        value = rows_of(value, ndims[1], len(x[_row_key(key)].shape) - 1)
    return call(x, value, _row_key(key))


def _scatter_rows(call: Any, args: list[Any], ndims: Any, keywords: dict[str, Any]) -> Any:
    """Compute ``scatter_add``; if the indices are a batch, the rows are concatenated."""
    (g, indices, axis, size), (ndim, picks, *_) = args, ndims
    if picks is None:
        return call(g, indices, moved(axis, ndim), size)
    xp, n = array_namespace(g, indices), indices.shape[0]
    if ndim is None:
        g = xp.broadcast_to(g, (n, *g.shape))
    g = xp.moveaxis(g, axis % (len(g.shape) - 1) + 1, 1)
    line = xp.arange(n, dtype=indices.dtype, device=device_of(indices))[:, None]
    at = xp.reshape(keep_index(indices, size, line), (prod(indices.shape),))
    y = call(xp.reshape(g, (n * g.shape[1], *g.shape[2:])), at, 0, n * size)
    return xp.moveaxis(xp.reshape(y, (n, size, *y.shape[1:])), 1, axis % (len(g.shape) - 1) + 1)


GETITEM = Rule("getitem", (_getitem,), fresh=True, view=True, forward=linear(operator.getitem), batch=by_key)
PLACE = Rule("place", (lambda g, y, x, key, shape: g[key],), forward=linear(place), batch=_place_rows)
SETITEM, SETMASK = (
    Rule("setitem", (_set_item_x, _set_item_value), fits=True, assigns=True, forward=jointly(set_item), batch=batch)
    for batch in (_set_rows, as_written)
)


def scatter_add(g: Any, indices: Any, axis: int, size: int) -> Any:
    """Return ``yₖ = Σ gᵢ`` over ``i`` with ``indicesᵢ = k``, along the axis; indices out of range are ignored."""
    xp = array_namespace(g)
    g = xp.moveaxis(g, axis, 0)
    length, *rest = g.shape
    y = kernels.scatter_add(xp.reshape(g, (length, prod(rest))), indices, size)
    return xp.moveaxis(xp.reshape(y, (size, *rest)), 0, axis)


def places(indices: Any, size: int, like: Any) -> Any:
    """Return indices, or a list of numbers, as non-negative indices of a dtype that can hold the size."""
    xp, device = array_namespace(like), device_of(like)
    if not hasattr(indices, "dtype") or not hasattr(indices, "shape"):
        indices = xp.asarray(indices, device=device)
    indices = wide(indices)
    return xp.where(indices < 0, indices + size, indices)


def _take(g: Any, y: Any, x: Any, indices: Any, axis: int | None = None) -> Any:
    xp, shape = array_namespace(g), tuple(x.shape)
    if axis is None:  # NumPy takes from the flattened array
        shape, axis = (prod(shape),), 0
    axis %= len(shape)
    indices = places(indices, shape[axis], x)
    n = prod(indices.shape)
    g = xp.reshape(g, (*shape[:axis], n, *shape[axis + 1 :]))
    d = recorded(SCATTER_ADD, scatter_add, g, xp.reshape(indices, (n,)), axis, shape[axis])
    return xp.reshape(d, tuple(x.shape))


def _scatter_add(g: Any, y: Any, x: Any, indices: Any, axis: int, size: int) -> Any:
    xp = array_namespace(g, indices)
    known = (indices >= 0) & (indices < size)
    d = xp.take(g, xp.where(known, indices, xp.zeros_like(indices)), axis=axis)
    return keep_where(xp.reshape(known, (-1,) + (1,) * (len(d.shape) - 1 - axis % len(d.shape))), d)


SCATTER_ADD = Rule("scatter_add", (_scatter_add,), fresh=True, forward=linear(scatter_add), batch=_scatter_rows)

rule("take", _take, forward=linear(), batch=taken, note="an index taken twice receives both gradients")


def _take_along_axis(g: Any, y: Any, x: Any, indices: Any, axis: int | None = -1) -> Any:
    """Return the gradient by ``scatter_add``, with the lines concatenated along one axis, as for ``take``."""
    xp = array_namespace(g)
    if axis is None:
        return _take(g, y, x, indices)
    size = x.shape[axis]
    g = xp.moveaxis(g, axis, -1)
    lines, n = tuple(g.shape[:-1]), prod(g.shape[:-1])
    at = xp.moveaxis(places(indices, size, x), axis, -1)
    at = xp.reshape(xp.broadcast_to(at, g.shape), (n, g.shape[-1]))
    line = xp.arange(n, dtype=at.dtype, device=device_of(g))[:, None]
    at = xp.reshape(keep_index(at, size, line), (prod(g.shape),))
    d = recorded(SCATTER_ADD, scatter_add, xp.reshape(g, (prod(g.shape),)), at, 0, n * size)
    return xp.moveaxis(xp.reshape(d, (*lines, size)), -1, axis)


def keep_index(at: Any, size: int, line: Any) -> Any:
    """Return indices into each line as indices into the concatenated lines, with -1 for indices out of range."""
    xp = array_namespace(at)
    return xp.where((at >= 0) & (at < size), at + line * size, xp.full_like(at, -1))


rule("take_along_axis", _take_along_axis, fits=True, forward=linear(), batch=taken_along)


def _order(x: Any, axis: int, descending: bool, stable: bool) -> Any:
    xp = array_namespace(x)
    order = xp.argsort(x, axis=axis, stable=stable)
    return xp.flip(order, axis=axis) if descending else order


def _sort(g: Any, y: Any, x: Any, axis: int | None = -1, descending: bool = False, stable: bool = True) -> Any:
    xp, shape = array_namespace(g, x), tuple(x.shape)
    if axis is None:  # NumPy sorts the flattened array
        x, axis = xp.reshape(x, (-1,)), 0
    back = xp.argsort(_order(x, axis, descending, stable), axis=axis)
    return xp.reshape(xp.take_along_axis(g, back, axis=axis), shape)


def _sort_moves(
    moves: Any, y: Any, x: Any, axis: int | None = -1, descending: bool = False, stable: bool = True
) -> Any:
    (move,), xp = moves, array_namespace(*moves, x)
    if axis is None:
        x, move, axis = xp.reshape(x, (-1,)), xp.reshape(move, (-1,)), 0
    return xp.take_along_axis(move, _order(x, axis, descending, stable), axis=axis)


rule(
    "sort",
    _sort,
    forward=formula(_sort_moves),
    batch=along(-1),
    note="equal elements in the order that the library gave them",
)


def _repeat(g: Any, y: Any, x: Any, repeats: Any, axis: int | None = None) -> Any:
    xp = array_namespace(g)
    shape = tuple(x.shape)
    if axis is None:
        shape, axis = (prod(shape),), 0
    axis %= len(shape)
    if type(repeats) is int:
        blocks = xp.reshape(g, (*shape[:axis], shape[axis], repeats, *shape[axis + 1 :]))
        return xp.reshape(xp.sum(blocks, axis=axis + 1), tuple(x.shape))
    indices = xp.repeat(xp.arange(shape[axis], device=device_of(g)), repeats)
    return xp.reshape(recorded(SCATTER_ADD, scatter_add, g, indices, axis, shape[axis]), tuple(x.shape))


rule("repeat", _repeat, None, fits=True, operands=("x", "repeats"), forward=linear(), batch=along(None, flat=True))
