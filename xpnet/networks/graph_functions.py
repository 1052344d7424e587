"""The functions that a ``Graph`` may call by name: those of the standard, with sizes that follow from its inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xpnet.backend import array_namespace, device_of
from xpnet.errors import ArgumentError
from xpnet.kernels import erf
from xpnet.typing import Array

Function = Callable[..., Any]


def by_operator(name: str) -> Function:
    """Return a function of the standard that takes arrays and numbers."""

    def function(*operands: Any) -> Any:
        xp = array_namespace(*operands)
        like = next(x for x in operands if hasattr(x, "dtype"))
        return getattr(xp, name)(*[as_array(xp, x, like) for x in operands])

    return function


def as_array(xp: Any, x: Any, like: Array) -> Any:
    """Return a number as an array like one beside it, which some libraries ask for."""
    if hasattr(x, "dtype"):
        return x
    return xp.full((), x, dtype=like.dtype, device=device_of(like))


def reduction(name: str) -> Function:
    """Return a reduction over axes, all if they are None."""

    def function(x: Array, axis: Sequence[int] | None = None, keepdims: bool = True) -> Any:
        axes = tuple(range(x.ndim)) if axis is None else tuple(axis)
        return getattr(array_namespace(x), name)(x, axis=axes, keepdims=keepdims)

    return function


def reshape(x: Array, shape: Sequence[int]) -> Any:
    return array_namespace(x).reshape(x, tuple(shape))


def permute_dims(x: Array, axes: Sequence[int]) -> Any:
    return array_namespace(x).permute_dims(x, tuple(axes))


def expand_dims(x: Array, axes: Sequence[int]) -> Any:
    """Return x with axes of length 1, which are those of the result."""
    for axis in sorted(axes):
        x = array_namespace(x).expand_dims(x, axis=axis)
    return x


def squeeze(x: Array, axes: Sequence[int]) -> Any:
    return array_namespace(x).squeeze(x, axis=tuple(axes))


def broadcast_to(x: Array, shape: Sequence[int]) -> Any:
    """Return x broadcast against a shape, as by an operator: axes of length 1 in either become those of the other."""
    own = (1,) * (len(shape) - x.ndim) + tuple(x.shape)
    wanted = (1,) * (x.ndim - len(shape)) + tuple(shape)
    sizes = tuple(b if a == 1 else a for a, b in zip(own, wanted, strict=True))
    return array_namespace(x).broadcast_to(x, sizes)


def concat(*arrays: Array, axis: int) -> Any:
    return array_namespace(*arrays).concat(list(arrays), axis=axis)


def cut(x: Array, axis: int, start: int | None = None, stop: int | None = None, step: int | None = None) -> Any:
    """Return a slice along an axis; a negative step reads x from its end, which not all libraries do."""
    before, length = (slice(None),) * (axis % x.ndim), x.shape[axis]
    if step is not None and step < 0:
        places = range(*slice(start, stop, step).indices(length))
        x = array_namespace(x).flip(x, axis=axis)
        start = length - 1 - places[0] if places else 0
        stop, step = (start - step * (len(places) - 1) + 1 if places else 0), -step
    return x[(*before, slice(start, stop, step), ...)]


def index(x: Array, axis: int, at: int) -> Any:
    """Return the part of x at an index of an axis, which is left out."""
    before = (slice(None),) * (axis % x.ndim)
    return x[(*before, at, ...)]


def take(x: Array, indices: Array, axis: int) -> Any:
    """Return the parts of x at indices of an axis, of any shape."""
    xp = array_namespace(x, indices)
    axis %= x.ndim
    flat = xp.take(x, xp.reshape(indices, (-1,)), axis=axis)
    return xp.reshape(flat, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def where(condition: Array, a: Any, b: Any) -> Any:
    like = next(x for x in (a, b) if hasattr(x, "dtype"))
    xp = array_namespace(condition, a, b)
    return xp.where(condition, as_array(xp, a, like), as_array(xp, b, like))


def softmax(x: Array, axis: int) -> Any:
    """Return softmax along an axis, exact for scores of any size."""
    xp = array_namespace(x)
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


def clip(x: Array, low: float | None = None, high: float | None = None) -> Any:
    xp = array_namespace(x)
    if low is not None:
        x = xp.maximum(x, as_array(xp, low, x))
    return x if high is None else xp.minimum(x, as_array(xp, high, x))


def astype(x: Array, dtype: str) -> Any:
    xp = array_namespace(x)
    return xp.astype(x, getattr(xp, dtype))


def reciprocal(x: Array) -> Any:
    return 1.0 / x


def identity(x: Array) -> Array:
    return x


ELEMENTWISE = (
    *("add", "subtract", "multiply", "divide", "pow", "maximum", "minimum", "matmul", "logical_and", "logical_or"),
    *("less", "less_equal", "greater", "greater_equal", "equal", "negative", "abs", "exp", "log", "sqrt", "sin", "cos"),
    *("tanh", "floor", "ceil", "sign", "logical_not", "isnan", "isinf"),
)
REDUCTIONS = ("sum", "mean", "max", "min", "prod")
OTHERS = (
    *(
        reshape,
        permute_dims,
        expand_dims,
        squeeze,
        broadcast_to,
        concat,
        cut,
        index,
        take,
        where,
        softmax,
        clip,
        astype,
    ),
    *(reciprocal, identity),
)

FUNCTIONS: dict[str, Function] = {
    **{name: by_operator(name) for name in ELEMENTWISE},
    **{name: reduction(name) for name in REDUCTIONS},
    **{function.__name__: function for function in OTHERS},
    "erf": erf,
}


def function_of(who: str, name: str) -> Function:
    """Return the function of a name.

    Raises: ``ArgumentError`` for one that is not among them.
    """
    if name not in FUNCTIONS:
        must = f"a function must be one of {', '.join(FUNCTIONS)}"
        raise ArgumentError(who, must, repr(name), "choose one, or write a layer")
    return FUNCTIONS[name]
