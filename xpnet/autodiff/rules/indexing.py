# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of indexing, taking and sorting, and the scatter-add that is their transpose.

Sorting passes each gradient to the element that came to that place; equal elements keep the order in which
the library put them. Integer and boolean keys are not differentiated: ``take`` and ``where`` stand for them.
"""

from __future__ import annotations

import operator
from math import prod
from typing import Any

from xpnet import kernels
from xpnet.autodiff.rules.elementwise import as_number
from xpnet.autodiff.rules.table import Rule, rule
from xpnet.backend import array_namespace, device_of
from xpnet.backend.numbers import NUMBERS
from xpnet.errors import DtypeError


def read_key(key: Any, masks: bool = False) -> Any:
    """The key itself where it is made of integers, slices, None and Ellipsis.

    Raises: ``DtypeError`` for arrays, naming the function that does what they would.
    """
    for item in key if type(key) is tuple else (key,):
        if item is None or item is Ellipsis or type(item) in (int, slice):
            continue
        if hasattr(item, "dtype") and hasattr(item, "shape"):
            integer = "bool" not in str(item.dtype)
            if (integer and tuple(item.shape) == ()) or (not integer and masks and item is key):
                continue
            raise DtypeError(
                "Variable",
                "a key must be made of integers, slices, None and ...",
                f"an array of {item.dtype}",
                "use xp.take(x, indices, axis=0)" if integer else "use xp.where(mask, x, y)",
            )
        try:
            operator.index(item)
        except TypeError as error:
            raise DtypeError(
                "Variable",
                "a key must be made of integers, slices, None and ...",
                type(item).__name__,
                "use xp.take(x, indices, axis=0) for a list of integers",
            ) from error
    return key


def place(g: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of that shape with ``g`` at the key."""
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
    """The same by ``take`` alone: every place of an axis names its element of ``g``, or a zero put behind them."""
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
    """A copy of ``x`` with ``value`` at the key."""
    xp = array_namespace(x, value)
    if hasattr(key, "dtype"):  # a boolean mask
        value = xp.asarray(value, dtype=x.dtype, device=device_of(x))
        return xp.where(key, value, x)
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


def _set_item_x(g: Any, y: Any, x: Any, value: Any, key: Any) -> Any:
    return recorded(SETITEM, set_item, g, 0.0, key)


def _set_item_value(g: Any, y: Any, x: Any, value: Any, key: Any) -> Any:
    if hasattr(key, "dtype"):
        return g * as_number(key, g)
    return g[key]


def recorded(rule: Rule, function: Any, *args: Any) -> Any:
    """Call an internal function; on Variables it is recorded like those of the namespace."""
    from xpnet.autodiff.record import apply  # recording is built on these rules

    return apply(rule, function, args)


def _getitem(g: Any, y: Any, x: Any, key: Any) -> Any:
    return recorded(PLACE, place, g, key, tuple(x.shape))


GETITEM = Rule("getitem", (_getitem,))
PLACE = Rule("place", (lambda g, y, x, key, shape: g[key],))
SETITEM = Rule("setitem", (_set_item_x, _set_item_value), fits=True)


def scatter_add(g: Any, indices: Any, axis: int, size: int) -> Any:
    """``yₖ = Σ gᵢ`` over ``i`` with ``indicesᵢ = k``, along the axis; the transpose of ``take``."""
    xp = array_namespace(g)
    indices = xp.where(indices < 0, indices + size, indices)
    g = xp.moveaxis(g, axis, 0)
    length, *rest = g.shape
    y = kernels.scatter_add(xp.reshape(g, (length, prod(rest))), indices, size)
    return xp.moveaxis(xp.reshape(y, (size, *rest)), 0, axis)


def _take(g: Any, y: Any, x: Any, indices: Any, axis: int | None = None) -> Any:
    axis = 0 if axis is None else axis % len(x.shape)
    return recorded(SCATTER_ADD, scatter_add, g, indices, axis, x.shape[axis])


def _scatter_add(g: Any, y: Any, x: Any, indices: Any, axis: int, size: int) -> Any:
    return array_namespace(g, indices).take(g, indices, axis=axis)


SCATTER_ADD = Rule("scatter_add", (_scatter_add,))

rule("take", _take, note="an index taken twice receives both gradients")


def _take_along_axis(g: Any, y: Any, x: Any, indices: Any, axis: int = -1) -> Any:
    xp = array_namespace(g, indices)
    size = x.shape[axis]
    indices = xp.moveaxis(xp.where(indices < 0, indices + size, indices), axis, -1)
    numbers = xp.arange(size, dtype=indices.dtype, device=device_of(indices))
    one_hot = as_number(indices[..., None] == numbers, g)
    lines = xp.moveaxis(g, axis, -1)[..., None, :] @ one_hot
    return xp.moveaxis(lines[..., 0, :], -1, axis)


rule("take_along_axis", _take_along_axis, fits=True)


def _sort(g: Any, y: Any, x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    xp = array_namespace(g, x)
    order = xp.argsort(x, axis=axis, stable=stable)
    order = xp.flip(order, axis=axis) if descending else order
    return xp.take_along_axis(g, xp.argsort(order, axis=axis), axis=axis)


rule("sort", _sort, note="equal elements in the order that the library gave them")


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


rule("repeat", _repeat, None, operands=("x", "repeats"))
