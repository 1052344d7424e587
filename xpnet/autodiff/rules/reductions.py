# ruff: noqa: ARG001 (a rule takes all that its function takes)
"""Rules of sums, means, products, extremes and cumulative functions.

Gradients at points without a derivative: ties for ``max`` and ``min`` share equally; ``std`` has 0 at 0, and no
second derivative there. ``var`` and ``std`` are NaN if there are no more elements than the correction, and so are
their gradients.
"""

from __future__ import annotations

import math
from typing import Any

from xpnet.autodiff.batching.ways import along, reducing
from xpnet.autodiff.forward import by_weights, formula, linear
from xpnet.autodiff.rules.elementwise import as_number, conj, direction, keep_where, nonzero_or_one
from xpnet.autodiff.table import composite, rule
from xpnet.backend import array_namespace

Axis = int | tuple[int, ...] | None


def reduced_axes(x: Any, axis: Axis) -> tuple[int, ...]:
    """Return the axes that a reduction removes, as non-negative numbers."""
    ndim = len(x.shape)
    if axis is None:
        return tuple(range(ndim))
    return tuple(at % ndim for at in (axis if isinstance(axis, tuple) else (axis,)))


def keep_dims(y: Any, x: Any, axis: Axis) -> Any:
    """Return a reduction's result with axes of size 1 in place of the removed ones."""
    axes = reduced_axes(x, axis)
    shape = tuple(1 if at in axes else size for at, size in enumerate(x.shape))
    return y if tuple(y.shape) == shape else array_namespace(y).reshape(y, shape)


def spread(g: Any, x: Any, axis: Axis) -> Any:
    """Return a reduction's gradient, broadcast to the shape of its operand."""
    return array_namespace(g, x).broadcast_to(keep_dims(g, x, axis), tuple(x.shape))


def count(x: Any, axis: Axis) -> int:
    return math.prod(x.shape[at] for at in reduced_axes(x, axis))


def _sum(g: Any, y: Any, x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return spread(g, x, axis)


def _mean(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return spread(g / float(max(count(x, axis), 1)), x, axis)


def _extreme(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    xp = array_namespace(g, x)
    winners = x == keep_dims(y, x, axis)
    shares = xp.sum(as_number(winners, x), axis=reduced_axes(x, axis), keepdims=True)
    return keep_where(winners, keep_dims(g, x, axis) / shares)


def _deviation(x: Any, axis: Axis) -> Any:
    return conj(x - array_namespace(x).mean(x, axis=reduced_axes(x, axis), keepdims=True))


def _each(x: Any, axis: Axis, correction: float) -> float:
    """Return ``1 / (N - correction)``."""
    degrees = count(x, axis) - correction
    return 1.0 / degrees if degrees > 0 else math.inf


def _var(g: Any, y: Any, x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    return _deviation(x, axis) * keep_dims(g * (2.0 * _each(x, axis, correction)), x, axis)


def _std(g: Any, y: Any, x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    along = direction(_deviation(x, axis), keep_dims(y, x, axis))
    return along * keep_dims(g * _each(x, axis, correction), x, axis)


def _axes(x: Any, axis: Axis = None, **_: Any) -> tuple[int, ...]:
    return reduced_axes(x, axis)


weights = by_weights(_axes)

rule("sum", _sum, fits=True, forward=linear(), batch=reducing)
rule("mean", _mean, forward=linear(), batch=reducing)
rule("max", _extreme, fresh=True, forward=weights, batch=reducing, note="ties share equally")
rule("min", _extreme, fresh=True, forward=weights, batch=reducing, note="ties share equally")
rule(
    "var",
    _var,
    fits=True,
    fresh=True,
    forward=weights,
    batch=reducing,
    note="NaN if there are no more elements than the correction",
)
rule(
    "std",
    _std,
    fits=True,
    fresh=True,
    forward=weights,
    batch=reducing,
    note="0 where it is 0, with no second derivative; else as var",
)


def _along(ndim: int, axis: int, piece: slice) -> tuple[slice, ...]:
    return tuple(piece if at == axis % ndim else slice(None) for at in range(ndim))


def _shifted_right(x: Any, axis: int, fill: float) -> Any:
    """Return ``x`` shifted by one along the axis, with ``fill`` at the start."""
    xp = array_namespace(x)
    key = _along(len(x.shape), axis, slice(0, 1))
    head = xp.full_like(x[key], fill)
    return xp.concat([head, x[_along(len(x.shape), axis, slice(0, x.shape[axis] - 1))]], axis=axis)


def product_of_others(x: Any, axis: int) -> Any:
    """Return ``Πⱼ≠ᵢ xⱼ`` along the axis, without a division, so that zeros are allowed."""
    xp = array_namespace(x)
    if x.shape[axis] == 0:
        return x
    before = xp.cumulative_prod(_shifted_right(x, axis, 1.0), axis=axis)
    after = xp.cumulative_prod(_shifted_right(xp.flip(x, axis=axis), axis, 1.0), axis=axis)
    others = before * xp.flip(after, axis=axis)
    whole = before * x
    whole = whole[_along(len(x.shape), axis, slice(x.shape[axis] - 1, x.shape[axis]))]
    return finite_or(others, whole, x)  # if one side overflows and the other makes up for it


def finite_or(d: Any, whole: Any, x: Any) -> Any:
    """Return ``d``, with ``whole / x`` in place of inf and NaN."""
    xp = array_namespace(d, whole, x)
    return xp.where(xp.isfinite(d) | (x == 0), d, whole / nonzero_or_one(x))


def _prod(g: Any, y: Any, x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    xp = array_namespace(g, x)
    x = x if dtype is None else xp.astype(x, dtype)
    axes = reduced_axes(x, axis)
    rest = tuple(at for at in range(len(x.shape)) if at not in axes)
    order = rest + axes
    lines = xp.reshape(xp.permute_dims(x, order), (*(x.shape[at] for at in rest), count(x, axis)))
    others = xp.reshape(product_of_others(lines, len(rest)), tuple(x.shape[at] for at in order))
    others = xp.permute_dims(others, tuple(sorted(range(len(order)), key=order.__getitem__)))
    return others * keep_dims(g, x, axis)


def _backward_recurrence(g: Any, x: Any, axis: int) -> Any:
    """Return ``rᵢ = gᵢ + xᵢ₊₁ rᵢ₊₁`` along the axis, by doubling: log₂ n steps and no division."""
    xp = array_namespace(g, x)
    ndim, length = len(x.shape), x.shape[axis]
    total = g
    factor = xp.flip(_shifted_right(xp.flip(x, axis=axis), axis, 0.0), axis=axis)
    step = 1
    while step < length:
        head, tail = _along(ndim, axis, slice(0, length - step)), _along(ndim, axis, slice(step, length))
        rest = _along(ndim, axis, slice(length - step, length))
        lost = xp.isinf(factor[head]) & (total[tail] == 0)  # a product that overflowed is multiplied by 0
        more = xp.where(lost, total[tail], factor[head] * total[tail])
        total = xp.concat([total[head] + more, total[rest]], axis=axis)
        factor = xp.concat([factor[head] * factor[tail], xp.zeros_like(factor[rest])], axis=axis)
        step *= 2
    return total


def _flat_axis(x: Any, axis: int | None) -> int:
    return 0 if axis is None else axis % len(x.shape)


def _without_initial(g: Any, axis: int, include_initial: bool) -> Any:
    return g[_along(len(g.shape), axis, slice(1, g.shape[axis]))] if include_initial else g


def _cumulative_sum(
    g: Any, y: Any, x: Any, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    xp, at = array_namespace(g), _flat_axis(x, axis)
    g = _without_initial(g, at, include_initial)
    return xp.flip(xp.cumulative_sum(xp.flip(g, axis=at), axis=at), axis=at)


def _cumulative_prod(
    g: Any, y: Any, x: Any, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    xp, at = array_namespace(x), _flat_axis(x, axis)
    if x.shape[at] == 0:
        return xp.zeros_like(x)
    x = x if dtype is None else xp.astype(x, dtype)
    g, y = _without_initial(g, at, include_initial), _without_initial(y, at, include_initial)
    before = xp.cumulative_prod(_shifted_right(x, at, 1.0), axis=at)
    d = _backward_recurrence(g, x, at) * before
    sums = xp.flip(xp.cumulative_sum(xp.flip(g * y, axis=at), axis=at), axis=at)
    return finite_or(d, sums, x)  # if a product of some factors overflows, and that of all does not


def _cumulative_prod_moves(
    moves: Any, y: Any, x: Any, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Return ``sₖ = xₖ sₖ₋₁ + dxₖ Πⱼ<ₖ xⱼ``, the recurrence of the gradient in the other direction."""
    xp, at = array_namespace(moves[0], x), _flat_axis(x, axis)
    x = x if dtype is None else xp.astype(x, dtype)
    if x.shape[at] == 0:
        return xp.zeros_like(y)
    before = xp.cumulative_prod(_shifted_right(x, at, 1.0), axis=at)
    factors = _shifted_right(xp.flip(x, axis=at), at, 0.0)
    move = xp.flip(_backward_recurrence(xp.flip(moves[0] * before, axis=at), factors, at), axis=at)
    if include_initial:
        move = xp.concat([xp.zeros_like(move[_along(len(x.shape), at, slice(0, 1))]), move], axis=at)
    return move


lines = along(None, flat=True)

rule("prod", _prod, fits=True, fresh=True, forward=weights, batch=reducing)
rule("cumulative_sum", _cumulative_sum, fits=True, forward=linear(), batch=lines)
rule("cumulative_prod", _cumulative_prod, fits=True, fresh=True, forward=formula(_cumulative_prod_moves), batch=lines)


@composite("diff")
def _diff(xp: Any, x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    """Return ``xᵢ₊₁ - xᵢ``, repeated n times."""
    pieces = [piece for piece in (prepend, x, append) if piece is not None]
    if len(pieces) > 1:
        x = xp.concat(pieces, axis=axis)
    for _ in range(n):
        length, ndim = x.shape[axis], len(x.shape)
        last = _along(ndim, axis, slice(1, length))
        x = x[last] - x[_along(ndim, axis, slice(0, max(length - 1, 0)))]
    return x
