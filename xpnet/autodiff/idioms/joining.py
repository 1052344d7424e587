"""Putting arrays together and cutting them apart, and borders around them, under NumPy's names."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from xpnet.autodiff.idioms.shapes import _at_least
from xpnet.autodiff.idioms.table import arrays, idiom, refuse
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


@idiom("pad")
def _pad(xp: Any, array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    """Return the array with a border: of a number, or of its own elements in the order that the mode says."""
    ndim = len(array.shape)
    widths = np.broadcast_to(np.asarray(pad_width), (ndim, 2)).tolist()
    if mode == "constant":
        values = np.broadcast_to(np.asarray(constant_values), (ndim, 2)) if np.ndim(base(constant_values)) else None
        for axis, (before, after) in enumerate(widths):
            sides = []
            for side, width in enumerate((before, after)):
                shape = tuple(width if at == axis else n for at, n in enumerate(array.shape))
                fill = constant_values if values is None else values[axis, side].item()
                sides.append(xp.full(shape, fill, dtype=array.dtype, device=array.device))
            array = xp.concat([sides[0], array, sides[1]], axis=axis)
        return array
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise refuse("pad", f"mode={mode!r}", "use constant, edge, reflect, symmetric or wrap")
    for axis, (before, after) in enumerate(widths):
        places = np.pad(np.arange(array.shape[axis]), (before, after), mode=mode)  # type: ignore[call-overload]
        array = array[(*(slice(None),) * axis, places)]
    return array


@idiom("insert")
def _insert(xp: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    if not isinstance(obj, int):
        raise refuse("insert", "several places", "insert one after the other")
    arr, values = arrays(xp, [arr, values])
    arr, axis = (xp.reshape(arr, (-1,)), 0) if axis is None else (arr, axis % len(arr.shape))
    ahead = (slice(None),) * axis
    obj = obj % (arr.shape[axis] + 1) if obj >= 0 else obj + arr.shape[axis]
    shape = (*arr.shape[:axis], 1 if len(values.shape) < 1 or axis or len(arr.shape) > 1 else values.shape[0])
    shape = (*shape, *arr.shape[axis + 1 :])
    middle = xp.broadcast_to(values, shape)
    return xp.concat([arr[(*ahead, slice(obj), ...)], middle, arr[(*ahead, slice(obj, None), ...)]], axis=axis)
