"""The functions of the standard on symbols that move, make and reduce values, as operators of ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.interop.onnx.elementwise import cast
from xpnet.interop.onnx.symbols import CONSTANTS, FUNCTIONS, Symbol, Whole, constant, emit, refused

END = np.iinfo(np.int64).max
"""The end of a slice that goes to the end of an axis."""


def reshape(x: Symbol, /, shape: Any, *, copy: bool | None = None) -> Symbol:  # noqa: ARG001 (the standard's)
    sizes = (shape,) if isinstance(shape, int) else tuple(map(int, shape))
    value = x.value.reshape(sizes)
    if value.shape == x.shape:
        return x
    found: Symbol = emit("Reshape", [x, Whole(value.shape)], value)
    found.fill = x.fill
    return found


def permute_dims(x: Symbol, /, axes: Sequence[int]) -> Symbol:
    order = tuple(int(axis) % x.ndim for axis in axes)
    if order == tuple(range(x.ndim)):
        return x
    return emit("Transpose", [x], x.value.transpose(order), perm=order)  # type: ignore[no-any-return]


def matrix_transpose(x: Symbol, /) -> Symbol:
    return permute_dims(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def moveaxis(x: Symbol, source: int, destination: int, /) -> Symbol:
    order = [axis for axis in range(x.ndim) if axis != source % x.ndim]
    order.insert(destination % x.ndim, source % x.ndim)
    return permute_dims(x, order)


def expand_dims(x: Symbol, /, *, axis: int = 0) -> Symbol:
    value = np.expand_dims(x.value, axis)
    return emit("Unsqueeze", [x, Whole((axis % value.ndim,))], value)  # type: ignore[no-any-return]


def squeeze(x: Symbol, /, axis: int | tuple[int, ...]) -> Symbol:
    axes = tuple(int(each) % x.ndim for each in (axis if isinstance(axis, tuple) else (axis,)))
    return emit("Squeeze", [x, Whole(axes)], np.squeeze(x.value, axes))  # type: ignore[no-any-return]


def broadcast_to(x: Symbol, /, shape: tuple[int, ...]) -> Symbol:
    return emit("Expand", [x, Whole(tuple(shape))], np.broadcast_to(x.value, shape))  # type: ignore[no-any-return]


def concat(arrays: Sequence[Symbol], /, *, axis: int = 0) -> Symbol:
    dtype = np.result_type(*[x.value for x in arrays])
    parts = [cast(x, dtype) for x in arrays]
    if len(parts) == 1:
        return parts[0]
    value = np.concatenate([x.value for x in parts], axis=axis)
    return emit("Concat", parts, value, axis=axis % value.ndim)  # type: ignore[no-any-return]


def stack(arrays: Sequence[Symbol], /, *, axis: int = 0) -> Symbol:
    at = axis % (arrays[0].ndim + 1)
    return concat([expand_dims(x, axis=at) for x in arrays], axis=at)


def flip(x: Symbol, /, *, axis: Any = None) -> Symbol:
    axes = range(x.ndim) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    key: list[Any] = [slice(None)] * x.ndim
    for each in axes:
        key[each] = slice(None, None, -1)
    return part(x, tuple(key))


def take(x: Symbol, indices: Any, /, *, axis: int = 0) -> Symbol:
    chosen = constant(indices)
    return emit("Gather", [x, chosen], np.take(x.value, chosen.value, axis), axis=axis % x.ndim)  # type: ignore[no-any-return]


def part(x: Symbol, key: Any) -> Symbol:
    """Return ``x[key]``: slices, whole numbers, None, an ellipsis, and one array of indices."""
    keys = list(key) if isinstance(key, tuple) else [key]
    used = sum(k is not None and k is not Ellipsis for k in keys)
    if Ellipsis in [k for k in keys if not isinstance(k, Symbol)]:
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys[at : at + 1] = [slice(None)] * (x.ndim - used)
    x = cut(x, [k for k in keys if k is not None])
    axis = 0
    for k in keys:
        if k is None:
            x = expand_dims(x, axis=axis)
        elif isinstance(k, Symbol):
            if k.dtype.kind not in "iu":
                raise refused("the key of truth values")
            x = take(x, k, axis=axis)
            axis += k.ndim - 1
        elif not isinstance(k, slice):
            index = int(k)
            x = emit("Gather", [x, Whole((index,), True)], np.take(x.value, index, axis), axis=axis)
            continue
        axis += 1
    return x


def cut(x: Symbol, keys: list[Any]) -> Symbol:
    """Return the part of a symbol that the slices among its keys choose."""
    chosen = [(axis, k) for axis, k in enumerate(keys) if isinstance(k, slice) and k.indices(x.shape[axis]) != (
        0, x.shape[axis], 1)]  # fmt: skip
    if not chosen:
        return x
    starts, ends, steps = [], [], []
    for axis, k in chosen:
        step = 1 if k.step is None else int(k.step)
        first, last = (0, END) if step > 0 else (-1, -END)
        over = k.stop is None or (step > 0 and int(k.stop) >= x.shape[axis])
        starts.append(first if k.start is None else int(k.start))
        ends.append(last if over else int(k.stop))
        steps.append(step)
    where = [slice(None)] * x.ndim
    for axis, k in chosen:
        where[axis] = k
    numbers = [starts, ends, [axis for axis, _ in chosen], steps]
    return emit("Slice", [x, *[Whole(tuple(each)) for each in numbers]], x.value[tuple(where)])  # type: ignore[no-any-return]


def full(shape: Any, value: Any, *, dtype: Any = None, device: Any = None) -> Symbol:  # noqa: ARG001 (the standard's)
    sizes = (int(shape),) if isinstance(shape, int) else tuple(map(int, shape))
    if isinstance(value, Symbol):
        return broadcast_to(value if dtype is None else cast(value, dtype), sizes)
    array = np.full(sizes, value, dtype=dtype)
    if not sizes:
        found = Symbol(array)
    else:
        found = emit("Expand", [Symbol(np.asarray(value, dtype=array.dtype)), Whole(sizes)], array)
    found.fill = value
    return found


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Symbol:
    return full(shape, 0.0, dtype=np.float64 if dtype is None else dtype, device=device)


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Symbol:
    return full(shape, 1.0, dtype=np.float64 if dtype is None else dtype, device=device)


def full_like(x: Symbol, /, value: Any, *, dtype: Any = None, device: Any = None) -> Symbol:
    return full(x.shape, value, dtype=x.dtype if dtype is None else dtype, device=device)


def zeros_like(x: Symbol, /, *, dtype: Any = None, device: Any = None) -> Symbol:
    return full_like(x, 0, dtype=dtype, device=device)


def ones_like(x: Symbol, /, *, dtype: Any = None, device: Any = None) -> Symbol:
    return full_like(x, 1, dtype=dtype, device=device)


def arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> Symbol:  # noqa: ARG001
    if stop is None:
        start, stop = 0, start
    ends = (start, stop, step)
    value = np.arange(*ends, dtype=dtype)
    if not all(isinstance(number, int | np.integer) for number in ends):
        return Symbol(value)
    numbers = [Whole((int(number),), True) for number in ends]
    return cast(emit("Range", numbers, np.arange(*ends, dtype=np.int64)), value.dtype)


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Symbol:  # noqa: ARG001
    if isinstance(obj, Symbol):
        return obj if dtype is None else cast(obj, dtype)
    return Symbol(np.asarray(obj, dtype=dtype))


def axes_of(x: Symbol, axis: Any) -> tuple[int, ...]:
    """Return the axes of a reduction, counted from 0."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(int(each) % x.ndim for each in axes)


def reduced(op: str, x: Symbol, axis: Any, keepdims: bool, value: Any) -> Symbol:
    """Return a reduction over axes."""
    axes = axes_of(x, axis)
    return emit(op, [x, Whole(axes)], value, keepdims=int(keepdims)) if axes else x


def total(x: Symbol, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Symbol:
    value = np.sum(x.value, axis=axis, dtype=dtype, keepdims=keepdims)
    return reduced("ReduceSum", cast(x, value.dtype), axis, keepdims, value)


def mean(x: Symbol, /, *, axis: Any = None, keepdims: bool = False) -> Symbol:
    return reduced("ReduceMean", x, axis, keepdims, np.mean(x.value, axis=axis, keepdims=keepdims))


def largest(x: Symbol, /, *, axis: Any = None, keepdims: bool = False) -> Symbol:
    return reduced("ReduceMax", x, axis, keepdims, np.max(x.value, axis=axis, keepdims=keepdims))


def smallest(x: Symbol, /, *, axis: Any = None, keepdims: bool = False) -> Symbol:
    return reduced("ReduceMin", x, axis, keepdims, np.min(x.value, axis=axis, keepdims=keepdims))


def any_true(x: Symbol, /, *, axis: Any = None, keepdims: bool = False) -> Symbol:
    return cast(largest(cast(x, np.int32), axis=axis, keepdims=keepdims), np.bool_)


def all_true(x: Symbol, /, *, axis: Any = None, keepdims: bool = False) -> Symbol:
    return cast(smallest(cast(x, np.int32), axis=axis, keepdims=keepdims), np.bool_)


def count_nonzero(x: Symbol, /, *, axis: Any = None, keepdims: bool = False) -> Symbol:
    return total(cast(cast(x, np.bool_), np.int64), axis=axis, keepdims=keepdims)


def argmax(x: Symbol, /, *, axis: int, keepdims: bool = False) -> Symbol:
    value = np.argmax(x.value, axis=axis, keepdims=keepdims)
    return emit("ArgMax", [x], value, axis=axis % x.ndim, keepdims=int(keepdims))  # type: ignore[no-any-return]


def cumulative_sum(x: Symbol, /, *, axis: int | None = None, dtype: Any = None) -> Symbol:
    at = 0 if axis is None else axis % x.ndim
    value = np.cumsum(x.value, axis=at, dtype=dtype)
    return emit("CumSum", [cast(x, value.dtype), Whole((at,), True)], value)  # type: ignore[no-any-return]


def vecdot(x1: Symbol, x2: Symbol, /, *, axis: int = -1) -> Symbol:
    return total(x1 * x2, axis=axis)  # type: ignore[operator]


def isdtype(dtype: Any, kind: Any) -> bool:
    return np.isdtype(dtype, kind)


def result_type(*given: Any) -> Any:
    return np.result_type(*[x.value if isinstance(x, Symbol) else x for x in given])


def finfo(dtype: Any) -> Any:
    return np.finfo(dtype.dtype if isinstance(dtype, Symbol) else dtype)


class Info:
    """The facts about the namespace: the dtypes and the device of NumPy."""

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:  # noqa: ARG002 (the standard's)
        return dict(np.__array_namespace_info__().default_dtypes())

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return {name: kind for name, kind in CONSTANTS.items() if isinstance(kind, np.dtype)}

    def devices(self) -> list[str]:
        return ["cpu"]

    def default_device(self) -> str:
        return "cpu"


for _function in (
    *(reshape, permute_dims, matrix_transpose, moveaxis, expand_dims, squeeze, broadcast_to, concat, stack, flip),
    *(take, part, full, zeros, ones, full_like, zeros_like, ones_like, arange, asarray, mean),
    *(count_nonzero, argmax, cumulative_sum, vecdot, isdtype, result_type, finfo),
):
    FUNCTIONS[_function.__name__] = _function
FUNCTIONS |= {"sum": total, "max": largest, "min": smallest, "any": any_true, "all": all_true}
FUNCTIONS["__array_namespace_info__"] = Info
