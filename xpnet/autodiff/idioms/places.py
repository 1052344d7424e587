"""Functions that take, put and find elements, under NumPy's names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xpnet.autodiff.idioms.table import arrays, idiom, refuse
from xpnet.autodiff.rules.elementwise import recorded
from xpnet.autodiff.rules.indexing import SCATTER_ADD, scatter_add
from xpnet.autodiff.rules.keys import positions, read_key
from xpnet.autodiff.table import base
from xpnet.backend import device_of


@idiom("take")
def _take(xp: Any, a: Any, indices: Any, axis: Any = None, *, mode: str = "raise") -> Any:
    a, axis = (xp.reshape(a, (-1,)), 0) if axis is None else (a, axis)
    ahead, n, indices = (slice(None),) * (axis % len(a.shape)), a.shape[axis], base(indices)
    if mode != "raise":
        indices = indices if hasattr(indices, "dtype") else np.asarray(indices)
        space = np if isinstance(indices, np.ndarray) else xp.differentiates
        indices = indices % n if mode == "wrap" else space.clip(indices, 0, n - 1)
    return a[(*ahead, indices)]


@idiom("take_along_axis")
def _take_along_axis(xp: Any, arr: Any, indices: Any, axis: Any = -1) -> Any:
    arr, axis = (xp.reshape(arr, (-1,)), 0) if axis is None else (arr, axis)
    return xp.take_along_axis(arr, base(indices), axis=axis)


@idiom("compress")
def _compress(xp: Any, condition: Any, a: Any, axis: Any = None) -> Any:
    a, axis = (xp.reshape(a, (-1,)), 0) if axis is None else (a, axis)
    kept = np.flatnonzero(np.asarray(base(condition)))
    return a[(*(slice(None),) * (axis % len(a.shape)), kept)]


@idiom("extract")
def _extract(xp: Any, condition: Any, arr: Any) -> Any:
    return xp.reshape(arr, (-1,))[xp.reshape(base(condition), (-1,))]


@idiom("delete")
def _delete(xp: Any, arr: Any, obj: Any, axis: Any = None) -> Any:
    arr, axis = (xp.reshape(arr, (-1,)), 0) if axis is None else (arr, axis)
    kept = np.delete(np.arange(arr.shape[axis]), obj if isinstance(obj, int | slice) else np.asarray(base(obj)))
    return arr[(*(slice(None),) * (axis % len(arr.shape)), kept)]


@idiom("nonzero")
def _nonzero(xp: Any, a: Any) -> Any:
    return xp.nonzero(a)


@idiom("flatnonzero")
def _flatnonzero(xp: Any, a: Any) -> Any:
    return xp.nonzero(xp.reshape(a, (-1,)))[0]


@idiom("argwhere")
def _argwhere(xp: Any, a: Any) -> Any:
    return xp.stack(xp.nonzero(a), axis=1)


@idiom("tril_indices_from")
def _tril_indices_from(_: Any, arr: Any, k: int = 0) -> Any:
    return np.tril_indices(arr.shape[-2], k, arr.shape[-1])


@idiom("triu_indices_from")
def _triu_indices_from(_: Any, arr: Any, k: int = 0) -> Any:
    return np.triu_indices(arr.shape[-2], k, arr.shape[-1])


@idiom("diag_indices_from")
def _diag_indices_from(_: Any, arr: Any) -> Any:
    return np.diag_indices(arr.shape[0], len(arr.shape))


@idiom("choose")
def _choose(xp: Any, a: Any, choices: Any, *, mode: str = "raise") -> Any:
    if mode != "raise":
        raise refuse("choose", f"mode={mode!r}", "clip or wrap the numbers first")
    which = xp.differentiates.asarray(base(a), device=device_of(base(arrays(xp, choices)[0])))
    y, *rest = arrays(xp, choices)
    for number, choice in enumerate(rest, 1):
        y = xp.where(which == number, choice, y)
    return xp.broadcast_to(y, np.broadcast_shapes(tuple(which.shape), tuple(y.shape)))


def _written(name: str, a: Any) -> None:
    if base(a) is a:
        raise refuse(name, "a bare array to write to", "make it a Variable: np.zeros_like(x), or xn.constant(a)")


@idiom("put")
def _put(xp: Any, a: Any, ind: Any, v: Any) -> None:
    _written("put", a)
    host = np.asarray(ind).reshape(-1) if isinstance(ind, int | list | tuple | np.ndarray) else base(ind)
    a[np.unravel_index(np.asarray(host) % math.prod(a.shape), tuple(a.shape))] = _over(xp, v, a, len(host))


@idiom("place")
def _place(xp: Any, arr: Any, mask: Any, vals: Any) -> None:
    _written("place", arr)
    mask = base(mask)
    n = int(xp.differentiates.count_nonzero(xp.differentiates.asarray(mask)))
    arr[mask] = _over(xp, vals, arr, n)


def _over(xp: Any, values: Any, like: Any, n: int) -> Any:
    """Return n values, repeated from the first if there are fewer."""
    line = xp.reshape(arrays(xp, [values], like)[0], (-1,))
    return line[np.arange(n) % line.shape[0]]


@idiom("putmask")
def _putmask(xp: Any, a: Any, mask: Any, values: Any) -> None:
    _written("putmask", a)
    (values,) = arrays(xp, [values], a)
    if math.prod(values.shape) != math.prod(a.shape):
        values = _over(xp, values, a, math.prod(a.shape))
    a[...] = xp.where(mask, xp.reshape(values, tuple(a.shape)), a)


@idiom("copyto")
def _copyto(xp: Any, dst: Any, src: Any, *, where: Any = None) -> None:
    _written("copyto", dst)
    (src,) = arrays(xp, [src], dst)
    dst[...] = src if where is None else xp.where(where, src, dst)


def added_at(xp: Any, a: Any, key: Any, values: Any, sign: float) -> Any:
    """Return the array with the values added at the key; a position that occurs several times is added to each time."""
    key, _ = read_key(key, a)
    at = positions(key, base(a))
    (values,) = arrays(xp, [values], a)
    values, n = xp.broadcast_to(values, tuple(at.shape)), math.prod(at.shape)
    plain = xp.differentiates
    more = recorded(SCATTER_ADD, scatter_add, xp.reshape(values, (n,)), plain.reshape(at, (n,)), 0, math.prod(a.shape))
    return a + sign * xp.reshape(more, tuple(a.shape))


@idiom("bincount")
def _bincount(xp: Any, x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    plain = xp.differentiates
    at = plain.asarray(base(x), device=device_of(base(x if weights is None else weights)))
    size = max(int(plain.max(at)) + 1 if math.prod(at.shape) else 0, minlength)
    if weights is None:
        raise refuse("bincount", "no weights", "count the bare array, stop_gradient(x).value")
    return recorded(SCATTER_ADD, scatter_add, weights, at, 0, size)


@idiom("unique")
def _unique(
    xp: Any,
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    **_: Any,
) -> Any:
    if axis is not None:
        raise refuse("unique", f"axis={axis}", "leave it out")
    found = xp.unique_all(ar)
    wanted = (return_index, return_inverse, return_counts)
    parts = [part for part, asked in zip((found[1], found[2], found[3]), wanted, strict=True) if asked]
    return (found[0], *parts) if parts else found[0]


@idiom("union1d")
def _union1d(xp: Any, ar1: Any, ar2: Any) -> Any:
    return xp.unique_values(xp.concat([xp.reshape(a, (-1,)) for a in arrays(xp, [ar1, ar2])]))


@idiom("setdiff1d")
def _setdiff1d(xp: Any, ar1: Any, ar2: Any) -> Any:
    a, b = arrays(xp, [ar1, ar2])
    values = xp.unique_values(a)
    return values[~xp.isin(values, b)]


@idiom("intersect1d")
def _intersect1d(xp: Any, ar1: Any, ar2: Any) -> Any:
    a, b = arrays(xp, [ar1, ar2])
    values = xp.unique_values(a)
    return values[xp.isin(values, b)]
