"""Cases of functions that pick elements by position."""

from __future__ import annotations

from typing import Any

from xpnet.cases.rules.case import calling, case


def assigned(x: Any, key: Any, value: Any) -> Any:
    """Return a copy of x with ``x[key] = value``."""
    y = x * 1.0
    y[key] = value
    return y


def indices(xp: Any, x: Any, values: Any) -> Any:
    """Return an array of indices on the device of x."""
    return xp.asarray(values, device=x.device)


CASES = (
    case("getitem", (3, 4, 2), call=lambda _, x: x[1:, ::2, 0]),
    case("getitem", (3, 4), call=lambda _, x: x[None, ..., -1], label="new axis"),
    case("getitem", (3, 4), call=lambda _, x: x[2, ...], label="one"),
    case("setitem", (3, 2), (2,), call=lambda _, x, v: assigned(x, (slice(1, None), 0), v)),
    case("setitem", (3, 5), (), call=lambda _, x, v: assigned(x, (..., slice(None, None, 2)), v), label="broadcast"),
    case("setitem", (4,), call=lambda _, x: assigned(x, 1, 2.0), label="number"),
    case("setitem", (4,), (), call=lambda _, x, v: assigned(x, x > 0, v), label="mask"),
    case("take", (2, 3), call=lambda xp, x: xp.take(x, indices(xp, x, [2, 0, 2, 1]), axis=1)),
    case("take", (3, 2, 2), call=lambda xp, x: xp.take(x, indices(xp, x, [2, 0, 2]), axis=0), label="rows"),
    case(
        "take_along_axis",
        (2, 3),
        call=lambda xp, x: xp.take_along_axis(x, indices(xp, x, [[2, 0, 2, 1]]), axis=1),
        label="broadcast",
    ),
    case(
        "take_along_axis",
        (3, 2),
        call=lambda xp, x: xp.take_along_axis(x, indices(xp, x, [[2, 0], [1, 1]]), axis=0),
    ),
    case("sort", (5, 2), call=calling("sort", axis=0)),
    case("sort", (2, 5), call=calling("sort", descending=True), label="descending"),
    case("unique_all", (2, 3), call=lambda xp, x: xp.sort(xp.unique_all(x)[0])),
    case("unique_counts", (2, 3), call=lambda xp, x: xp.sort(xp.unique_counts(x)[0])),
    case("unique_inverse", (2, 3), call=lambda xp, x: xp.sort(xp.unique_inverse(x)[0])),
    case("unique_values", (2, 3), call=lambda xp, x: xp.sort(xp.unique_values(x))),
    case("repeat", (2, 3), call=lambda xp, x: xp.repeat(x, 3, axis=1)),
    case("repeat", (2, 3), call=lambda xp, x: xp.repeat(x, 2), label="flat"),
)
