"""One row or more for every rule: how to call the function, and at which points it is smooth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """``call(xp, *arrays)`` at points of these shapes; ``domain`` moves standard normals to where it is smooth."""

    name: str
    call: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    label: str = ""
    domain: Callable[[np.ndarray], np.ndarray] | None = None
    is_complex: bool = False
    dtypes: tuple[str, ...] = ()
    second: bool = True

    @property
    def id(self) -> str:
        return self.name + (f"-{self.label}" if self.label else "") + ("-complex" if self.is_complex else "")

    def points(self, seed: int = 0) -> list[np.ndarray]:
        rng = np.random.default_rng([seed, len(self.name)])
        points = []
        for at, shape in enumerate(self.shapes):
            x = np.asarray(rng.standard_normal(shape))
            x = x if self.domain is None else self.domain(x)
            dtype = self.dtypes[at] if self.dtypes else "complex128" if self.is_complex else "float64"
            if dtype == "complex128":
                y = np.asarray(rng.standard_normal(shape))
                x = x + 1j * (y if self.domain is None else self.domain(y))
            points.append(np.asarray(x, dtype=dtype))
        return points


def positive(x: np.ndarray) -> np.ndarray:
    return np.abs(x) + 0.5


def unit(x: np.ndarray) -> np.ndarray:
    return np.tanh(x) * 0.8


def above_one(x: np.ndarray) -> np.ndarray:
    return np.abs(x) + 1.5


def away(x: np.ndarray) -> np.ndarray:
    return x + np.sign(x) * 0.3


CASES: list[Case] = []


def case(name: str, call: Callable[..., Any], *shapes: tuple[int, ...], **options: Any) -> None:
    CASES.append(Case(name, call, shapes, **options))


def unary(name: str, domain: Callable[[np.ndarray], np.ndarray] | None = None, holomorphic: bool = True) -> None:
    case(name, lambda xp, x: getattr(xp, name)(x), (3, 1, 2), domain=domain)
    if holomorphic:
        case(name, lambda xp, x: getattr(xp, name)(x), (5,), domain=domain, is_complex=True)


for name in ("sin", "cos", "sinh", "cosh", "tan", "tanh", "exp", "expm1", "square", "negative", "positive"):
    unary(name)
for name in ("atan", "asin", "acos", "atanh"):
    unary(name, unit)
unary("asinh")
unary("acosh", above_one)
for name in ("log", "log2", "log10", "log1p", "sqrt", "reciprocal"):
    unary(name, positive)
unary("abs", away)
unary("sign", away)
unary("conj", holomorphic=False)
for name in ("conj", "real", "imag"):
    case(name, lambda xp, x, name=name: getattr(xp, name)(x), (4,), is_complex=True)

PAIRS = (((3, 4), (3, 4)), ((3, 1), (4,)), ((2, 1, 3), (4, 1)), ((), (3,)))


def binary(name: str, domain: Callable[[np.ndarray], np.ndarray] | None = None, is_complex: bool = True) -> None:
    for pair in PAIRS:
        label = " ".join(str(shape) for shape in pair)
        case(name, lambda xp, a, b: getattr(xp, name)(a, b), *pair, label=label, domain=domain)
    if is_complex:
        case(name, lambda xp, a, b: getattr(xp, name)(a, b), (3,), (2, 3), domain=domain, is_complex=True)
        case(
            name,
            lambda xp, a, b: getattr(xp, name)(a, b),
            (3,),
            (2, 3),
            domain=domain,
            label="mixed",
            dtypes=("float64", "complex128"),
        )


for name in ("add", "subtract", "multiply"):
    binary(name)
binary("divide", positive)
binary("pow", positive)
for name in ("maximum", "minimum", "logaddexp", "hypot", "atan2", "copysign"):
    binary(name, away, is_complex=False)
binary("remainder", positive, is_complex=False)
for n in (2, 3, 0.5, 0, 1, -1):
    case("pow", lambda xp, x, n=n: x**n, (3, 2), domain=positive, label=f"number {n}")
case("pow", lambda xp, x: 2.0**x, (3, 2), label="base number")
case("pow", lambda xp, x: (2.0 + 0.0 * x) ** 3, (3, 2), label="constant")
case("clip", lambda xp, x: xp.clip(x, -0.5, 0.7), (4, 3), label="numbers")
case("clip", lambda xp, x: xp.clip(x, max=0.2), (4, 3), label="above")
case("clip", lambda xp, x, a, b: xp.clip(x, min=-abs(a), max=abs(b)), (4, 3), (3,), (4, 1), label="arrays")
case("clip", lambda xp, x, a: xp.clip(x, min=a), (4, 3), (3,), label="below")
case("where", lambda xp, x, a, b: xp.where(x > 0, a, b), (4, 3), (3,), (4, 1))
case("where", lambda xp, a: xp.where(a > 0, a * a, 2.0 * a), (4, 3), label="itself")


def reduction(name: str, *keywords: dict[str, Any], domain: Any = None) -> None:
    for options in keywords or ({}, {"axis": 0}, {"axis": (0, -1)}, {"axis": 1, "keepdims": True}):
        label = ",".join(f"{key}={value}" for key, value in options.items())
        case(
            name, lambda xp, x, options=options: getattr(xp, name)(x, **options), (3, 2, 4), label=label, domain=domain
        )


for name in ("sum", "mean", "prod", "max", "min", "var", "std"):
    reduction(name)
reduction("var", {"correction": 1.0}, {"axis": (0, 2), "correction": 1.0})
reduction("std", {"correction": 1.0, "axis": 0})
case("sum", lambda xp, x: xp.sum(x, axis=1), (3, 2), is_complex=True)
case("mean", lambda xp, x: xp.mean(x, axis=1), (3, 2), is_complex=True)
case("prod", lambda xp, x: xp.prod(x, axis=1), (3, 3), is_complex=True)
case(
    "prod",
    lambda xp, x: xp.prod(x * xp.asarray([0.0, 1.0, 2.0], dtype=x.dtype, device=x.device), axis=1),
    (4, 3),
    label="one zero",
)
case(
    "prod",
    lambda xp, x: xp.prod(x * xp.asarray([0.0, 0.0, 2.0], dtype=x.dtype, device=x.device), axis=1),
    (4, 3),
    label="two zeros",
)
for options in ({"axis": 0}, {"axis": 1}, {"axis": -1, "include_initial": True}):
    for name in ("cumulative_sum", "cumulative_prod"):
        label = str(options)
        case(name, lambda xp, x, name=name, options=options: getattr(xp, name)(x, **options), (3, 5), label=label)
case("cumulative_sum", lambda xp, x: xp.cumulative_sum(x), (5,), label="flat")
case("cumulative_prod", lambda xp, x: xp.cumulative_prod(x), (7,), label="flat")
case(
    "cumulative_prod",
    lambda xp, x: xp.cumulative_prod(x * xp.asarray([1.0, 0.0, 3.0, 0.0, 2.0], dtype=x.dtype, device=x.device), axis=1),
    (2, 5),
    label="zeros",
)
case("diff", lambda xp, x: xp.diff(x), (3, 5))
case("diff", lambda xp, x, a, b: xp.diff(x, n=2, axis=0, prepend=a, append=b), (3, 2), (1, 2), (2, 2), label="ends")

case("reshape", lambda xp, x: xp.reshape(x, (3, 4)), (2, 6))
case("squeeze", lambda xp, x: xp.squeeze(x, axis=(0, 2)), (1, 3, 1))
case("expand_dims", lambda xp, x: xp.expand_dims(x, axis=1), (2, 3))
case("permute_dims", lambda xp, x: xp.permute_dims(x, (2, 0, 1)), (2, 3, 4))
case("permute_dims", lambda xp, x: x.T, (2, 3), label="T")
case("moveaxis", lambda xp, x: xp.moveaxis(x, 0, -1), (2, 3, 4))
case("moveaxis", lambda xp, x: xp.moveaxis(x, (0, 1), (-1, 0)), (2, 3, 4), label="several")
case("matrix_transpose", lambda xp, x: x.mT, (2, 3, 4))
case("linalg.matrix_transpose", lambda xp, x: xp.linalg.matrix_transpose(x), (2, 3, 4))
case("flip", lambda xp, x: xp.flip(x), (2, 3), label="all")
case("flip", lambda xp, x: xp.flip(x, axis=-1), (2, 3))
case("roll", lambda xp, x: xp.roll(x, 2), (2, 3), label="flat")
case("roll", lambda xp, x: xp.roll(x, (1, -2), axis=(0, 1)), (2, 3))
case("tril", lambda xp, x: xp.tril(x, k=-1), (2, 3, 4))
case("triu", lambda xp, x: xp.triu(x), (3, 3))
case("broadcast_to", lambda xp, x: xp.broadcast_to(x, (2, 3, 4)), (3, 1))
case("astype", lambda xp, x: xp.astype(x, xp.complex128), (3,), label="to complex")
case("asarray", lambda xp, x: xp.asarray(x, copy=True), (3,))
case("concat", lambda xp, a, b: xp.concat([a, b, a], axis=1), (2, 3), (2, 1))
case("concat", lambda xp, a, b: xp.concat([a, b], axis=None), (2, 3), (2, 1), label="flat")
case("concat", lambda xp, a: xp.concat([a, xp.ones((2, 3), dtype=a.dtype, device=a.device)]), (2, 3), label="constant")
case("stack", lambda xp, a, b: xp.stack([a, b, a], axis=-1), (2, 3), (2, 3))
case("stack", lambda xp, a, b: xp.stack((a, b)), (2,), (2,), label="first")
case("tile", lambda xp, x: xp.tile(x, (2, 3)), (2, 3))
case("tile", lambda xp, x: xp.tile(x, (2, 1, 2)), (3, 2), label="more")
case("tile", lambda xp, x: xp.tile(x, (2,)), (3, 2), label="fewer")
case("unstack", lambda xp, x: xp.unstack(x, axis=1)[1] * xp.unstack(x, axis=1)[0], (3, 2))
case("broadcast_arrays", lambda xp, a, b: xp.multiply(*xp.broadcast_arrays(a, b)), (3, 1), (2,))
case(
    "meshgrid",
    lambda xp, a, b, c: xp.meshgrid(a, b, c)[0] * xp.meshgrid(a, b, c)[1] * xp.meshgrid(a, b, c)[2],
    (2,),
    (3,),
    (2,),
)
case(
    "meshgrid",
    lambda xp, a, b: xp.meshgrid(a, b, indexing="ij")[0] * xp.meshgrid(a, b, indexing="ij")[1],
    (2,),
    (3,),
    label="ij",
)

case("getitem", lambda xp, x: x[1:, ::2, 0], (3, 4, 2))
case("getitem", lambda xp, x: x[None, ..., -1], (3, 4), label="new axis")
case("getitem", lambda xp, x: x[2, ...], (3, 4), label="one")


def assigned(x: Any, key: Any, value: Any) -> Any:
    y = x * 1.0
    y[key] = value
    return y


case("setitem", lambda xp, x, v: assigned(x, (slice(1, None), 0), v), (3, 2), (2,))
case("setitem", lambda xp, x, v: assigned(x, (..., slice(None, None, 2)), v), (3, 5), (), label="broadcast")
case("setitem", lambda xp, x: assigned(x, 1, 2.0), (4,), label="number")
case("setitem", lambda xp, x, v: assigned(x, x > 0, v), (4,), (), label="mask")


def indices(xp: Any, x: Any, values: Any) -> Any:
    return xp.asarray(values, device=x.device)


case("take", lambda xp, x: xp.take(x, indices(xp, x, [2, 0, 2, 1]), axis=1), (2, 3))
case("take", lambda xp, x: xp.take(x, indices(xp, x, [2, 0, 2]), axis=0), (3, 2, 2), label="rows")
case(
    "take_along_axis",
    lambda xp, x: xp.take_along_axis(x, indices(xp, x, [[2, 0, 2, 1]]), axis=1),
    (2, 3),
    label="broadcast",
)
case("take_along_axis", lambda xp, x: xp.take_along_axis(x, indices(xp, x, [[2, 0], [1, 1]]), axis=0), (3, 2))
case("sort", lambda xp, x: xp.sort(x, axis=0), (5, 2))
case("sort", lambda xp, x: xp.sort(x, descending=True), (2, 5), label="descending")
case("repeat", lambda xp, x: xp.repeat(x, 3, axis=1), (2, 3))
case("repeat", lambda xp, x: xp.repeat(x, 2), (2, 3), label="flat")

for shapes in (
    ((2, 3), (3, 4)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (3,)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((3,), (5, 3, 2)),
    ((5, 2, 3), (3,)),
):
    case("matmul", lambda xp, a, b: a @ b, *shapes, label=" ".join(map(str, shapes)))
case("matmul", lambda xp, a, b: xp.matmul(a, b), (2, 3), (3, 4), is_complex=True)
case("linalg.matmul", lambda xp, a, b: xp.linalg.matmul(a, b), (2, 3), (3, 4))
for prefix in ("", "linalg."):
    space = (lambda xp: xp.linalg) if prefix else (lambda xp: xp)
    case(prefix + "vecdot", lambda xp, a, b, space=space: space(xp).vecdot(a, b), (4, 1, 3), (2, 3))
    case(
        prefix + "vecdot",
        lambda xp, a, b, space=space: space(xp).vecdot(a, b, axis=-2),
        (3, 2),
        (3, 2),
        is_complex=True,
    )
    case(prefix + "tensordot", lambda xp, a, b, space=space: space(xp).tensordot(a, b), (2, 3, 4), (3, 4, 2))
    case(
        prefix + "tensordot",
        lambda xp, a, b, space=space: space(xp).tensordot(a, b, axes=((0, -1), (1, 0))),
        (2, 3, 4),
        (4, 2),
        label="axes",
    )
case("linalg.outer", lambda xp, a, b: xp.linalg.outer(a, b), (3,), (2,))
case("linalg.cross", lambda xp, a, b: xp.linalg.cross(a, b), (4, 3), (4, 3))
case("linalg.cross", lambda xp, a, b: xp.linalg.cross(a, b, axis=-2), (3, 1), (3, 2), label="axis")
for offset in (0, 1, -1):
    case(
        "linalg.diagonal",
        lambda xp, x, offset=offset: xp.linalg.diagonal(x, offset=offset),
        (2, 3, 4),
        label=str(offset),
    )
    case("linalg.trace", lambda xp, x, offset=offset: xp.linalg.trace(x, offset=offset), (2, 4, 3), label=str(offset))
for n in (0, 1, 3, -2):
    case("linalg.matrix_power", lambda xp, x, n=n: xp.linalg.matrix_power(regular(xp, x), n), (2, 3, 3), label=str(n))
for order in (1, 2, 3, 2.5, 0, np.inf, -np.inf, -1):
    case(
        "linalg.vector_norm",
        lambda xp, x, order=order: xp.linalg.vector_norm(x, axis=1, ord=order),
        (3, 4),
        label=str(order),
        domain=away,
    )
case("linalg.vector_norm", lambda xp, x: xp.linalg.vector_norm(x, axis=(0, 2), keepdims=True), (3, 2, 2), label="axes")
case("linalg.vector_norm", lambda xp, x: xp.linalg.vector_norm(x), (3, 2), is_complex=True)
case("linalg.vector_norm", lambda xp, x: xp.linalg.vector_norm(x, ord=3), (3, 2), is_complex=True, label="3")
for order in ("fro", "nuc", 1, 2, -2, -1, np.inf, -np.inf):
    case(
        "linalg.matrix_norm",
        lambda xp, x, order=order: xp.linalg.matrix_norm(x, ord=order, keepdims=True),
        (2, 3, 4),
        label=str(order),
    )


def regular(xp: Any, x: Any) -> Any:
    return x + xp.eye(x.shape[-1], dtype=x.dtype, device=x.device) * 3.0


def hermitian(xp: Any, x: Any) -> Any:
    return x + (xp.conj(x) if "complex" in str(x.dtype) else x).mT


def definite(xp: Any, x: Any) -> Any:
    return regular(xp, x @ (xp.conj(x) if "complex" in str(x.dtype) else x).mT)


def phase_free(xp: Any, u: Any) -> Any:
    return u[..., None, :, :] * (xp.conj(u) if "complex" in str(u.dtype) else u)[..., :, None, :]


def both(xp: Any, x: Any) -> list[tuple[tuple[int, ...], bool]]:
    return [((2, 3, 3), False), ((3, 3), True)]


for is_complex in (False, True):
    more: dict[str, Any] = {"is_complex": is_complex}
    case("linalg.inv", lambda xp, a: xp.linalg.inv(regular(xp, a)), (2, 3, 3), **more)
    case("linalg.solve", lambda xp, a, b: xp.linalg.solve(regular(xp, a), b), (2, 3, 3), (2, 3, 2), **more)
    case("linalg.solve", lambda xp, a, b: xp.linalg.solve(regular(xp, a), b), (2, 3, 3), (3,), label="vector", **more)
    case(
        "linalg.solve",
        lambda xp, a, b: xp.linalg.solve(regular(xp, a), b),
        (3, 3),
        (2, 3, 1),
        label="broadcast",
        **more,
    )
    case("linalg.det", lambda xp, a: xp.linalg.det(regular(xp, a)), (2, 3, 3), **more)
    case("linalg.slogdet", lambda xp, a: xp.linalg.slogdet(regular(xp, a)).logabsdet, (2, 3, 3), **more)
    case(
        "linalg.slogdet",
        lambda xp, a: xp.linalg.slogdet(regular(xp, a))[0] * (1.0 + a[..., 0, 0]),
        (2, 3, 3),
        label="sign",
        **more,
    )
    case("linalg.cholesky", lambda xp, a: xp.linalg.cholesky(definite(xp, a)), (2, 3, 3), **more)
    case(
        "linalg.cholesky", lambda xp, a: xp.linalg.cholesky(definite(xp, a), upper=True), (3, 3), label="upper", **more
    )
    case("linalg.eigvalsh", lambda xp, a: xp.linalg.eigvalsh(hermitian(xp, a)), (2, 3, 3), **more)
    case("linalg.eigh", lambda xp, a: xp.linalg.eigh(hermitian(xp, a)).eigenvalues, (2, 3, 3), label="values", **more)
    case(
        "linalg.eigh",
        lambda xp, a: phase_free(xp, xp.linalg.eigh(hermitian(xp, a))[1]),
        (2, 3, 3),
        label="vectors",
        **more,
    )
    case("linalg.svdvals", lambda xp, a: xp.linalg.svdvals(a), (2, 3, 4), **more)
    for shape in ((2, 3, 4), (4, 3), (3, 3)):
        at = str(shape)
        case("linalg.svd", lambda xp, a: xp.linalg.svd(a, full_matrices=False).S, shape, label=f"S {at}", **more)
        case(
            "linalg.svd",
            lambda xp, a: phase_free(xp, xp.linalg.svd(a, full_matrices=False).U),
            shape,
            label=f"U {at}",
            **more,
        )
        case(
            "linalg.svd",
            lambda xp, a: phase_free(xp, xp.linalg.svd(a, full_matrices=False).Vh.mT),
            shape,
            label=f"V {at}",
            **more,
        )
        case("linalg.pinv", lambda xp, a: xp.linalg.pinv(a), shape, label=at, **more)
        case("linalg.qr", lambda xp, a: xp.linalg.qr(a).Q, shape, label=f"Q {at}", **more)
        case("linalg.qr", lambda xp, a: xp.linalg.qr(a).R, shape, label=f"R {at}", **more)
    case("linalg.svd", lambda xp, a: xp.linalg.svd(a).S, (3, 4), label="full", **more)

for name in ("fft", "ifft"):
    for options in ({}, {"n": 3, "axis": 0}, {"n": 7, "norm": "ortho"}):
        case(
            f"fft.{name}",
            lambda xp, x, name=name, options=options: getattr(xp.fft, name)(x, **options),
            (4, 5),
            is_complex=True,
            label=str(options),
        )
for options in ({}, {"n": 4}, {"n": 7, "norm": "forward"}, {"axis": 0, "norm": "ortho"}):
    case("fft.rfft", lambda xp, x, options=options: xp.fft.rfft(x, **options), (4, 5), label=str(options))
    case(
        "fft.irfft",
        lambda xp, x, options=options: xp.fft.irfft(x, **options),
        (4, 5),
        is_complex=True,
        label=str(options),
    )
    case(
        "fft.hfft",
        lambda xp, x, options=options: xp.fft.hfft(x, **options),
        (4, 5),
        is_complex=True,
        label=str(options),
    )
    case("fft.ihfft", lambda xp, x, options=options: xp.fft.ihfft(x, **options), (4, 5), label=str(options))
for options in ({}, {"axes": (0, 1)}, {"s": (3, 4), "axes": (1, 2), "norm": "ortho"}):
    for name in ("fftn", "ifftn", "irfftn"):
        case(
            f"fft.{name}",
            lambda xp, x, name=name, options=options: getattr(xp.fft, name)(x, **options),
            (2, 3, 4),
            is_complex=True,
            label=str(options),
        )
    case("fft.rfftn", lambda xp, x, options=options: xp.fft.rfftn(x, **options), (2, 3, 4), label=str(options))
for name in ("fftshift", "ifftshift"):
    case(f"fft.{name}", lambda xp, x, name=name: getattr(xp.fft, name)(x), (2, 3), label="real")
    case(f"fft.{name}", lambda xp, x, name=name: getattr(xp.fft, name)(x, axes=(1,)), (2, 5), is_complex=True)
