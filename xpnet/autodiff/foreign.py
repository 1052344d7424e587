"""CuPy's own functions on Variables, ``cp.exp(x)``: each goes to the function of the standard, which records it.

CuPy asks an argument that is not its array for ``__cupy_override_elementwise_kernel__`` and hands over the kernel of an
elementwise function, known by its name; ``cp.sum`` and its like call a method of the argument. What converts the
argument to an array, as ``cp.concatenate`` does, cannot be recorded and is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi
from typing import Any, NoReturn

from xpnet.backend import dtype_kind
from xpnet.errors import LibraryError
from xpnet.kernels import erf
from xpnet.typing import Namespace

WHO = "Variable"
PREFIXES = ("cupyx_scipy_special_", "cupy_")
RENAMED = {
    "absolute": "abs",
    "fabs": "abs",
    "conjugate": "conj",
    "fix": "trunc",
    "rint": "round",
    "float_power": "pow",
    "power": "pow",
    "true_divide": "divide",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "right_shift": "bitwise_right_shift",
    **{f"arc{name}": f"a{name}" for name in ("cos", "cosh", "sin", "sinh", "tan", "tanh", "tan2")},
}
"""As CuPy's kernels are called -> as the standard calls them, where that differs."""


def _sinc(xp: Namespace, x: Any) -> Any:
    there = xp.where(x == 0, xp.ones_like(x), x) * pi
    return xp.where(x == 0, xp.ones_like(x), xp.sin(there) / there)


def _fmax(xp: Namespace, x: Any, y: Any) -> Any:
    return xp.where(x != x, y, xp.where(y != y, x, xp.maximum(x, y)))


def _fmin(xp: Namespace, x: Any, y: Any) -> Any:
    return xp.where(x != x, y, xp.where(y != y, x, xp.minimum(x, y)))


FORMULAS: dict[str, Callable[..., Any]] = {
    "angle": lambda xp, x: (
        xp.atan2(xp.imag(x), xp.real(x)) if dtype_kind(x) == "complex" else xp.atan2(xp.zeros_like(x), x)
    ),
    "cbrt": lambda xp, x: xp.sign(x) * xp.abs(x) ** (1 / 3),
    "deg2rad": lambda _, x: x * (pi / 180),
    "erf": lambda _, x: erf(x),
    "exp2": lambda xp, x: xp.exp(x * log(2)),
    "expit": lambda xp, x: 0.5 * xp.tanh(0.5 * x) + 0.5,
    "fmax": _fmax,
    "fmin": _fmin,
    "fmod": lambda xp, x, y: x - y * xp.trunc(x / y),
    "logaddexp2": lambda xp, x, y: xp.logaddexp(x * log(2), y * log(2)) / log(2),
    "rad2deg": lambda _, x: x * (180 / pi),
    "sinc": _sinc,
}
"""What the standard does not have, made of what it has."""


def elementwise(xp: Namespace, kernel: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """The result of one of CuPy's elementwise kernels on Variables and arrays.

    Raises: ``LibraryError`` for a kernel that is not known, and for ``out``.
    """
    name = str(kernel.name)
    standard = ""  # of somebody's own kernel, whatever it is called
    for prefix in PREFIXES:
        if name.startswith(prefix):
            name = name.removeprefix(prefix)
            standard = RENAMED.get(name, name)
    dtype = named.pop("dtype", None)
    if len(args) > kernel.nin or named:
        raise _refusal(name, f"the argument {next(iter(named), 'out')}", "leave it out: a Variable is not written to")
    if standard in FORMULAS:
        result = FORMULAS[standard](xp, *args)
    elif standard in vars(xp):
        result = getattr(xp, standard)(*args)
    else:
        raise _refusal(name, "a kernel whose derivative is not known", "write it as a Layer with a backward")
    return result if dtype is None else xp.astype(result, dtype, copy=False)


def _refusal(name: str, got: str, remedy: str) -> LibraryError:
    return LibraryError(WHO, f"{name} must be a function of the standard, or made of some", got, remedy)


def refuse_conversion() -> NoReturn:
    """Raise LibraryError: CuPy is about to take the values, without the history."""
    raise LibraryError(
        WHO,
        "its functions must come from its own namespace, which records them",
        "a conversion to a CuPy array",
        "use xp = array_namespace(x) and xp.concat([x, y]); for the bare values stop_gradient(x).value",
    )


METHODS: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {}
"""Methods that CuPy's functions call -> the names of their arguments in order, and what they are in the standard."""


def _method(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        METHODS[function.__name__.strip("_")] = names, function
        return function

    return register


def method(xp: Namespace, x: Any, name: str) -> Callable[..., Any]:
    """The method of a CuPy array as one of a Variable.

    Raises: ``LibraryError`` when called with ``out``, or with an order in memory that is not C's.
    """
    names, function = METHODS[name]

    def call(*args: Any, **named: Any) -> Any:
        if names[:1] == ("*",):  # shapes and axes, alone or in a tuple
            args = (args[0] if len(args) == 1 and not isinstance(args[0], int) else args,)
        given = dict(zip(names, args, strict=False)) | named
        if given.pop("out", None) is not None:
            raise _refusal(name, "the argument out", "leave it out: a Variable is not written to")
        if given.pop("order", None) not in (None, "C", "K"):
            raise _refusal(name, "an order in memory", "leave it out: Variables are in that of C")
        first = (given.pop("*"),) if "*" in given else ()
        return function(xp, x, *first, **{key: value for key, value in given.items() if value is not None})

    call.__name__ = name
    return call


@_method("axis", "dtype", "out", "keepdims")
def _sum(xp: Namespace, x: Any, **given: Any) -> Any:
    return xp.sum(x, **given)


@_method("axis", "dtype", "out", "keepdims")
def _prod(xp: Namespace, x: Any, **given: Any) -> Any:
    return xp.prod(x, **given)


@_method("axis", "dtype", "out", "keepdims")
def _mean(xp: Namespace, x: Any, dtype: Any = None, **given: Any) -> Any:
    return xp.mean(x if dtype is None else xp.astype(x, dtype), **given)


@_method("axis", "out", "keepdims")
def _max(xp: Namespace, x: Any, **given: Any) -> Any:
    return xp.max(x, **given)


@_method("axis", "out", "keepdims")
def _min(xp: Namespace, x: Any, **given: Any) -> Any:
    return xp.min(x, **given)


@_method("axis", "out", "keepdims")
def _ptp(xp: Namespace, x: Any, **given: Any) -> Any:
    return xp.max(x, **given) - xp.min(x, **given)


@_method("axis", "dtype", "out", "ddof", "keepdims")
def _var(xp: Namespace, x: Any, dtype: Any = None, ddof: float = 0, **given: Any) -> Any:
    return xp.var(x if dtype is None else xp.astype(x, dtype), correction=ddof, **given)


@_method("axis", "dtype", "out", "ddof", "keepdims")
def _std(xp: Namespace, x: Any, dtype: Any = None, ddof: float = 0, **given: Any) -> Any:
    return xp.std(x if dtype is None else xp.astype(x, dtype), correction=ddof, **given)


@_method("axis", "out", "dtype", "keepdims")
def _argmax(xp: Namespace, x: Any, **given: Any) -> Any:
    return xp.argmax(x, **given)


@_method("axis", "out", "dtype", "keepdims")
def _argmin(xp: Namespace, x: Any, **given: Any) -> Any:
    return xp.argmin(x, **given)


@_method("axis", "kind")
def _argsort(xp: Namespace, x: Any, axis: int = -1, **_: Any) -> Any:
    return xp.argsort(x, axis=axis)


@_method("axis", "kind")
def _sort(xp: Namespace, x: Any, axis: int = -1, **_: Any) -> None:
    changed = xp.sort(x, axis=axis)
    x.value, x.node = changed.value, changed.node


@_method("order")
def _copy(xp: Namespace, x: Any) -> Any:
    return xp.asarray(x, copy=True)


@_method("dtype", "order", "casting", "subok", "copy")
def _astype(xp: Namespace, x: Any, dtype: Any, copy: bool = True, **_: Any) -> Any:
    return xp.astype(x, xp.bool if dtype == "?" else dtype, copy=copy)


@_method("min", "max", "out")
def _clip(xp: Namespace, x: Any, **given: Any) -> Any:
    return xp.clip(x, **given)


@_method("b", "out")
def _dot(xp: Namespace, x: Any, b: Any) -> Any:
    if min(x.ndim, getattr(b, "ndim", 0)) == 0:
        return x * b
    return xp.tensordot(x, b, axes=((-1,), (max(b.ndim - 2, 0),)))


@_method("*", "order", "copy")
def _reshape(xp: Namespace, x: Any, shape: Any, **given: Any) -> Any:
    return xp.reshape(x, (shape,) if isinstance(shape, int) else tuple(shape), **given)


@_method("order")
def _ravel(xp: Namespace, x: Any) -> Any:
    return xp.reshape(x, (-1,))


@_method("*")
def _transpose(xp: Namespace, x: Any, axes: Any = None) -> Any:
    return xp.permute_dims(x, tuple(axes) if axes else tuple(range(x.ndim))[::-1])


@_method("axis1", "axis2")
def _swapaxes(xp: Namespace, x: Any, axis1: int, axis2: int) -> Any:
    axes = list(range(x.ndim))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return xp.permute_dims(x, tuple(axes))


@_method("axis")
def _squeeze(xp: Namespace, x: Any, axis: Any = None) -> Any:
    return xp.squeeze(x, axis=tuple(i for i, n in enumerate(x.shape) if n == 1) if axis is None else axis)


@_method("repeats", "axis")
def _repeat(xp: Namespace, x: Any, repeats: Any, axis: Any = None) -> Any:
    return xp.repeat(x, repeats, axis=axis)


@_method("indices", "axis", "out")
def _take(xp: Namespace, x: Any, indices: Any, axis: Any = None) -> Any:
    x, axis = (xp.reshape(x, (-1,)), 0) if axis is None else (x, axis)
    if isinstance(indices, int):
        return x[(slice(None),) * (axis % x.ndim) + (indices,)]
    y = xp.take(x, xp.reshape(indices, (-1,)), axis=axis)
    return xp.reshape(y, (*x.shape[: axis % x.ndim], *indices.shape, *x.shape[axis % x.ndim + 1 :]))


@_method("offset", "axis1", "axis2")
def _diagonal(xp: Namespace, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    axes = (axis1 % x.ndim, axis2 % x.ndim)
    order = (*(axis for axis in range(x.ndim) if axis not in axes), *axes)
    return xp.linalg.diagonal(xp.permute_dims(x, order), offset=offset)


@_method("offset", "axis1", "axis2", "dtype", "out")
def _trace(xp: Namespace, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, **given: Any) -> Any:
    return xp.sum(_diagonal(xp, x, offset, axis1, axis2), axis=-1, **given)
