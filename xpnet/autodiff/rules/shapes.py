# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of functions that move elements without changing them."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import array_api_compat

from xpnet.autodiff.batching.ways import (
    aligned,
    along,
    by_axes,
    expanded,
    joined,
    leading,
    permuted,
    repeated_to,
    reshaped,
    tiled,
)
from xpnet.autodiff.forward import jointly, linear
from xpnet.autodiff.table import Rule, composite
from xpnet.autodiff.table import rule as any_rule
from xpnet.backend import array_namespace, device_of

rule = partial(any_rule, forward=linear())

Shape = tuple[int, ...]


def _as_before(g: Any, x: Any) -> Any:
    return array_namespace(g).reshape(g, tuple(x.shape))


def _permute_dims(g: Any, y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    axes = tuple(axis % len(axes) for axis in axes)
    return array_namespace(g).permute_dims(g, tuple(sorted(range(len(axes)), key=axes.__getitem__)))


def _flip(g: Any, y: Any, x: Any, axis: Any = None) -> Any:
    return array_namespace(g).flip(g, axis=axis)


def _roll(g: Any, y: Any, x: Any, shift: Any, axis: Any = None) -> Any:
    back = tuple(-by for by in shift) if isinstance(shift, tuple) else -shift
    return array_namespace(g).roll(g, back, axis=axis)


rule("reshape", lambda g, y, x, shape, copy=None: _as_before(g, x), view=True, batch=reshaped)
rule("squeeze", lambda g, y, x, axis: _as_before(g, x), view=True, batch=by_axes)
rule("expand_dims", lambda g, y, x, axis=0: _as_before(g, x), view=True, batch=expanded)
rule("permute_dims", _permute_dims, view=True, batch=permuted)
rule(
    "moveaxis",
    lambda g, y, x, source, destination: array_namespace(g).moveaxis(g, destination, source),
    view=True,
    batch=by_axes,
)
rule("matrix_transpose", lambda g, y, x: array_namespace(g).matrix_transpose(g), view=True, batch=leading)
rule("flip", _flip, view=True, batch=along(None))
rule("roll", _roll, batch=along(None, flat=True, back=True))
rule("tril", lambda g, y, x, k=0: array_namespace(g).tril(g, k=k), batch=leading)
rule("triu", lambda g, y, x, k=0: array_namespace(g).triu(g, k=k), batch=leading)
rule("broadcast_to", lambda g, y, x, shape: g, fits=True, view=True, batch=repeated_to)
rule("astype", lambda g, y, x, dtype, copy=True, device=None: g, fits=True, batch=aligned)
rule("asarray", lambda g, y, x, dtype=None, device=None, copy=None: g, fits=True, view=True, batch=aligned)


def to_device(x: Any, device: Any) -> Any:
    """Return ``x`` on the device."""
    return x.to_device(device) if hasattr(x, "to_device") else array_api_compat.to_device(x, device)


TO_DEVICE = Rule(
    "to_device", (lambda g, y, x, device: to_device(g, device_of(x)),), forward=linear(to_device), batch=aligned
)


def pieces_along(g: Any, axis: int, sizes: list[int]) -> list[Any]:
    """Return the array split into pieces of these sizes along an axis."""
    key: list[Any] = [slice(None)] * len(g.shape)
    pieces, start = [], 0
    for size in sizes:
        key[axis] = slice(start, start + size)
        pieces.append(g[tuple(key)])
        start += size
    return pieces


def _axis(axis: int | None = 0) -> int | None:
    """Return the only keyword of ``concat`` and ``stack``."""
    return axis


def _concat(g: Any, node: Any) -> list[Any]:
    axis = _axis(**(node.keywords or {}))
    shapes = [tuple(arg.shape) for arg in node.args]
    if axis is None:
        xp = array_namespace(g)
        flat = pieces_along(g, 0, [math.prod(shape) for shape in shapes])
        return [xp.reshape(piece, shape) for piece, shape in zip(flat, shapes, strict=True)]
    return pieces_along(g, axis % len(g.shape), [shape[axis] for shape in shapes])


def _stack(g: Any, node: Any) -> list[Any]:
    axis = (_axis(**(node.keywords or {})) or 0) % len(g.shape)
    ahead = (slice(None),) * axis
    return [g[(*ahead, at, ...)] for at in range(g.shape[axis])]


rule("concat", joint=_concat, forward=jointly(), batch=joined(0, flattens=True))
rule("stack", joint=_stack, forward=jointly(), batch=joined(0, flattens=False))


def _tile(g: Any, y: Any, x: Any, repetitions: Shape) -> Any:
    xp = array_namespace(g)
    shape, times = tuple(x.shape), tuple(repetitions)
    shape = (1,) * (len(times) - len(shape)) + shape
    times = (1,) * (len(shape) - len(times)) + times
    blocks = xp.reshape(g, tuple(size for pair in zip(times, shape, strict=True) for size in pair))
    return xp.reshape(xp.sum(blocks, axis=tuple(range(0, 2 * len(shape), 2))), tuple(x.shape))


rule("tile", _tile, batch=tiled)


@composite("unstack")
def _unstack(xp: Any, x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """Return ``x[0], x[1], …`` along the axis."""
    ahead = (slice(None),) * (axis % len(x.shape))
    return tuple(x[(*ahead, at, ...)] for at in range(x.shape[axis]))


@composite("broadcast_arrays")
def _broadcast_arrays(xp: Any, *arrays: Any) -> tuple[Any, ...]:
    """Return every array, broadcast to the common shape."""
    shape = broadcast_shape(*(tuple(array.shape) for array in arrays))
    return tuple(xp.broadcast_to(array, shape) for array in arrays)


@composite("meshgrid")
def _meshgrid(xp: Any, *arrays: Any, indexing: str = "xy") -> list[Any] | tuple[Any, ...]:
    """Return the coordinates of a grid."""
    sizes = [math.prod(array.shape) for array in arrays]
    places = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        places[:2] = [1, 0]
    shape = tuple(sizes[place] for place in places)
    grids = []
    for array, place in zip(arrays, places, strict=True):
        line = tuple(-1 if at == place else 1 for at in range(len(arrays)))
        grids.append(
            xp.broadcast_to(xp.reshape(array, tuple(sizes[places[place]] if n == -1 else n for n in line)), shape)
        )
    return tuple(grids)


def broadcast_shape(*shapes: Shape) -> Shape:
    """Return the shape to which all of these broadcast."""
    ndim = max((len(shape) for shape in shapes), default=0)
    columns = zip(*((1,) * (ndim - len(shape)) + shape for shape in shapes), strict=True)
    return tuple(next((size for size in column if size != 1), 1) for column in columns)
