"""Idioms of NumPy, each called as ``np.`` and as ``xp.``, and methods of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat
import numpy as np
from foreign_checks import Check, positive, some

X, Y, M, N, S = some(6), some(6, seed=1), some(3, 4), some(4, 3), some(3, 3)
P = positive(6)
GRID = np.linspace(-3.0, 3.0, 7)


def written(np: Any, x: Any, name: str, *arguments: Any) -> Any:
    """A copy of x to which one of NumPy's functions has written."""
    y = x * 1.0
    first, _, method = name.partition(".")
    function = getattr(np, first)
    (getattr(function, method) if method else function)(y, *arguments)
    return y


# name -> function of a namespace (NumPy itself, or the array's own) and arrays, and the points
IDIOMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "exp": (lambda np, x: np.exp(x), (X,)),
    "ufuncs": (lambda np, x: np.sin(x) + np.arctan(x) * np.tanh(x) - np.expm1(x), (X,)),
    "power": (lambda np, x: np.power(x, 2.0) + np.float_power(x, 3), (P,)),
    "sqrt of sum": (lambda np, x: np.sqrt(np.sum(np.square(x))), (X,)),
    "sum over an axis": (lambda np, x: np.sum(x, axis=0), (M,)),
    "mean keepdims": (lambda np, x: x - np.mean(x, axis=1, keepdims=True), (M,)),
    "var": (lambda np, x: np.var(x, axis=0), (M,)),
    "std": (lambda np, x: np.std(x), (M,)),
    "max": (lambda np, x: np.max(x, axis=1), (M,)),
    "amax": (lambda np, x: np.amax(x, axis=1), (M,)),
    "ptp": (lambda np, x: np.ptp(x, axis=0), (M,)),
    "prod": (lambda np, x: np.prod(x, axis=0), (M,)),
    "cumsum": (lambda np, x: np.cumsum(x), (M,)),
    "cumprod": (lambda np, x: np.cumprod(x, axis=1), (M,)),
    "maximum": (lambda np, x, y: np.maximum(x, y) * np.minimum(x, 0.3), (X, Y)),
    "where": (lambda np, x: np.where(x > 0, x, 0.1 * x), (X,)),
    "clip": (lambda np, x: np.clip(x, -0.5, 0.5), (X,)),
    "concatenate": (lambda np, x, y: np.concatenate([x, y]), (X, Y)),
    "concatenate along": (lambda np, x: np.concatenate((x, x * 2), axis=1), (M,)),
    "stack": (lambda np, x, y: np.stack([x, y], axis=1), (X, Y)),
    "hstack": (lambda np, x, y: np.hstack([x, y]), (X, Y)),
    "vstack": (lambda np, x, y: np.vstack([x, y]), (X, Y)),
    "column_stack": (lambda np, x, y: np.column_stack([x, y]), (X, Y)),
    "dstack": (lambda np, x: np.dstack([x, x]), (M,)),
    "append": (lambda np, x, y: np.append(x, y), (X, M)),
    "split": (lambda np, x: np.split(x, 3)[1], (X,)),
    "array_split": (lambda np, x: np.array_split(x, 4)[0] ** 2, (X,)),
    "block": (lambda np, x: np.block([[x, x], [x * 2, x]]), (S,)),
    "reshape": (lambda np, x: np.reshape(x, (4, 3))[1], (M,)),
    "ravel": (lambda np, x: np.ravel(x), (M,)),
    "transpose": (lambda np, x: np.transpose(x), (M,)),
    "swapaxes": (lambda np, x: np.swapaxes(x, 0, 1), (M,)),
    "moveaxis": (lambda np, x: np.moveaxis(x, 0, -1), (M,)),
    "expand_dims": (lambda np, x: np.expand_dims(x, 0), (M,)),
    "squeeze": (lambda np, x: np.squeeze(x[None]), (M,)),
    "atleast_2d": (lambda np, x: np.atleast_2d(x), (X,)),
    "broadcast_to": (lambda np, x: np.broadcast_to(x, (2, 6)), (X,)),
    "tile": (lambda np, x: np.tile(x, 2), (X,)),
    "repeat": (lambda np, x: np.repeat(x, 2), (X,)),
    "flip": (lambda np, x: np.flip(x, axis=0), (M,)),
    "fliplr": (lambda np, x: np.fliplr(x), (M,)),
    "rot90": (lambda np, x: np.rot90(x), (M,)),
    "roll": (lambda np, x: np.roll(x, 2), (X,)),
    "sort": (lambda np, x: np.sort(x), (X,)),
    "argsort": (lambda np, x: x[np.argsort(x)[:3]], (X,)),
    "take": (lambda np, x: np.take(x, [0, 2, 2]), (X,)),
    "take_along_axis": (lambda np, x: np.take_along_axis(x, np.argsort(x, axis=1)[:, :2], axis=1), (M,)),
    "diff": (lambda np, x: np.diff(x), (X,)),
    "gradient": (lambda np, x: np.gradient(x), (X,)),
    "gradient with spacing": (lambda np, x: np.gradient(x, 0.5, axis=0, edge_order=2), (M,)),
    "trapezoid": (lambda np, x: np.trapezoid(x, dx=0.1), (X,)),
    "interp": (lambda np, x: np.interp(x, GRID, GRID**2), (X,)),
    "interp of values": (lambda np, x, f: np.interp(x, GRID, f), (X, some(7))),
    "convolve": (lambda np, x, y: np.convolve(x, y), (X, some(3))),
    "convolve same": (lambda np, x, y: np.convolve(x, y, mode="same"), (X, some(4))),
    "convolve valid": (lambda np, x, y: np.convolve(x, y, "valid"), (X, some(3))),
    "correlate": (lambda np, x, y: np.correlate(x, y), (X, some(3))),
    "correlate same": (lambda np, x, y: np.correlate(x, y, "same"), (X, some(4))),
    "correlate full": (lambda np, x, y: np.correlate(x, y, "full"), (some(3), X)),
    "pad": (lambda np, x: np.pad(x, 2), (X,)),
    "pad edge": (lambda np, x: np.pad(x, (1, 2), mode="edge"), (X,)),
    "pad reflect": (lambda np, x: np.pad(x, ((1, 1), (2, 0)), mode="reflect"), (M,)),
    "pad wrap": (lambda np, x: np.pad(x, 3, mode="wrap"), (X,)),
    "dot": (lambda np, x, y: np.dot(x, y), (M, N)),
    "dot of vectors": (lambda np, x, y: np.dot(x, y), (X, Y)),
    "inner": (lambda np, x, y: np.inner(x, y), (M, M + 1.0)),
    "outer": (lambda np, x, y: np.outer(x, y), (X, Y)),
    "vdot": (lambda np, x, y: np.vdot(x, y), (X, Y)),
    "matmul": (lambda np, x, y: np.matmul(x, y), (M, N)),
    "tensordot": (lambda np, x, y: np.tensordot(x, y, axes=1), (M, N)),
    "einsum ij,jk": (lambda np, x, y: np.einsum("ij,jk->ik", x, y), (M, N)),
    "einsum trace": (lambda np, x: np.einsum("ii", x), (S,)),
    "einsum diagonal": (lambda np, x: np.einsum("ii->i", x), (S,)),
    "einsum of three": (lambda np, x, y, z: np.einsum("ij,jk,kl->il", x, y, z), (M, N, some(3, 2))),
    "einsum batch": (lambda np, x, y: np.einsum("bij,bjk->bik", x, y), (some(2, 3, 4), some(2, 4, 2))),
    "einsum dots": (lambda np, x, y: np.einsum("...i,...i->...", x, y), (M, M + 1.0)),
    "einsum outer": (lambda np, x, y: np.einsum("i,j", x, y), (X, Y)),
    "einsum sum": (lambda np, x: np.einsum("ij->j", x), (M,)),
    "kron": (lambda np, x, y: np.kron(x, y), (M, some(2, 2))),
    "cross": (lambda np, x, y: np.cross(x, y), (N, some(4, 3, seed=1))),
    "trace": (lambda np, x: np.trace(x, offset=1), (S,)),
    "diag": (lambda np, x: np.diag(x), (S,)),
    "diag of a vector": (lambda np, x: np.diag(x, k=1), (X,)),
    "tril": (lambda np, x: np.tril(x), (S,)),
    "median": (lambda np, x: np.median(x), (X,)),
    "median over an axis": (lambda np, x: np.median(x, axis=0), (N,)),
    "percentile": (lambda np, x: np.percentile(x, 30), (X,)),
    "quantile": (lambda np, x: np.quantile(x, [0.2, 0.7], axis=1), (M,)),
    "average": (lambda np, x, w: np.average(x, weights=w), (X, P)),
    "cov": (lambda np, x: np.cov(x), (M,)),
    "corrcoef": (lambda np, x: np.corrcoef(x), (M,)),
    "nansum": (lambda np, x: np.nansum(np.where(x > 1, np.nan, x)), (X,)),
    "nanmean": (lambda np, x: np.nanmean(np.where(x > 1, np.nan, x)), (X,)),
    "nan_to_num": (lambda np, x: np.nan_to_num(x), (X,)),
    "logaddexp": (lambda np, x, y: np.logaddexp(x, y), (X, Y)),
    "hypot": (lambda np, x, y: np.hypot(x, y) + np.arctan2(x, y), (X, Y)),
    "sinc": (lambda np, x: np.sinc(x), (X,)),
    "deg2rad": (lambda np, x: np.deg2rad(x) + np.degrees(x), (X,)),
    "cbrt": (lambda np, x: np.cbrt(x) + np.exp2(x), (P,)),
    "angle": (lambda np, x: np.angle(x + 1j), (X,)),
    "real": (lambda np, x: np.real(x * (1 + 2j)) + np.imag(x * (1 + 2j)), (X,)),
    "unwrap": (lambda np, x: np.unwrap(x * 5.0), (X,)),
    "norm": (lambda np, x: np.linalg.norm(x), (X,)),
    "norm of rows": (lambda np, x: np.linalg.norm(x, axis=1), (M,)),
    "norm of a matrix": (lambda np, x: np.linalg.norm(x) + np.linalg.norm(x, "nuc"), (M,)),
    "inv": (lambda np, x: np.linalg.inv(x), (S,)),
    "det": (lambda np, x: np.linalg.det(x), (S,)),
    "slogdet": (lambda np, x: np.linalg.slogdet(x)[1], (S,)),
    "solve": (lambda np, x, y: np.linalg.solve(x, y), (S, some(3))),
    "lstsq": (lambda np, x, y: np.linalg.lstsq(x, y, rcond=None)[0], (N, some(4))),
    "eigh": (lambda np, x: np.linalg.eigh(x + x.T)[0], (S,)),
    "svd": (lambda np, x: np.linalg.svd(x, full_matrices=False)[1], (M,)),
    "cholesky": (lambda np, x: np.linalg.cholesky(x @ x.T + np.eye(3)), (S,)),
    "pinv": (lambda np, x: np.linalg.pinv(x), (M,)),
    "matrix_power": (lambda np, x: np.linalg.matrix_power(x, 3), (S,)),
    "fft": (lambda np, x: np.abs(np.fft.fft(x)), (X,)),
    "rfft": (lambda np, x: np.fft.irfft(np.fft.rfft(x, n=8) ** 2), (X,)),
    "fft2": (lambda np, x: np.real(np.fft.fft2(x)), (M,)),
    "fftshift": (lambda np, x: np.fft.fftshift(x), (X,)),
    "meshgrid": (lambda np, x, y: np.meshgrid(x, y)[0], (X, Y)),
    "polyval": (lambda np, c, x: np.polyval(c, x), (some(3), X)),
    "vander": (lambda np, x: np.vander(x, 3), (X,)),
    "searchsorted": (lambda np, x: x * np.searchsorted(np.sort(x), 0.1), (X,)),
    "select": (lambda np, x: np.select([x < -0.5, x > 0.5], [x**2, x**3], 0.0), (X,)),
    "heaviside": (lambda np, x: x * np.heaviside(x, 0.5), (X,)),
    "add.reduce": (lambda np, x: np.add.reduce(x, axis=0), (M,)),
    "maximum.accumulate": (lambda np, x: np.maximum.accumulate(x), (X,)),
    "multiply.outer": (lambda np, x, y: np.multiply.outer(x, y), (X, Y)),
    "sort of all": (lambda np, x: np.sort(x, axis=None), (M,)),
    "argsort of all": (lambda np, x: np.ravel(x)[np.argsort(x, axis=None)[:5]], (M,)),
    "partition of all": (lambda np, x: np.sort(np.partition(x, 3, axis=None)[:3]), (M,)),
    "concatenate of all": (lambda np, x: np.concatenate([x, x.T], axis=None), (M,)),
    "argpartition": (lambda np, x: np.sort(x[np.argpartition(x, 3)[:3]]), (X,)),
    "lexsort": (lambda np, x, y: x[np.lexsort((y, np.floor(x)))], (X, Y)),
    "sum where": (lambda np, x: np.sum(x, where=x > 0, initial=2.0) + np.mean(x, where=x > 0), (M,)),
    "max initial": (lambda np, x: np.max(x, axis=0, initial=0.1) + np.min(x, axis=0, where=x > 0, initial=2.0), (M,)),
    "average returned": (lambda np, x, w: np.average(x, weights=w, returned=True), (X, P)),
    **{
        f"quantile {method}": (lambda np, x, method=method: np.quantile(x, [0.37, 0.5], axis=1, method=method), (M,))
        for method in ("inverted_cdf", "averaged_inverted_cdf", "hazen", "median_unbiased", "midpoint", "nearest")
    },
    "nanmedian": (lambda np, x: np.nanmedian(np.where(x > 0.5, np.nan, x), axis=1), (M,)),
    "nanquantile": (lambda np, x: np.nanquantile(np.where(x > 0.5, np.nan, x), [0.3, 0.8], axis=0), (N,)),
    "nancumsum": (lambda np, x: np.nancumsum(np.where(x > 1, np.nan, x), axis=0), (M,)),
    "nanargmax": (lambda np, x: x[np.nanargmax(np.where(x > 1, np.nan, x))], (X,)),
    "cov with weights": (lambda np, x, w: np.cov(x, fweights=[1, 2, 1, 3], aweights=w), (M, positive(4))),
    "unique with counts": (lambda np, x: np.unique(x, return_counts=True)[0], (X,)),
    "union1d": (lambda np, x, y: np.union1d(x, y), (X, Y)),
    "setdiff1d": (lambda np, x, y: np.setdiff1d(x, y[:2]), (X, Y)),
    "bincount": (lambda np, w: np.bincount([0, 1, 1, 3, 0, 3], weights=w), (X,)),
    "order F": (lambda np, x: np.reshape(x, (2, 6), order="F") + np.ravel(x, order="F")[:6], (M,)),
    "meshgrid of lines": (lambda np, x, y: np.meshgrid(x, y, sparse=True), (X, Y)),
    "resize": (lambda np, x: np.resize(x, (2, 5)), (X,)),
    "apply_over_axes": (lambda np, x: np.apply_over_axes(np.sum, x, [0, 1]), (M,)),
    "take wrap": (lambda np, x: np.take(x, [0, 7, -8], mode="wrap") + np.take(x, [0, 7, -8], mode="clip"), (X,)),
    "choose": (lambda np, x, y: np.choose([0, 1, 0, 1, 1, 0], [x, y]), (X, Y)),
    "argwhere": (lambda np, x: x[np.argwhere(x > 0)[:, 0]] + np.sum(x[np.flatnonzero(x > 1)]), (X,)),
    "tril_indices_from": (lambda np, x: x[np.tril_indices_from(x)], (S,)),
    "put": (lambda np, x: written(np, x, "put", [0, -1], [1.0, 2.0]), (X,)),
    "place": (lambda np, x: written(np, x, "place", x > 0, [5.0]), (X,)),
    "putmask": (lambda np, x: written(np, x, "putmask", x > 0, x**2), (X,)),
    "copyto": (lambda np, x: written(np, x, "copyto", x**3), (X,)),
    "insert": (lambda np, x: np.insert(x, [1, 3], [5.0, 6.0]) * np.insert(np.append(x, x[0]), 1, x[2]), (X,)),
    "ediff1d": (lambda np, x: np.ediff1d(x, to_begin=1.0, to_end=x[0]), (X,)),
    "interp period": (lambda np, x, f: np.interp(x, np.linspace(0.0, 5.0, 6), f, period=6.0), (X, some(6, seed=3))),
    **{
        f"pad {mode}": (lambda np, x, mode=mode: np.pad(x, ((1, 2), (0, 1)), mode=mode), (M,))
        for mode in ("linear_ramp", "maximum", "mean", "minimum", "median", "symmetric")
    },
    "pad reflect odd": (lambda np, x: np.pad(x, 2, mode="reflect", reflect_type="odd"), (X,)),
    "einsum of lists": (lambda np, x, y: np.einsum(x, [0, 1], y, [1, 2], [0, 2]), (M, N)),
    "matvec": (lambda np, x, y: np.matvec(x, y) @ x + np.vecmat(x[:, 0], x), (M, some(4))),
    "singular values": (lambda np, x: np.linalg.svd(x, compute_uv=False), (M,)),
    "R of qr": (lambda np, x: np.abs(np.linalg.qr(x, mode="r")), (N,)),
    "tensorsolve": (lambda np, x, y: np.linalg.tensorsolve(x, y) @ np.linalg.tensorinv(x, ind=1), (S, some(3))),
    "linalg.trace": (lambda np, x: np.linalg.trace(x) + np.linalg.diagonal(x)[:, 0], (some(2, 3, 4),)),
    "polyfit": (lambda np, y: np.polyfit(GRID[:6], y, 2), (X,)),
    "polynomials": (lambda np, x, y: np.polymul(np.polyadd(x, y), np.polyint(np.polyder(x))), (X, Y[:3])),
    "ldexp": (lambda np, x: np.ldexp(x, 2), (X,)),
    "logspace": (lambda np, x: np.logspace(x[0], x[1], 5) + np.geomspace(x[0], x[1], 5), (P,)),
    "logaddexp.reduce": (lambda np, x: np.logaddexp.reduce(x), (X,)),
    "add.at": (lambda np, x: written(np, x, "add.at", [0, 0, 2], x[:3]), (X,)),
    "array times": (lambda np, x: np.arange(6.0) * x - np.ones(6) / (2.0 + x), (P,)),
    "array @": (lambda np, x: np.ones((2, 3)) @ x, (M,)),
}
ONLY_NUMPY = {  # or with arguments that the standard's function of that name has not
    *("add.reduce", "maximum.accumulate", "multiply.outer", "array times", "array @", "logaddexp.reduce", "add.at"),
    *("sort of all", "argsort of all", "concatenate of all", "sum where", "max initial", "take wrap", "order F"),
    *("meshgrid of lines", "singular values", "R of qr", "matvec", "linalg.trace", "lexsort", "apply_over_axes"),
}


def assigned(x: Any) -> Any:
    y = x.copy()
    y[1:3] = y[0] * 2.0
    y[y > 1.0] *= 0.5
    y[[3, 4]] = 1.0
    y[-1] += x[0]
    return y


def through_views(x: Any) -> Any:
    y = x * 1.0
    row = y[0]
    row *= 3.0
    y.T[1] += row[:1]
    y.reshape(-1)[5] = 2.0
    return y


METHODS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "sum": (lambda x: x.sum(axis=0) + x.sum(), (M,)),
    "mean": (lambda x: x.mean(0), (M,)),
    "max": (lambda x: x.max(axis=1) - x.min(axis=1), (M,)),
    "std": (lambda x: x.std(ddof=1) + x.var(ddof=0), (M,)),
    "prod": (lambda x: x.prod(), (X,)),
    "reshape": (lambda x: x.reshape(4, 3) + x.reshape((4, -1)), (M,)),
    "ravel": (lambda x: x.ravel() + x.flatten(), (M,)),
    "T": (lambda x: x.T @ x, (M,)),
    "T of a vector": (lambda x: x.T * x, (X,)),
    "transpose": (lambda x: x.transpose(2, 0, 1), (some(2, 3, 4),)),
    "dot": (lambda x, y: x.dot(y), (M, N)),
    "clip": (lambda x: x.clip(-0.5, 0.5), (X,)),
    "cumsum": (lambda x: x.cumsum(), (X,)),
    "astype": (lambda x: x.astype(float) * x.astype("float64"), (X,)),
    "copy": (assigned, (X,)),
    "views": (through_views, (M,)),
    "swapaxes": (lambda x: x.swapaxes(0, 1), (M,)),
    "squeeze": (lambda x: x[None].squeeze(), (M,)),
    "take": (lambda x: x.take([0, 1]) + x.repeat(2)[:2], (X,)),
    "trace": (lambda x: x.trace() + x.diagonal(), (S,)),
    "real": (lambda x: (x * 1j).imag + x.real, (X,)),
    "iteration": (lambda x: sum(row @ row for row in x), (M,)),
    "unpacking": (lambda x: (lambda a, b, *rest: a * b + len(rest))(*x), (X,)),
    "len": (lambda x: x / len(x), (X,)),
    "branch": (lambda x: x * x if x[0] > x[1] else x, (X,)),
    "argmax": (lambda x: x[x.argmax()] * x, (X,)),
    "augmented": (lambda x: augmented(x), (X,)),
    "python sum": (lambda x: sum(x) * max(x) - min(x), (X,)),
    "mask": (lambda x: x[x > 0] ** 2, (X,)),
    "list key": (lambda x: x[[0, 2, 2]], (X,)),
    "where by index": (lambda x: x[np.nonzero(np.asarray([1, 0, 1, 0, 0, 1]))], (X,)),
}


def augmented(x: Any) -> Any:
    y = x * 2.0
    y += x
    y *= y
    y -= 1.0
    y /= 3.0
    y **= 2
    return y


def by_namespace(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays: call(array_api_compat.array_namespace(*arrays), *arrays)


def by_numpy(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays: call(np, *arrays)


NP = tuple(Check(f"np.{name}", by_numpy(call), points) for name, (call, points) in IDIOMS.items())
XP = tuple(
    Check(f"xp.{name}", by_namespace(call), points) for name, (call, points) in IDIOMS.items() if name not in ONLY_NUMPY
)
METHOD_CHECKS = tuple(Check(f"method {name}", call, points) for name, (call, points) in METHODS.items())
CHECKS = (*NP, *XP, *METHOD_CHECKS)
