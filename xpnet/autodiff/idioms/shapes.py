"""Functions for the shape, order and parts of arrays, under NumPy's names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xpnet.autodiff.idioms.table import as_axis, idiom
from xpnet.autodiff.table import base
from xpnet.backend import device_of


@idiom("reshape")
def _reshape(xp: Any, a: Any, shape: Any = None, order: Any = "C", *, newshape: Any = None, copy: Any = None) -> Any:
    shape = newshape if shape is None else shape
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if order == "F":  # equals the transposed array reshaped in the order of C
        return _transpose(xp, xp.reshape(_transpose(xp, a), shape[::-1], copy=copy))
    return xp.reshape(a, shape, copy=copy)


@idiom("ravel")
def _ravel(xp: Any, a: Any, order: Any = "C") -> Any:
    return _reshape(xp, a, (-1,), order)


@idiom("flatten")
def _flatten(xp: Any, a: Any, order: Any = "C") -> Any:
    return xp.asarray(_reshape(xp, a, (-1,), order), copy=True)


@idiom("copy")
def _copy(xp: Any, a: Any, order: Any = "K", subok: bool = False) -> Any:  # noqa: ARG001 (NumPy's)
    return xp.asarray(a, copy=True)


@idiom("asarray", "asanyarray", "ascontiguousarray", "array")
def _asarray(xp: Any, a: Any, dtype: Any = None, **given: Any) -> Any:
    return xp.asarray(a, dtype=dtype, copy=given.get("copy"))


@idiom("transpose")
def _transpose(xp: Any, a: Any, axes: Any = None) -> Any:
    return xp.permute_dims(a, tuple(axes) if axes is not None else tuple(range(len(a.shape)))[::-1])


@idiom("swapaxes")
def _swapaxes(xp: Any, a: Any, axis1: int, axis2: int) -> Any:
    axes = list(range(len(a.shape)))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return xp.permute_dims(a, tuple(axes))


@idiom("moveaxis")
def _moveaxis(xp: Any, a: Any, source: Any, destination: Any) -> Any:
    return xp.moveaxis(a, as_axis(source), as_axis(destination))


@idiom("rollaxis")
def _rollaxis(xp: Any, a: Any, axis: int, start: int = 0) -> Any:
    axis, start = axis % len(a.shape), start + len(a.shape) if start < 0 else start
    return xp.moveaxis(a, axis, start - 1 if axis < start else start)


@idiom("squeeze")
def _squeeze(xp: Any, a: Any, axis: Any = None) -> Any:
    axes = tuple(at for at, n in enumerate(a.shape) if n == 1) if axis is None else as_axis(axis)
    return xp.squeeze(a, axis=axes) if axes != () else a


@idiom("expand_dims")
def _expand_dims(xp: Any, a: Any, axis: Any) -> Any:
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    ndim = len(a.shape) + len(axes)
    places = {at % ndim for at in axes}
    sizes = iter(a.shape)
    return xp.reshape(a, tuple(1 if at in places else next(sizes) for at in range(ndim)))


def _at_least(n: int, xp: Any, items: tuple[Any, ...]) -> Any:
    found = []
    for item in items:
        a = xp.asarray(item)
        ndim = len(a.shape)
        if n == 3 and ndim in (1, 2):
            a = xp.reshape(a, (1, *a.shape, 1) if ndim == 1 else (*a.shape, 1))
        elif ndim < n:
            a = xp.reshape(a, (1,) * (n - ndim) + tuple(a.shape))
        found.append(a)
    return found[0] if len(found) == 1 else tuple(found)


@idiom("atleast_1d")
def _atleast_1d(xp: Any, *arys: Any) -> Any:
    return _at_least(1, xp, arys)


@idiom("atleast_2d")
def _atleast_2d(xp: Any, *arys: Any) -> Any:
    return _at_least(2, xp, arys)


@idiom("atleast_3d")
def _atleast_3d(xp: Any, *arys: Any) -> Any:
    return _at_least(3, xp, arys)


@idiom("flip")
def _flip(xp: Any, m: Any, axis: Any = None) -> Any:
    return xp.flip(m, axis=as_axis(axis))


@idiom("flipud")
def _flipud(xp: Any, m: Any) -> Any:
    return xp.flip(m, axis=0)


@idiom("fliplr")
def _fliplr(xp: Any, m: Any) -> Any:
    return xp.flip(m, axis=1)


@idiom("rot90")
def _rot90(xp: Any, m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    first, second = axes
    k %= 4
    if k == 2:
        return xp.flip(m, axis=(first, second))
    if k == 1:
        return _swapaxes(xp, xp.flip(m, axis=second), first, second)
    return xp.flip(_swapaxes(xp, m, first, second), axis=second) if k == 3 else m


@idiom("roll")
def _roll(xp: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    return xp.roll(a, as_axis(shift), axis=as_axis(axis))


@idiom("tile")
def _tile(xp: Any, A: Any, reps: Any) -> Any:
    return xp.tile(A, (reps,) if isinstance(reps, int) else tuple(reps))


@idiom("repeat")
def _repeat(xp: Any, a: Any, repeats: Any, axis: Any = None) -> Any:
    repeats = repeats if isinstance(repeats, int) or hasattr(repeats, "dtype") else xp.differentiates.asarray(repeats)
    a, axis = (xp.reshape(a, (-1,)), 0) if axis is None else (a, axis)
    return xp.repeat(a, repeats, axis=axis)


@idiom("broadcast_to")
def _broadcast_to(xp: Any, array: Any, shape: Any, subok: bool = False) -> Any:  # noqa: ARG001 (NumPy's)
    return xp.broadcast_to(array, (shape,) if isinstance(shape, int) else tuple(shape))


@idiom("tril")
def _tril(xp: Any, m: Any, k: int = 0) -> Any:
    return xp.tril(m, k=k)


@idiom("triu")
def _triu(xp: Any, m: Any, k: int = 0) -> Any:
    return xp.triu(m, k=k)


@idiom("diagonal")
def diagonal(xp: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    axes = (axis1 % len(a.shape), axis2 % len(a.shape))
    order = (*(axis for axis in range(len(a.shape)) if axis not in axes), *axes)
    return xp.linalg.diagonal(xp.permute_dims(a, order), offset=offset)


@idiom("diag")
def _diag(xp: Any, v: Any, k: int = 0) -> Any:
    if len(v.shape) == 2:
        return xp.linalg.diagonal(v, offset=k)
    n = v.shape[0] + abs(k)
    before, after = xp.zeros_like(v[:1]), [xp.zeros_like(v[:1])] * abs(k)
    column = xp.concat([v, *after]) if k >= 0 else xp.concat([*[before] * -k, v])
    on = xp.differentiates.eye(n, k=k, dtype=xp.differentiates.int8, device=device_of(base(v))) == 1
    return xp.where(on, column[:, None], xp.zeros_like(column[:1, None]))


@idiom("diagflat")
def _diagflat(xp: Any, v: Any, k: int = 0) -> Any:
    return _diag(xp, xp.reshape(v, (-1,)), k)


@idiom("shape")
def _shape(_: Any, a: Any) -> tuple[int, ...]:
    return tuple(a.shape)


@idiom("ndim")
def _ndim(_: Any, a: Any) -> int:
    return len(a.shape)


@idiom("size")
def _size(_: Any, a: Any, axis: int | None = None) -> int:
    return math.prod(a.shape) if axis is None else a.shape[axis]


@idiom("astype")
def _astype(xp: Any, a: Any, dtype: Any, *_: Any, copy: bool = True) -> Any:
    named = np.dtype(dtype).name if dtype in (float, int, bool, complex) or isinstance(dtype, str) else None
    return xp.astype(a, getattr(xp, named) if named else dtype, copy=copy)


@idiom("meshgrid")
def _meshgrid(xp: Any, *xi: Any, indexing: Any = "xy", sparse: bool = False, copy: bool = True) -> Any:  # noqa: ARG001
    lines = [xp.asarray(x) for x in xi]
    if not sparse:
        return xp.meshgrid(*lines, indexing=indexing)
    places = list(range(len(lines)))
    if indexing == "xy":
        places[:2] = places[:2][::-1]
    return tuple(
        xp.reshape(x, tuple(-1 if at == place else 1 for at in range(len(lines))))
        for x, place in zip(lines, places, strict=True)
    )


@idiom("resize")
def _resize(xp: Any, a: Any, new_shape: Any) -> Any:
    """Return an array of the new shape, with the elements repeated from the first if there are fewer."""
    shape = (new_shape,) if isinstance(new_shape, int) else tuple(new_shape)
    line = xp.reshape(a, (-1,))
    return xp.reshape(line[np.arange(math.prod(shape)) % line.shape[0]], shape)


@idiom("trim_zeros")
def _trim_zeros(xp: Any, filt: Any, trim: str = "fb") -> Any:
    (found,) = xp.differentiates.nonzero(base(filt))
    first = int(found[0]) if "f" in trim.lower() and found.shape[0] else 0
    last = int(found[-1]) + 1 if "b" in trim.lower() and found.shape[0] else filt.shape[0] * bool(found.shape[0])
    return filt[first:last]


@idiom("apply_over_axes")
def _apply_over_axes(xp: Any, func: Any, a: Any, axes: Any) -> Any:
    ndim = len(a.shape)
    for axis in (axes,) if isinstance(axes, int) else axes:
        y = func(a, axis)
        a = y if len(y.shape) == ndim else _expand_dims(xp, y, axis % ndim)
    return a


@idiom("broadcast_arrays")
def _broadcast_arrays(xp: Any, *args: Any, subok: bool = False) -> Any:  # noqa: ARG001 (NumPy's)
    return xp.broadcast_arrays(*map(xp.asarray, args))
