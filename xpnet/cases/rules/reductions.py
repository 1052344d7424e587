"""Cases of functions that combine many elements."""

from __future__ import annotations

from typing import Any

from xpnet.cases.rules.case import Case, calling, case, constant_like, spelled

AXES: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": (0, -1)}, {"axis": 1, "keepdims": True})


def reduction(name: str, *options: dict[str, Any]) -> tuple[Case, ...]:
    """Return cases of a reduction over all axes, one and several."""
    return tuple(case(name, (3, 2, 4), call=calling(name, **each), label=spelled(each)) for each in options or AXES)


def times(name: str, values: list[float], label: str, shape: tuple[int, int]) -> Case:
    """Return cases of a product along rows that hold zeros."""

    def call(xp: Any, x: Any) -> Any:
        return getattr(xp, name)(x * constant_like(xp, x, values), axis=1)

    return case(name, shape, call=call, label=label)


CASES = (
    *(case for name in ("sum", "mean", "prod", "max", "min", "var", "std") for case in reduction(name)),
    *reduction("var", {"correction": 1.0}, {"axis": (0, 2), "correction": 1.0}),
    *reduction("std", {"correction": 1.0, "axis": 0}),
    case("sum", (3, 2), call=calling("sum", axis=1), is_complex=True),
    case("mean", (3, 2), call=calling("mean", axis=1), is_complex=True),
    case("prod", (3, 3), call=calling("prod", axis=1), is_complex=True),
    times("prod", [0.0, 1.0, 2.0], "one zero", (4, 3)),
    times("prod", [0.0, 0.0, 2.0], "two zeros", (4, 3)),
    *(
        case(name, (3, 5), call=calling(name, **options), label=spelled(options))
        for options in ({"axis": 0}, {"axis": 1}, {"axis": -1, "include_initial": True})
        for name in ("cumulative_sum", "cumulative_prod")
    ),
    case("cumulative_sum", (5,), label="flat"),
    case("cumulative_prod", (7,), label="flat"),
    times("cumulative_prod", [1.0, 0.0, 3.0, 0.0, 2.0], "zeros", (2, 5)),
    case("diff", (3, 5)),
    case(
        "diff",
        *((3, 2), (1, 2), (2, 2)),
        call=lambda xp, x, a, b: xp.diff(x, n=2, axis=0, prepend=a, append=b),
        label="ends",
    ),
)
