"""Cases of functions that move elements."""

from __future__ import annotations

from typing import Any

from xpnet.cases.rules.case import calling, case


def product(arrays: Any) -> Any:
    """Return the product of several arrays."""
    first, *rest = arrays
    for array in rest:
        first = first * array
    return first


def is_variable(x: Any) -> bool:
    return hasattr(type(x), "differentiates")


def number(x: Any) -> Any:
    """Return an array as a number, which the standard requires there, and a Variable or batch unchanged."""
    return x if is_variable(x) else float(x)


def home(x: Any) -> dict[str, Any]:
    """Return the dtype and device of an array, which its number lacks; return nothing for a Variable."""
    return {} if is_variable(x) else {"dtype": x.dtype, "device": x.device}


CASES = (
    case("reshape", (2, 6), call=lambda xp, x: xp.reshape(x, (3, 4))),
    case("squeeze", (1, 3, 1), call=calling("squeeze", axis=(0, 2))),
    case("expand_dims", (2, 3), call=calling("expand_dims", axis=1)),
    case("permute_dims", (2, 3, 4), call=lambda xp, x: xp.permute_dims(x, (2, 0, 1))),
    case("permute_dims", (2, 3), call=lambda _, x: x.T, label="T"),
    case("moveaxis", (2, 3, 4), call=lambda xp, x: xp.moveaxis(x, 0, -1)),
    case("moveaxis", (2, 3, 4), call=lambda xp, x: xp.moveaxis(x, (0, 1), (-1, 0)), label="several"),
    case("matrix_transpose", (2, 3, 4), call=lambda _, x: x.mT),
    case("linalg.matrix_transpose", (2, 3, 4)),
    case("flip", (2, 3), label="all"),
    case("flip", (2, 3), call=calling("flip", axis=-1)),
    case("roll", (2, 3), call=lambda xp, x: xp.roll(x, 2), label="flat"),
    case("roll", (2, 3), call=lambda xp, x: xp.roll(x, (1, -2), axis=(0, 1))),
    case("tril", (2, 3, 4), call=calling("tril", k=-1)),
    case("triu", (3, 3)),
    case("broadcast_to", (3, 1), call=lambda xp, x: xp.broadcast_to(x, (2, 3, 4))),
    case("astype", (3,), call=lambda xp, x: xp.astype(x, xp.complex128), label="to complex"),
    case("asarray", (3,), call=calling("asarray", copy=True)),
    case("full", (), call=lambda xp, x: xp.full((2, 3), number(x), **home(x))),
    case("full_like", (2,), (), call=lambda xp, x, v: x * xp.full_like(x, number(v))),
    case("linspace", (), (), call=lambda xp, a, b: xp.linspace(number(a), number(b), 5, **home(a))),
    case("linspace", (), call=lambda xp, a: xp.linspace(number(a), 3.0, 4, endpoint=False, **home(a)), label="open"),
    case("arange", (), call=lambda xp, a: xp.arange(number(a), number(6.0 + 0.0 * a), 1.5, **home(a))[:3]),
    case("from_dlpack", (3,)),
    case("concat", (2, 3), (2, 1), call=lambda xp, a, b: xp.concat([a, b, a], axis=1)),
    case("concat", (2, 3), (2, 1), call=lambda xp, a, b: xp.concat([a, b], axis=None), label="flat"),
    case(
        "concat",
        (2, 3),
        call=lambda xp, a: xp.concat([a, xp.ones((2, 3), dtype=a.dtype, device=a.device)]),
        label="constant",
    ),
    case("stack", (2, 3), (2, 3), call=lambda xp, a, b: xp.stack([a, b, a], axis=-1)),
    case("stack", (2,), (2,), call=lambda xp, a, b: xp.stack((a, b)), label="first"),
    case("tile", (2, 3), call=lambda xp, x: xp.tile(x, (2, 3))),
    case("tile", (3, 2), call=lambda xp, x: xp.tile(x, (2, 1, 2)), label="more"),
    case("tile", (3, 2), call=lambda xp, x: xp.tile(x, (2,)), label="fewer"),
    case("unstack", (3, 2), call=lambda xp, x: product(xp.unstack(x, axis=1))),
    case("broadcast_arrays", (3, 1), (2,), call=lambda xp, a, b: product(xp.broadcast_arrays(a, b))),
    case("meshgrid", (2,), (3,), (2,), call=lambda xp, a, b, c: product(xp.meshgrid(a, b, c))),
    case("meshgrid", (2,), (3,), call=lambda xp, a, b: product(xp.meshgrid(a, b, indexing="ij")), label="ij"),
)
