"""Cases of products, norms and traces."""

from __future__ import annotations

import math
from typing import Any

from xpnet.cases.rules.case import Case, Shape, away, calling, case
from xpnet.cases.rules.matrices import regular

MATMUL = (
    ((2, 3), (3, 4)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (3,)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((3,), (5, 3, 2)),
    ((5, 2, 3), (3,)),
)


def contractions(prefix: str) -> tuple[Case, ...]:
    """Return cases of ``vecdot`` and ``tensordot`` of the main namespace or of ``linalg.``."""
    vecdot, tensordot = f"{prefix}vecdot", f"{prefix}tensordot"
    return (
        case(vecdot, (4, 1, 3), (2, 3)),
        case(vecdot, (3, 2), (3, 2), call=calling(vecdot, axis=-2), is_complex=True),
        case(tensordot, (2, 3, 4), (3, 4, 2)),
        case(tensordot, (2, 3, 4), (4, 2), call=calling(tensordot, axes=((0, -1), (1, 0))), label="axes"),
    )


def norm(shape: Shape, label: str = "", is_complex: bool = False, **keywords: Any) -> Case:
    """Return a case of a norm of vectors."""
    name = "linalg.vector_norm"
    return case(name, shape, call=calling(name, **keywords), label=label, is_complex=is_complex)


def norms_of_order(*orders: float) -> tuple[Case, ...]:
    """Return cases of norms of rows, at points away from the kinks at 0."""
    name = "linalg.vector_norm"
    return tuple(
        case(name, (3, 4), call=calling(name, axis=1, ord=order), label=str(order), domain=away) for order in orders
    )


def power(number: int) -> Case:
    """Return a case of a power of a matrix that has an inverse."""
    return case(
        "linalg.matrix_power",
        (2, 3, 3),
        call=lambda xp, x: xp.linalg.matrix_power(regular(xp, x), number),
        label=str(number),
    )


CASES = (
    *(case("matmul", *pair, call=lambda _, a, b: a @ b, label=" ".join(map(str, pair))) for pair in MATMUL),
    case("matmul", (2, 3), (3, 4), is_complex=True),
    case("linalg.matmul", (2, 3), (3, 4)),
    *contractions(""),
    *contractions("linalg."),
    case("linalg.outer", (3,), (2,)),
    case("linalg.cross", (4, 3), (4, 3)),
    case("linalg.cross", (3, 1), (3, 2), call=calling("linalg.cross", axis=-2), label="axis"),
    *(
        case(name, shape, call=calling(name, offset=offset), label=str(offset))
        for offset in (0, 1, -1)
        for name, shape in (("linalg.diagonal", (2, 3, 4)), ("linalg.trace", (2, 4, 3)))
    ),
    *map(power, (0, 1, 3, -2)),
    *norms_of_order(1, 2, 3, 2.5, 0, math.inf, -math.inf, -1),
    norm((3, 2, 2), "axes", axis=(0, 2), keepdims=True),
    norm((3, 2), is_complex=True),
    norm((3, 2), "3", is_complex=True, ord=3),
    *(
        case(
            "linalg.matrix_norm",
            (2, 3, 4),
            call=calling("linalg.matrix_norm", ord=order, keepdims=True),
            label=str(order),
        )
        for order in ("fro", "nuc", 1, 2, -2, -1, math.inf, -math.inf)
    ),
)
