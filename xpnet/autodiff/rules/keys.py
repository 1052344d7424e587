# ruff: noqa: ARG001 (a rule takes all that its function takes)
"""Rules of keys with arrays: integer arrays and masks, mixed with slices, None and integers as in NumPy.

Reading passes each gradient back to the position that was read, by scatter-add; the gradients of a position that is
read twice are added. If a position is assigned twice, the last value remains, and it alone has a gradient.

Source: Python array API standard, 2024.12, "Indexing and slicing"; NumPy reference, "Indexing on ndarrays".
"""

from __future__ import annotations

import operator
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.batching.ways import as_written
from xpnet.autodiff.forward import jointly, linear
from xpnet.autodiff.rules.elementwise import keep_where, recorded
from xpnet.autodiff.rules.indexing import SCATTER_ADD, check_kind, scatter_add
from xpnet.autodiff.table import Rule, base
from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.backend.numbers import NUMBERS
from xpnet.errors import DtypeError, ShapeError
from xpnet.kernels.scatter import wide


def read_key(key: Any, x: Any) -> tuple[Any, bool]:
    """Return the key without Variables and lists, and whether it contains masks or arrays with axes.

    Raises: ``DtypeError`` for an item that is not a valid key.
    """
    xp: Any = None
    device, several = None, type(key) is tuple
    items = list(key) if several else [key]
    advanced = False
    for at, item in enumerate(items):
        if item is None or item is Ellipsis or type(item) in (int, slice):
            continue
        item = base(item)
        if xp is None:
            array = base(x)
            space = array_namespace(array)
            xp, device = getattr(space, "differentiates", space), device_of(array)
        if isinstance(item, list | range | np.ndarray):
            host = np.asarray(item)
            item = xp.asarray(
                host.astype(np.int64) if host.size == 0 and isinstance(item, list) else host, device=device
            )
        if hasattr(item, "dtype") and hasattr(item, "shape"):
            kind = "bool" if "bool" in str(item.dtype) else dtype_kind(item)
            if kind not in ("bool", "integer"):
                raise _no_key(f"an array of {item.dtype}", "round it, and cast it with xp.astype(i, xp.int64)")
            advanced = advanced or kind == "bool" or tuple(item.shape) != ()
        else:
            item = _whole_number(item)
        items[at] = item
    return (tuple(items) if several else items[0]), advanced


def _whole_number(item: Any) -> int:
    try:
        if type(item) is bool:
            raise TypeError
        return operator.index(item)
    except TypeError as error:
        raise _no_key(type(item).__name__, "use xp.take(x, indices, axis=0) for other orders") from error


def _no_key(got: str, remedy: str) -> DtypeError:
    must = "a key must be made of integers, slices, None, ..., arrays of integers and masks"
    return DtypeError("Variable", must, got, remedy)


def read(x: Any, key: Any) -> Any:
    """Return ``x[key]``, by the library's own indexing or, if that fails or differs from NumPy's, by ``take``."""
    xp = array_namespace(x)
    if xp is not np and type(key) is tuple and any(_is_number(item) for item in key):
        return taken(x, key)  # torch places the axes of arrays differently if a number is separated from them
    try:
        return x[key]
    except (IndexError, TypeError, RuntimeError, NotImplementedError, ValueError) as error:
        try:
            return taken(x, key)
        except (IndexError, NotImplementedError, ValueError):
            raise error from None


def _is_number(item: Any) -> bool:
    return type(item) is int or (hasattr(item, "shape") and tuple(item.shape) == () and not is_mask(item))


def has_batch(key: Any) -> bool:
    """Return whether the key contains a batch, so that each row of the batch has a key of its own."""
    return any(type(item) is Batch for item in (key if type(key) is tuple else (key,)))


def taken(x: Any, key: Any) -> Any:
    """Return ``x[key]``, computed by ``take``."""
    at = positions(key, x)
    xp = array_namespace(x, at)
    y = xp.take(xp.reshape(x, (prod(x.shape),)), xp.reshape(at, (prod(at.shape),)), axis=0)
    return xp.reshape(y, tuple(at.shape))


def positions(key: Any, x: Any) -> Any:
    """Return the flat positions of ``x[key]`` in x, in the shape of ``x[key]``; positions out of range are ``size``."""
    batches = [item for item in (key if type(key) is tuple else (key,)) if type(item) is Batch]
    xp, shape = array_namespace(x, *batches), tuple(x.shape)
    if is_mask(key) and tuple(key.shape) == ():
        key, shape = xp.reshape(xp.asarray(key, device=device_of(x)), (1,)), (1, *shape)
    items = _expanded(key, shape)
    arrays = [at for at, (item, _) in enumerate(items) if item is not None and not isinstance(item, slice)]
    apart = any(b - a > 1 for a, b in pairwise(arrays))
    front = 0 if apart else arrays[0]  # the position of the axes of the arrays in the result
    block = _broadcast(*(tuple(getattr(items[at][0], "shape", ())) for at in arrays))
    before = [at for at in range(len(items)) if at not in arrays and (at < front and not apart)]
    after = [at for at in range(len(items)) if at not in arrays and at not in before]
    strides = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    ndim = len(before) + len(block) + len(after)
    device = device_of(x)
    index = wide(xp.zeros((), dtype=xp.int32, device=device)).dtype
    total, outside = xp.zeros((), dtype=index, device=device), None
    for at, (item, axis) in enumerate(items):
        if item is None:
            line, where = xp.zeros((1,), dtype=index, device=device), at
        elif isinstance(item, slice):
            start, stop, step = item.indices(shape[axis])
            line = xp.arange(len(range(start, stop, step)), dtype=index, device=device) * (step * strides[axis])
            line = line + start * strides[axis]
        else:
            place = item if hasattr(item, "dtype") else xp.asarray(item, dtype=index, device=device)
            place = wide(place)
            place = xp.where(place < 0, place + shape[axis], place)
            beyond = (place < 0) | (place >= shape[axis])
            room = (1,) * len(before) + (1,) * (len(block) - len(place.shape)), (1,) * len(after)
            to = (*room[0], *place.shape, *room[1])
            total = total + xp.reshape(place * strides[axis], to)
            beyond = xp.reshape(beyond, to)
            outside = beyond if outside is None else outside | beyond
            continue
        where = before.index(at) if at in before else len(before) + len(block) + after.index(at)
        total = total + xp.reshape(line, tuple(-1 if axis == where else 1 for axis in range(ndim)))
    full = _broadcast(tuple(total.shape), tuple(outside.shape)) if outside is not None else tuple(total.shape)
    total = xp.broadcast_to(total, full)
    return total if outside is None else xp.where(outside, xp.full_like(total, prod(shape)), total)


def _expanded(key: Any, shape: tuple[int, ...]) -> list[tuple[Any, int]]:
    """Return the items of the key with their axes, one for each axis: slices for ``...``, indices for masks."""
    items = list(key) if type(key) is tuple else [key]
    taken = sum(_axes_of(item) for item in items)
    at = next((at for at, item in enumerate(items) if item is Ellipsis), len(items))
    items[at : at + 1] = [slice(None)] * (len(shape) - taken)
    found: list[tuple[Any, int]] = []
    axis = 0
    for item in items:
        if is_mask(item):
            named = shape[axis : axis + len(item.shape)]
            if tuple(item.shape) != named:
                must = f"a mask must have the shape of its axes, {named}"
                raise ShapeError("Variable", must, tuple(item.shape), "use xp.where(mask, v, x), which broadcasts")
            found += [(indices, axis + n) for n, indices in enumerate(_nonzero(item))]
        else:
            found.append((item, axis))
        axis += _axes_of(item)
    return found


def _nonzero(mask: Any) -> tuple[Any, ...]:
    """Return the indices at which the mask is true.

    Raises: ``DtypeError`` for a library that has no shapes that depend on values.
    """
    xp = array_namespace(mask)
    try:
        found: tuple[Any, ...] = xp.nonzero(mask)
    except (RuntimeError, NotImplementedError) as error:
        must = "a mask as a key must be of a library whose shapes may depend on values"
        raise DtypeError("Variable", must, xp.__name__, "use xp.where(mask, x, y)") from error
    return found


def is_mask(item: Any) -> bool:
    return hasattr(item, "dtype") and "bool" in str(item.dtype)


def _axes_of(item: Any) -> int:
    """Return the number of axes that an item of a key indexes."""
    return 0 if item is None or item is Ellipsis else len(item.shape) if is_mask(item) else 1


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(np.broadcast_shapes(*shapes))


def _read(g: Any, y: Any, x: Any, key: Any) -> Any:
    xp = array_namespace(g)
    at = positions(key, base(x))
    n, size = prod(at.shape), prod(x.shape)
    plain = array_namespace(at)
    d = recorded(SCATTER_ADD, scatter_add, xp.reshape(g, (n,)), plain.reshape(at, (n,)), 0, size)
    return xp.reshape(d, tuple(x.shape))


def assign(x: Any, value: Any, key: Any) -> Any:
    """Return a copy of ``x`` with ``value``, broadcast to ``x[key]``, at the key."""
    xp = array_namespace(x, value)
    check_kind(x, value)
    at = positions(key, x)
    if type(value) in NUMBERS:
        value = xp.full((), value, dtype=x.dtype, device=device_of(x))
    value = xp.broadcast_to(xp.astype(value, x.dtype), tuple(at.shape))
    if prod(at.shape) == 0:
        return xp.asarray(x, copy=True)
    found, last = _last(at, prod(x.shape))
    taken = xp.take(xp.reshape(value, (prod(at.shape),)), last, axis=0)
    return xp.reshape(xp.where(found, taken, xp.reshape(x, (prod(x.shape),))), tuple(x.shape))


def _last(at: Any, size: int) -> tuple[Any, Any]:
    """Return, for every element, whether it is among the positions, and the index of its last occurrence there."""
    xp = array_namespace(at)
    line = xp.reshape(at, (prod(at.shape),))
    order = xp.argsort(line, stable=True)
    line = xp.take(line, order, axis=0)
    numbers = xp.arange(size, dtype=line.dtype, device=device_of(line))
    last = xp.searchsorted(line, numbers, side="right") - 1
    last = xp.where(last < 0, xp.zeros_like(last), last)
    return xp.take(line, last, axis=0) == numbers, xp.take(order, last, axis=0)


def _assign_x(g: Any, y: Any, x: Any, value: Any, key: Any) -> Any:
    return recorded(ASSIGN, assign, g, 0.0, key)


def _assign_value(g: Any, y: Any, x: Any, value: Any, key: Any) -> Any:
    at = positions(key, base(x))
    n = prod(at.shape)
    plain = array_namespace(at)
    d = recorded(READ, read, g, key)
    if n == 0:
        return d
    _, last = _last(at, prod(x.shape))
    stays = plain.take(last, plain.reshape(at, (n,)), axis=0) == plain.arange(n, dtype=last.dtype, device=device_of(at))
    return keep_where(plain.reshape(stays, tuple(at.shape)), d)


READ = Rule("getitem", (_read,), fresh=True, forward=linear(read), batch=as_written)
ASSIGN = Rule("setitem", (_assign_x, _assign_value), fits=True, assigns=True, forward=jointly(assign), batch=as_written)
