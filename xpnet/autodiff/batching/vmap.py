"""``vmap``: a function of one array as a function of a batch, without a loop."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from functools import update_wrapper
from typing import Any

from xpnet.autodiff.batching.apply import unboxed
from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.nodes import BATCH, Trace, tracing
from xpnet.autodiff.traced import Function, below, name_of, returns_none
from xpnet.autodiff.tree import leaves, same_form
from xpnet.backend import array_namespace, is_array
from xpnet.errors import ArgumentError, DtypeError, ShapeError


def vmap(f: Function, in_axes: Any = 0, out_axes: Any = 0, *, loop: bool = False) -> Function:
    """Return the function over a batch, ``y[n] = f(x[n])``, that calls f once, with the whole batch.

    ``in_axes`` names the axis of each argument that is the batch, None for an argument that all share: a number for all
    arguments, or a tuple with a number, None, or a dict, list or tuple of them for each. ``out_axes`` says where the
    batch stands in the results. What f computes with must be functions of ``xp = array_namespace(x)``, operators, or
    NumPy's functions. With ``loop`` it calls f once for each n and stacks the results, whatever f does.

        xn.vmap(lambda a, x: a @ x, in_axes=(0, None))(A, x)

    Raises: ``ShapeError`` for batches of different sizes and axes that are not there; ``ArgumentError`` for in_axes
    that do not fit the arguments; ``BatchError`` where f asks for one value of a batch, as ``if`` does, or calls what
    has no batching rule.
    """
    if not callable(f):
        raise DtypeError("vmap", "f must be a function", type(f).__name__, "write vmap(f)(x)")

    def batched(*args: Any, **keywords: Any) -> Any:
        axes = axes_of_arguments(in_axes, args)
        placed = [pair for arg, axis in zip(args, axes, strict=True) for pair in with_axes(arg, axis, "in_axes")]
        n = size_of_batch(placed)
        if loop:
            return _one_by_one(f, args, keywords, placed, n, out_axes)
        with tracing(below((args, keywords)), BATCH) as trace:
            rows = iter([x if axis is None else Batch(moveaxis(x, axis, 0), trace) for x, axis in placed])
            y = f(*same_form(lambda _: next(rows), args), **keywords)
            if y is None:
                raise returns_none(f, "vmap")
            like = next(x for x, axis in placed if axis is not None)
            found = iter([result(x, axis, n, trace, f, like) for x, axis in with_axes(y, out_axes, "out_axes")])
            return same_form(lambda _: next(found), y)

    return update_wrapper(batched, f)


def moveaxis(x: Any, source: int, destination: int) -> Any:
    return x if source == destination else array_namespace(x).moveaxis(x, source, destination)


def axes_of_arguments(in_axes: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what in_axes says of each argument.

    Raises: ``ArgumentError`` for another number of them.
    """
    if not isinstance(in_axes, tuple | list):
        return (in_axes,) * len(args)
    if len(in_axes) != len(args):
        must = f"in_axes must have one entry for each of the {len(args)} arguments"
        raise ArgumentError("vmap", must, len(in_axes), "write None for an argument that all share")
    return tuple(in_axes)


def with_axes(tree: Any, axes: Any, name: str) -> list[tuple[Any, int | None]]:
    """Return the arrays of a tree, each with its axis; a number or None holds for all below it.

    Raises: ``ArgumentError`` for what is neither, and for another form than the tree's; as ``checked``.
    """
    if axes is None or isinstance(axes, int) or hasattr(axes, "__index__"):
        return [(x, checked(x, axes, name)) for x in leaves(tree)]
    if isinstance(axes, Mapping) and isinstance(tree, Mapping) and axes.keys() == tree.keys():
        return [pair for key in tree for pair in with_axes(tree[key], axes[key], name)]
    if isinstance(axes, tuple | list) and isinstance(tree, tuple | list) and len(axes) == len(tree):
        return [pair for branch, axis in zip(tree, axes, strict=True) for pair in with_axes(branch, axis, name)]
    must = f"{name} must be numbers or None, alone or nested as the arrays are"
    raise ArgumentError("vmap", must, repr(axes), f"write one number, {name}=0, for all")


def checked(x: Any, axis: Any, name: str) -> int | None:
    """Return the axis, counted from 0 in in_axes.

    Raises: ``DtypeError`` for a number, which has no axis; ``ShapeError`` for an axis that is not there.
    """
    if axis is None or name == "out_axes":
        return None if axis is None else operator.index(axis)
    if not is_array(x):
        got = type(x).__name__
        raise DtypeError("vmap", "what has an axis in in_axes must be an array", got, "give None for what all share")
    ndim, axis = len(x.shape), operator.index(axis)
    if not -ndim <= axis < ndim:
        must = f"in_axes must name an axis of an array of shape {tuple(x.shape)}"
        raise ShapeError("vmap", must, axis, "give None for what all share")
    return int(axis % ndim)


def size_of_batch(placed: list[tuple[Any, int | None]]) -> int:
    """Return how many rows there are.

    Raises: ``ShapeError`` where that is not one number.
    """
    sizes = {x.shape[axis] for x, axis in placed if axis is not None}
    if len(sizes) != 1:
        raise ShapeError("vmap", "all batches must have one size", sorted(sizes) or "none", "check in_axes")
    return int(sizes.pop())


def result(x: Any, axis: int | None, n: int, trace: Trace, f: Function, like: Any) -> Any:
    """Return one result with the axis of the batch in its place; what does not depend on the batch is repeated.

    Raises: ``DtypeError`` for what is no array; ``ArgumentError`` where out_axes is None and the result a batch.
    """
    x = unboxed(x)
    if type(x) is Batch and x.level is trace:
        if axis is None:
            must = f"out_axes may be None where the result of {name_of(f)} does not depend on the batch"
            raise ArgumentError("vmap", must, "a batch", "give the axis, out_axes=0")
        return moveaxis(x.value, 0, placed_axis(axis, len(x.value.shape)))
    if not is_array(x):
        if not isinstance(x, int | float | complex):
            raise DtypeError("vmap", f"{name_of(f)} must return arrays", type(x).__name__, "return only arrays")
        x = array_namespace(like).asarray(x, device=like.device) if axis is not None else x
    if axis is None:
        return x
    whole = array_namespace(x).broadcast_to(x, (n, *x.shape))
    return moveaxis(array_namespace(x).asarray(whole, copy=True), 0, placed_axis(axis, len(whole.shape)))


def placed_axis(axis: int, ndim: int) -> int:
    """Return where the batch comes to stand.

    Raises: ``ShapeError`` for an axis that the result has not.
    """
    if not -ndim <= axis < ndim:
        must = f"out_axes must name an axis of a result of {ndim} axes, that of the batch among them"
        raise ShapeError("vmap", must, axis, "use out_axes=0")
    return axis % ndim


def _one_by_one(
    f: Function, args: tuple[Any, ...], keywords: dict[str, Any], placed: Any, n: int, out_axes: Any
) -> Any:
    """Return the results of f for each row, stacked."""

    def row(at: int) -> Any:
        parts = iter([x if axis is None else x[(*(slice(None),) * axis, at, ...)] for x, axis in placed])
        return f(*same_form(lambda _: next(parts), args), **keywords)

    rows = [row(at) for at in range(n)]
    if not rows or rows[0] is None:
        raise returns_none(f, "vmap")
    axes = iter([axis for _, axis in with_axes(rows[0], out_axes, "out_axes")])

    def stacked(*ys: Any) -> Any:
        axis = next(axes)
        return ys[0] if axis is None else array_namespace(*ys).stack(ys, axis=axis)

    return same_form(stacked, *rows)
