"""Functions that join and split arrays, under NumPy's names."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from xpnet.autodiff.idioms.shapes import _at_least
from xpnet.autodiff.idioms.table import arrays, idiom
from xpnet.autodiff.table import base


@idiom("concatenate", "concat")
def _concatenate(xp: Any, arrays_: Any, axis: Any = 0, *, dtype: Any = None) -> Any:
    y = xp.concat(arrays(xp, arrays_), axis=axis)
    return y if dtype is None else xp.astype(y, dtype)


@idiom("stack")
def _stack(xp: Any, arrays_: Any, axis: int = 0) -> Any:
    return xp.stack(arrays(xp, arrays_), axis=axis)


def _lifted(n: int, xp: Any, tup: Any) -> list[Any]:
    found = _at_least(n, xp, tuple(arrays(xp, tup)))
    return list(found) if isinstance(found, tuple) else [found]


@idiom("hstack")
def _hstack(xp: Any, tup: Any) -> Any:
    items = _lifted(1, xp, tup)
    return xp.concat(items, axis=0 if len(items[0].shape) == 1 else 1)


@idiom("vstack", "row_stack")
def _vstack(xp: Any, tup: Any) -> Any:
    return xp.concat(_lifted(2, xp, tup), axis=0)


@idiom("dstack")
def _dstack(xp: Any, tup: Any) -> Any:
    return xp.concat(_lifted(3, xp, tup), axis=2)


@idiom("column_stack")
def _column_stack(xp: Any, tup: Any) -> Any:
    return xp.concat([xp.reshape(a, (-1, 1)) if len(a.shape) < 2 else a for a in arrays(xp, tup)], axis=1)


@idiom("append")
def _append(xp: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    return xp.concat(arrays(xp, _flat_pair(xp, arr, values, axis)), axis=axis or 0)


def _flat_pair(xp: Any, arr: Any, values: Any, axis: Any) -> list[Any]:
    items = arrays(xp, [arr, values])
    return [xp.reshape(item, (-1,)) for item in items] if axis is None else items


@idiom("block")
def _block(xp: Any, parts: Any) -> Any:
    if not isinstance(parts, list):
        return xp.asarray(parts)
    depth = _depth(parts)

    def joined(part: Any, level: int) -> Any:
        if not isinstance(part, list):
            a = xp.asarray(part)
            return xp.reshape(a, (1,) * (depth - len(a.shape)) + tuple(a.shape))
        return xp.concat([joined(item, level + 1) for item in part], axis=level - depth)

    return joined(parts, 0)


def _depth(parts: Any) -> int:
    return 1 + _depth(parts[0]) if isinstance(parts, list) else 0


@idiom("array_split", "split")
def _split(_: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    n = ary.shape[axis]
    pieces = np.array_split(np.arange(n), base(indices_or_sections))
    ahead = (slice(None),) * (axis % len(ary.shape))
    ends = np.cumsum([0, *(len(piece) for piece in pieces)])
    return [ary[(*ahead, slice(int(a), int(b)), ...)] for a, b in pairwise(ends)]


@idiom("hsplit")
def _hsplit(xp: Any, ary: Any, indices_or_sections: Any) -> Any:
    return _split(xp, ary, indices_or_sections, 0 if len(ary.shape) == 1 else 1)


@idiom("vsplit")
def _vsplit(xp: Any, ary: Any, indices_or_sections: Any) -> Any:
    return _split(xp, ary, indices_or_sections, 0)


@idiom("dsplit")
def _dsplit(xp: Any, ary: Any, indices_or_sections: Any) -> Any:
    return _split(xp, ary, indices_or_sections, 2)


@idiom("insert")
def _insert(xp: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr, values = arrays(xp, [arr, values])
    arr, axis = (xp.reshape(arr, (-1,)), 0) if axis is None else (arr, axis % len(arr.shape))
    n, places = arr.shape[axis], np.asarray(obj).reshape(-1)
    places = np.where(places < 0, places + n, places)
    if places.size == 1 and len(values.shape) == len(arr.shape):
        places = np.repeat(places, values.shape[axis])
    middle = xp.broadcast_to(values, (*arr.shape[:axis], places.size, *arr.shape[axis + 1 :]))
    order = np.argsort(np.concatenate([np.arange(n) + 0.5, places]), kind="stable")
    return xp.concat([arr, middle], axis=axis)[(*(slice(None),) * axis, order)]
