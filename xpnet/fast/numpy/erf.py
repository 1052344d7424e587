"""NumPy body of the error function: in place, in blocks that stay in the cache of the processor."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet import kernels
from xpnet.fast.numpy.blocks import Host, blocks, of_one
from xpnet.kernels.erf import FLOAT32, FLOAT64


@kernels.erf.on("numpy")
def erf(x: Host) -> Any:
    if not of_one(x) or not x.ndim:
        return kernels.erf.reference(x)
    y = np.empty_like(x)
    for parts in blocks(x, y):
        fill(*parts)
    return y


def fill(x: Host, y: Host) -> None:
    P, Q, end = FLOAT64 if x.dtype == np.float64 else FLOAT32
    inside = np.clip(x, -end, end)
    square = inside * inside
    below = _polynomial(Q, square, np.empty_like(square))
    np.divide(_polynomial(P, square, y), below, out=y)
    y *= inside
    np.clip(y, -1.0, 1.0, out=y)


def _polynomial(coefficients: tuple[float, ...], s: Host, y: Host) -> Host:
    y.fill(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        y *= s
        y += c
    return y
