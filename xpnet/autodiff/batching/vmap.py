"""``vmap``: a function of one array becomes a function of a batch, without a loop."""

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
    """Return the function over a batch, ``y[n] = f(x[n])``, which calls f once, with the whole batch.

    ``in_axes`` names the batch axis of each argument, None for an argument that is not a batch: one number for all
    arguments, or a tuple with a number, None, or a dict, list or tuple of them for each. ``out_axes`` names the
    batch axis of the results. f must compute with functions of ``xp = array_namespace(x)``, operators, or NumPy's
    functions. With ``loop=True``, f is called once for each n and the results are stacked, whatever f calls.

    Raises: ``ShapeError`` for batches of different sizes and axes that do not exist; ``ArgumentError`` for in_axes
    that do not fit the arguments; ``BatchError`` if f needs one value of a batch, as ``if`` does, or calls a function
    without a batching rule.

    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> xn.vmap(xn.grad(lambda row: (row**2).sum()))(x)  # a gradient for each row
    array([[2., 4.],
           [6., 8.]])
    >>> xn.vmap(lambda row, y: row @ y, in_axes=(0, None))(x, np.array([1.0, 1.0]))
    array([3., 7.])
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
    """Return the entry of in_axes for each argument.

    Raises: ``ArgumentError`` if the number of entries differs from the number of arguments.
    """
    if not isinstance(in_axes, tuple | list):
        return (in_axes,) * len(args)
    if len(in_axes) != len(args):
        must = f"in_axes must have one entry for each of the {len(args)} arguments"
        raise ArgumentError("vmap", must, len(in_axes), "write None for an argument without a batch axis")
    return tuple(in_axes)


def with_axes(tree: Any, axes: Any, name: str) -> list[tuple[Any, int | None]]:
    """Return the arrays of a tree, each with its axis; a number or None holds for all arrays below it.

    Raises: ``ArgumentError`` for axes of another type or of another form than the tree; errors of ``checked``.
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
    """Return the axis, counted from 0 for in_axes.

    Raises: ``DtypeError`` for a number, which has no axis; ``ShapeError`` for an axis that does not exist.
    """
    if axis is None or name == "out_axes":
        return None if axis is None else operator.index(axis)
    if not is_array(x):
        got = type(x).__name__
        raise DtypeError(
            "vmap",
            "an argument with an axis in in_axes must be an array",
            got,
            "give None for an argument without a batch axis",
        )
    ndim, axis = len(x.shape), operator.index(axis)
    if not -ndim <= axis < ndim:
        must = f"in_axes must name an axis of an array of shape {tuple(x.shape)}"
        raise ShapeError("vmap", must, axis, "give None for an argument without a batch axis")
    return int(axis % ndim)


def size_of_batch(placed: list[tuple[Any, int | None]]) -> int:
    """Return the number of arrays in the batch.

    Raises: ``ShapeError`` if the batches differ in size or there is none.
    """
    sizes = {x.shape[axis] for x, axis in placed if axis is not None}
    if len(sizes) != 1:
        raise ShapeError("vmap", "all batches must have the same size", sorted(sizes) or "none", "check in_axes")
    return int(sizes.pop())


def result(x: Any, axis: int | None, n: int, trace: Trace, f: Function, like: Any) -> Any:
    """Return a result with the batch axis in its place; a result that does not depend on the batch is repeated.

    Raises: ``DtypeError`` for a result that is not an array; ``ArgumentError`` if out_axes is None for a batch.
    """
    x = unboxed(x)
    if type(x) is Batch and x.level is trace:
        if axis is None:
            must = f"out_axes may be None only if the result of {name_of(f)} does not depend on the batch"
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
    """Return the position of the batch axis, counted from 0.

    Raises: ``ShapeError`` for an axis that the result does not have.
    """
    if not -ndim <= axis < ndim:
        must = f"out_axes must name an axis of a result of {ndim} axes, the batch axis included"
        raise ShapeError("vmap", must, axis, "use out_axes=0")
    return axis % ndim


def _one_by_one(
    f: Function, args: tuple[Any, ...], keywords: dict[str, Any], placed: Any, n: int, out_axes: Any
) -> Any:
    """Return the results of f for each row, stacked, computed one row after another."""

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
