"""``pad``: borders around arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.autodiff.idioms.statistics import median
from xpnet.autodiff.idioms.table import idiom, refuse
from xpnet.autodiff.table import base
from xpnet.backend import device_of

COPIED = ("edge", "reflect", "symmetric", "wrap")
STATISTICS = ("maximum", "mean", "minimum", "median")


@idiom("pad")
def _pad(
    xp: Any,
    array: Any,
    pad_width: Any,
    mode: str = "constant",
    *,
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: str = "even",
) -> Any:
    """Return the array with a border of a number, of its own elements, or of statistics of them."""
    ndim = len(array.shape)
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(at, pad_width.get(at - ndim, 0)) for at in range(ndim)]
        pad_width = [(n, n) if isinstance(n, int) else n for n in pad_width]
    widths = np.broadcast_to(np.asarray(pad_width), (ndim, 2)).tolist()
    for axis, (before, after) in enumerate(widths):
        if mode in ("constant", "linear_ramp"):
            given = _of_sides(constant_values if mode == "constant" else end_values, ndim, axis)
            sides = [_side(xp, array, axis, at, n, given[at], mode) for at, n in enumerate((before, after))]
        elif mode in STATISTICS:
            lengths = _of_sides(stat_length, ndim, axis)
            sides = [_statistic(xp, array, axis, at, n, lengths[at], mode) for at, n in enumerate((before, after))]
        elif mode in COPIED:
            array = _copied(xp, array, axis, before, after, mode, reflect_type)
            continue
        else:
            modes = ", ".join(("constant", "linear_ramp", *STATISTICS, *COPIED))
            raise refuse("pad", f"mode={mode!r}", f"use one of {modes}")
        array = xp.concat([sides[0], array, sides[1]], axis=axis)
    return array


def _of_sides(given: Any, ndim: int, axis: int) -> tuple[Any, Any]:
    """Return the values for the two sides of an axis."""
    if given is None or np.ndim(base(given)) == 0:
        return given, given
    first, second = np.broadcast_to(np.asarray(given), (ndim, 2))[axis].tolist()
    return first, second


def _edge(array: Any, axis: int, side: int, n: int = 1) -> Any:
    return array[(*(slice(None),) * axis, slice(None, n) if side == 0 else slice(-n, None), ...)]


def _side(xp: Any, array: Any, axis: int, side: int, n: int, value: Any, mode: str) -> Any:
    """Return a border of n elements: a number, or a line from this number to the edge."""
    shape = tuple(n if at == axis else size for at, size in enumerate(array.shape))
    border = xp.full(shape, value, dtype=array.dtype, device=device_of(base(array)))
    if mode == "constant" or n == 0:
        return border
    line = np.arange(n) / n if side == 0 else np.arange(n)[::-1] / n
    t = xp.asarray(line.reshape([-1 if at == axis else 1 for at in range(len(shape))]), dtype=array.dtype)
    return border + t * (_edge(array, axis, side) - border)


def _statistic(xp: Any, array: Any, axis: int, side: int, n: int, length: Any, mode: str) -> Any:
    part = array if length is None else _edge(array, axis, side, min(length, array.shape[axis]))
    if mode == "median":
        y = median(xp, part, axis, keepdims=True)
    else:
        y = getattr(xp, {"maximum": "max", "minimum": "min"}.get(mode, mode))(part, axis=axis, keepdims=True)
    return xp.broadcast_to(y, tuple(n if at == axis else size for at, size in enumerate(array.shape)))


def _copied(xp: Any, array: Any, axis: int, before: int, after: int, mode: str, kind: str) -> Any:
    """Return the array extended at both ends of an axis by its own elements, in the order of the mode."""
    n, ahead = array.shape[axis], (slice(None),) * axis
    places = np.pad(np.arange(n), (before, after), mode=mode)  # type: ignore[call-overload]
    y = array[(*ahead, places)]
    if kind == "even" or mode not in ("reflect", "symmetric"):
        return y
    if max(before, after) > n - (mode == "reflect"):
        raise refuse("pad", "reflect_type='odd' and a border longer than the array", "pad twice")
    parts = (slice(before), slice(before, before + n), slice(before + n, None))
    left, middle, right = (y[(*ahead, part)] for part in parts)
    ends = [2.0 * _edge(array, axis, 0) - left, middle, 2.0 * _edge(array, axis, 1) - right]
    return xp.concat(ends, axis=axis)
