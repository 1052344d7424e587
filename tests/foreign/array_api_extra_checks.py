"""Checks of ``array-api-extra``."""

from __future__ import annotations

from typing import Any

import array_api_compat
import array_api_extra as xpx
import numpy as np
from foreign_checks import Check, some


def check(name: str, call: Any, *points: Any) -> Check:
    return Check(f"xpx.{name}", call, points)


def space(x: Any) -> Any:
    return array_api_compat.array_namespace(x)


def with_nan(x: Any) -> Any:
    xp = space(x)
    return xp.where(x > 1.0, xp.full_like(x, np.nan), x)


X, Y, M = some(6), some(6, seed=1), some(3, 4)

AT = {
    "set": lambda x, v: xpx.at(x)[1:3].set(v[:2]),
    "set mask": lambda x, v: xpx.at(x)[x > 0].set(0.5),
    "set mask by values": lambda x, v: xpx.at(x)[x > 0].set(v[x > 0]),
    "add": lambda x, v: xpx.at(x)[1:3].add(v[:2]),
    "add at an index": lambda x, v: xpx.at(x)[2].add(v[0]),
    "subtract": lambda x, v: xpx.at(x)[1:].subtract(v[1:]),
    "multiply": lambda x, v: xpx.at(x)[x > 0].multiply(2.0),
    "divide": lambda x, v: xpx.at(x)[:2].divide(v[:2]),
    "power": lambda x, v: xpx.at(x * x)[:2].power(2.0),
    "min": lambda x, v: xpx.at(x)[...].min(v),
    "max": lambda x, v: xpx.at(x)[::2].max(v[::2]),
    "set copy": lambda x, v: xpx.at(x)[0].set(v[0], copy=True) + x,
    "set by call": lambda x, v: xpx.at(x, slice(0, 2)).set(v[:2]),
}

CHECKS = (
    *(check(f"at {name}", call, X, Y) for name, call in AT.items()),
    check("angle", lambda x: xpx.angle(x + 1j * 1.0), X),
    check("apply_where", lambda x: xpx.apply_where(x > 0, x, lambda x: space(x).sqrt(1.0 + x), lambda x: x * x), X),
    check("apply_where fill", lambda x: xpx.apply_where(x > 0, x, lambda x: space(x).log(1.0 + x), fill_value=0.0), X),
    check(
        "apply_where of two", lambda x, y: xpx.apply_where(x > y, (x, y), lambda x, y: x * y, lambda x, y: x - y), X, Y
    ),
    check("argpartition", lambda x: space(x).take(x, xpx.argpartition(x, 2)[:2]), X),
    check("atleast_nd", lambda x: xpx.atleast_nd(x, ndim=3), X),
    check("cov", xpx.cov, M),
    check("cov of a line", xpx.cov, X),
    check("create_diagonal", xpx.create_diagonal, X),
    check("create_diagonal offset", lambda x: xpx.create_diagonal(x, offset=1), X),
    check("create_diagonal of rows", xpx.create_diagonal, M),
    check("deg2rad", xpx.deg2rad, X),
    check("rad2deg", xpx.rad2deg, X),
    check("expand_dims", lambda x: xpx.expand_dims(x, axis=(0, 2)), X),
    check("isclose", lambda x, y: space(x).where(xpx.isclose(x, y), x, y), X, Y),
    check("kron", lambda a, b: xpx.kron(a, b), M, some(2, 2)),
    check("kron of lines", lambda a, b: xpx.kron(a, b), X, Y),
    check("nan_to_num", lambda x: xpx.nan_to_num(with_nan(x)), X),
    check("nan_to_num fill", lambda x: xpx.nan_to_num(with_nan(x), fill_value=2.0), X),
    check("nanmax", lambda x: xpx.nanmax(with_nan(x)), X),
    check("nanmin", lambda x: xpx.nanmin(with_nan(x)), X),
    check("nansum", lambda x: xpx.nansum(with_nan(x)), X),
    check("nanmean", lambda x: xpx.nanmean(with_nan(x)), X),
    check("nunique", lambda x: x * space(x).astype(xpx.nunique(x), x.dtype), X),
    check("one_hot", lambda x: space(x).astype(xpx.one_hot(space(x).argsort(x), 6), x.dtype) @ x, X),
    check("pad", lambda x: xpx.pad(x, 2), X),
    check("pad constant", lambda x: xpx.pad(x, (1, 2), constant_values=1.5), X),
    check("pad of axes", lambda x: xpx.pad(x, [(1, 0), (0, 2)]), M),
    check("partition", lambda x: space(x).sort(xpx.partition(x, 2)[:3]), X),
    check("setdiff1d", lambda x, y: xpx.setdiff1d(x, y), X, Y),
    check("sinc", xpx.sinc, X),
    check("union1d", lambda x, y: xpx.union1d(x, y), X, Y),
    check("isin", lambda x: space(x).where(xpx.isin(x, x[:2]), x, 2.0 * x), X),
    check("searchsorted", lambda x, y: y * space(x).astype(xpx.searchsorted(space(x).sort(x), y), y.dtype), X, Y),
    check("tril_indices", lambda x: x[xpx.tril_indices(3, xp=space(x))], some(3, 3)),
    check("triu_indices", lambda x: x[xpx.triu_indices(3, xp=space(x))], some(3, 3)),
    check("diag_indices", lambda x: x[xpx.diag_indices(3, xp=space(x))], some(3, 3)),
    check("unravel_index", lambda x: x[xpx.unravel_index(space(x).asarray([1, 5]), (3, 4))], M),
    check("lazy_apply", lambda x: xpx.lazy_apply(lambda x: x * x, x), X),
    check("broadcast_shapes", lambda x: space(x).broadcast_to(x, xpx.broadcast_shapes((3, 1), (6,))), X),
    check("default_dtype", lambda x: space(x).astype(x, xpx.default_dtype(space(x))), X),
)
