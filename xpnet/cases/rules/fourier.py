"""Cases of Fourier transforms."""

from __future__ import annotations

from typing import Any

from xpnet.cases.rules.case import Case, Shape, calling, case, spelled

ONE_AXIS: tuple[dict[str, Any], ...] = ({}, {"n": 3, "axis": 0}, {"n": 7, "norm": "ortho"})
REAL: tuple[dict[str, Any], ...] = ({}, {"n": 4}, {"n": 7, "norm": "forward"}, {"axis": 0, "norm": "ortho"})
SEVERAL: tuple[dict[str, Any], ...] = ({}, {"axes": (0, 1)}, {"s": (3, 4), "axes": (1, 2), "norm": "ortho"})


def transform(short: str, shape: Shape, choices: tuple[dict[str, Any], ...], is_complex: bool) -> tuple[Case, ...]:
    """Return cases of a transform with each choice of its options."""
    name = f"fft.{short}"
    return tuple(
        case(name, shape, call=calling(name, **options), label=spelled(options), is_complex=is_complex)
        for options in choices
    )


CASES = (
    *(case for short in ("fft", "ifft") for case in transform(short, (4, 5), ONE_AXIS, True)),
    *(case for short in ("irfft", "hfft") for case in transform(short, (4, 5), REAL, True)),
    *(case for short in ("rfft", "ihfft") for case in transform(short, (4, 5), REAL, False)),
    *(case for short in ("fftn", "ifftn", "irfftn") for case in transform(short, (2, 3, 4), SEVERAL, True)),
    *transform("rfftn", (2, 3, 4), SEVERAL, False),
    *(case(f"fft.{short}", (2, 3), label="real") for short in ("fftshift", "ifftshift")),
    *(
        case(f"fft.{short}", (2, 5), call=calling(f"fft.{short}", axes=(1,)), is_complex=True)
        for short in ("fftshift", "ifftshift")
    ),
)
