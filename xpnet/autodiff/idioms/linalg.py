"""Linear algebra under NumPy's names."""

from __future__ import annotations

import math
from typing import Any

from xpnet.autodiff.idioms.products import dot
from xpnet.autodiff.idioms.table import as_axis, idiom
from xpnet.autodiff.table import base


@idiom("linalg.norm")
def _norm(xp: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002 (NumPy's)
    axis = as_axis(axis)
    if axis is None and ord is not None and len(x.shape) == 2:
        axis = (0, 1)
    if isinstance(axis, tuple) and len(axis) == 2 and ord is not None:
        y = xp.linalg.matrix_norm(xp.moveaxis(x, axis, (-2, -1)), ord=ord)
        if not keepdims:
            return y
        places = {at % len(x.shape) for at in axis}
        return xp.reshape(y, tuple(1 if at in places else n for at, n in enumerate(x.shape)))
    return xp.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=2 if ord is None else ord)


@idiom("linalg.multi_dot")
def _multi_dot(xp: Any, arrays_: Any) -> Any:
    first, *rest = arrays_
    for other in rest:
        first = dot(xp, first, other)
    return first


@idiom("linalg.lstsq")
def lstsq(xp: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    """Return the least-squares solution for a matrix of full rank, the residuals, the rank and the singular values."""
    m, n = a.shape
    values = xp.linalg.svdvals(a)
    plain = xp.differentiates
    limit = max(m, n) * float(plain.finfo(base(a).dtype).eps) if rcond in (None, -1) else rcond
    rank = int(plain.count_nonzero(base(values) > limit * plain.max(base(values))))
    x = xp.linalg.pinv(a) @ b
    residuals = xp.sum((b - a @ x) ** 2, axis=0) if rank == n < m else xp.zeros((0,), dtype=a.dtype)
    return x, xp.reshape(residuals, (-1,)), rank, values


@idiom("linalg.cond")
def _cond(xp: Any, x: Any, p: Any = None) -> Any:
    if p in (None, 2, -2):
        values = xp.linalg.svdvals(x)
        return values[..., 0] / values[..., -1] if p != -2 else values[..., -1] / values[..., 0]
    return xp.linalg.matrix_norm(x, ord=p) * xp.linalg.matrix_norm(xp.linalg.inv(x), ord=p)


@idiom("linalg.svd")
def _svd(xp: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:  # noqa: ARG001
    return xp.linalg.svd(a, full_matrices=full_matrices) if compute_uv else xp.linalg.svdvals(a)


@idiom("linalg.qr")
def _qr(xp: Any, a: Any, mode: str = "reduced") -> Any:
    return xp.linalg.qr(a, mode="reduced").R if mode == "r" else xp.linalg.qr(a, mode=mode)


@idiom("linalg.tensorsolve")
def _tensorsolve(xp: Any, a: Any, b: Any) -> Any:
    n, shape = math.prod(b.shape), tuple(a.shape[len(b.shape) :])
    return xp.reshape(xp.linalg.solve(xp.reshape(a, (n, n)), xp.reshape(b, (n,))), shape)


@idiom("linalg.tensorinv")
def _tensorinv(xp: Any, a: Any, ind: int = 2) -> Any:
    rows, columns = tuple(a.shape[:ind]), tuple(a.shape[ind:])
    n = math.prod(rows)
    return xp.reshape(xp.linalg.inv(xp.reshape(a, (n, n))), (*columns, *rows))
