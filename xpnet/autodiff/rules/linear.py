# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of products of vectors and matrices, and of norms composed of them.

A norm has gradient 0 where it is 0, and no second derivative there. The norm of order 0 counts and has no gradient.
"""

from __future__ import annotations

import math
from typing import Any

from xpnet.autodiff.batching.ways import leading, multiplied, reducing
from xpnet.autodiff.forward import by_weights, linear
from xpnet.autodiff.rules.elementwise import as_number, conj, direction, keep_where, nonzero_or_one
from xpnet.autodiff.rules.reductions import keep_dims, reduced_axes
from xpnet.autodiff.table import composite, rule
from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.errors import ArgumentError, ShapeError


def mt(x: Any) -> Any:
    """Return ``xᵀ`` of the last two axes."""
    return array_namespace(x).matrix_transpose(x)


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(b.shape) == 1:
        return g[..., None] * b
    if len(a.shape) == 1:
        product = g[..., None, :] @ mt(b)
        return product[..., 0, :]
    return g @ mt(b) if len(b.shape) > 2 else g @ b.T


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(a.shape) == 1:
        return a * g if len(b.shape) == 1 else a[:, None] * g[..., None, :]
    if len(b.shape) == 1:
        product = mt(a) @ g[..., None]
        return product[..., 0]
    return mt(a) @ g if len(a.shape) > 2 or len(g.shape) > 2 else a.T @ g


for name in ("matmul", "linalg.matmul"):
    rule(name, _matmul_left, _matmul_right, fits=True, fresh=True, forward=linear(), batch=multiplied)


def _unequal(who: str, size1: Any, size2: Any) -> ShapeError:
    must = "the summed axes must have equal sizes"
    return ShapeError(who, must, f"{size1} and {size2}", "name other axes")


@composite("vecdot")
def vecdot(xp: Any, x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Return ``Σ conj(x1) x2`` along the axis."""
    if x1.shape[axis] != x2.shape[axis]:
        raise _unequal("vecdot", x1.shape[axis], x2.shape[axis])
    products = conj(x1) * x2
    return xp.sum(products, axis=axis, dtype=products.dtype)


@composite("tensordot")
def tensordot(xp: Any, x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """Return the product of two arrays, summed over pairs of axes."""
    n1, n2 = len(x1.shape), len(x2.shape)
    if isinstance(axes, int):
        axes = (tuple(range(n1 - axes, n1)), tuple(range(axes)))
    sum1, sum2 = (tuple(axis % n for axis in some) for some, n in zip(axes, (n1, n2), strict=True))
    sizes1, sizes2 = (tuple(x.shape[at] for at in axes) for x, axes in ((x1, sum1), (x2, sum2)))
    if sizes1 != sizes2:
        raise _unequal("tensordot", sizes1, sizes2)
    rest1 = tuple(axis for axis in range(n1) if axis not in sum1)
    rest2 = tuple(axis for axis in range(n2) if axis not in sum2)
    shape1, shape2 = (tuple(x.shape[at] for at in rest) for x, rest in ((x1, rest1), (x2, rest2)))
    inner = math.prod(sizes1)
    left = xp.reshape(xp.permute_dims(x1, rest1 + sum1), (math.prod(shape1), inner))
    right = xp.reshape(xp.permute_dims(x2, sum2 + rest2), (inner, math.prod(shape2)))
    return xp.reshape(left @ right, shape1 + shape2)


composite("linalg.vecdot")(vecdot)
composite("linalg.tensordot")(tensordot)
rule("linalg.matrix_transpose", lambda g, y, x: mt(g), forward=linear(), batch=leading)


@composite("linalg.outer")
def _outer(xp: Any, x1: Any, x2: Any, /) -> Any:
    """Return ``yᵢⱼ = aᵢ bⱼ``."""
    return xp.reshape(x1, (-1, 1)) * xp.reshape(x2, (1, -1))


@composite("linalg.cross")
def _cross(xp: Any, x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Return the cross product of vectors of three elements."""
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ArgumentError(
            "cross",
            "both vectors must have 3 elements",
            f"{x1.shape[axis]} and {x2.shape[axis]}",
            "name another axis",
        )

    def ahead(x: Any, by: int) -> Any:
        return xp.roll(x, -by, axis=axis)

    return ahead(x1, 1) * ahead(x2, 2) - ahead(x1, 2) * ahead(x2, 1)


def _diagonal(g: Any, y: Any, x: Any, offset: int = 0) -> Any:
    xp = array_namespace(g)
    rows, columns = x.shape[-2:]
    above, length = max(-offset, 0), g.shape[-1]
    if length == 0:  # the offset is out of range
        return xp.zeros(tuple(x.shape), dtype=g.dtype, device=device_of(g))
    sides = [(*g.shape[:-1], n) for n in (above, rows - above - length)]
    before, after = (xp.zeros(shape, dtype=g.dtype, device=device_of(g)) for shape in sides)
    lines = xp.concat([before, g, after], axis=-1)
    on = xp.eye(rows, columns, k=offset, dtype=xp.int8, device=device_of(g)) == 1
    return keep_where(on, lines[..., None])


rule("linalg.diagonal", _diagonal, fits=True, fresh=True, forward=linear(), batch=leading)


@composite("linalg.trace")
def _trace(xp: Any, x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Return ``Σᵢ xᵢᵢ``."""
    return xp.sum(xp.linalg.diagonal(x, offset=offset), axis=-1, dtype=dtype)


@composite("linalg.matrix_power")
def _matrix_power(xp: Any, x: Any, n: int, /) -> Any:
    """Return ``xⁿ`` by squaring."""
    if n < 0:
        x, n = xp.linalg.inv(x), -n
    power = None
    while n:
        if n & 1:
            power = x if power is None else power @ x
        x = x @ x if n > 1 else x
        n >>= 1
    if power is None:
        one = xp.eye(x.shape[-1], dtype=x.dtype, device=device_of(x))
        power = xp.where(one == one, one, x)
    return power


def _norm(g: Any, y: Any, x: Any, axis: Any, order: float) -> Any:
    """Return the gradient of ``(Σ |x|ᵖ)^(1/p)``, ``|x|ᵖ⁻¹ sign(x) / yᵖ⁻¹``."""
    xp = array_namespace(g, x, y)
    g, y = keep_dims(g, x, axis), keep_dims(y, x, axis)
    if dtype_kind(x) == "complex":
        g, y = xp.astype(g, x.dtype), xp.astype(y, x.dtype)
    size = xp.abs(x)
    sign = conj(xp.sign(x))
    if order == math.inf or order == -math.inf:
        axes = reduced_axes(x, axis)
        winners = size == (xp.max if order > 0 else xp.min)(size, axis=axes, keepdims=True)
        shares = xp.sum(as_number(winners, x), axis=axes, keepdims=True)
        return keep_where(winners, g) * (sign / shares)
    if order == 1:
        return g * sign
    if order == 2:
        return g * direction(conj(x), y)
    ratio = xp.astype(nonzero_or_one(size), x.dtype) / nonzero_or_one(y)
    return keep_where(y != 0, g * (sign * ratio ** (order - 1)))


def _vector_norm(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:  # noqa: A002
    if ord == 0:
        return array_namespace(x).zeros_like(x)
    return _norm(g, y, x, axis, ord)


rule(
    "linalg.vector_norm",
    _vector_norm,
    fresh=True,
    forward=by_weights(lambda x, axis=None, **_: reduced_axes(x, axis)),
    batch=reducing,
    note="0 where the norm is 0, and no second derivative; order 0 has 0; orders ±inf share ties equally",
)


@composite("linalg.matrix_norm", "as svdvals and vector_norm, of which it is composed")
def _matrix_norm(xp: Any, x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    """Return the norm of the matrices in the last two axes."""
    if ord == "fro":
        return xp.linalg.vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord in ("nuc", 2, -2):
        values = xp.linalg.svdvals(x)
        reduce = {"nuc": xp.sum, 2: xp.max, -2: xp.min}[ord]
    elif ord in (1, -1, math.inf, -math.inf):
        values = xp.sum(xp.abs(x), axis=-2 if ord in (1, -1) else -1)
        reduce = xp.max if ord > 0 else xp.min
    else:
        raise ArgumentError(
            "matrix_norm", "ord must be 'fro', 'nuc', ±1, ±2 or ±inf", repr(ord), "use vector_norm for other orders"
        )
    norm = reduce(values, axis=-1)
    return norm[..., None, None] if keepdims else norm
