"""The functions of one number that compiled loops need: written so that the compiler makes vectors of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.blocks import float_of_bits
from xpnet.fast.numba.compiler import compiled

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
LARGEST, LOWEST = np.float32(9.02), np.float32(-126.0)
P1, P2 = np.float32(0.13379719853401184), np.float32(3.494036151096225e-3)
P3, P4 = np.float32(2.0583496734616347e-5), np.float32(1.3319080949258932e-8)
Q1, Q2 = np.float32(0.4671303629875183), np.float32(0.02587107941508293)
Q3, Q4 = np.float32(3.28309484757483e-4), np.float32(7.762025688862195e-7)

LEAST = np.float32(-87.33)
PER_LN_2, LN_2_HIGH, LN_2_LOW = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
E2, E3, E4 = (np.float32(1.0 / n) for n in (2, 6, 24))
E5, E6, E7 = (np.float32(1.0 / n) for n in (120, 720, 5040))


@compiled
def exp(x: Any) -> Any:
    """Return exp of a float32 that is not positive, to 2e-7; below -87.33, where it is subnormal, 0."""
    n = np.floor(x * PER_LN_2 + HALF)
    r = x - n * LN_2_HIGH - n * LN_2_LOW
    y = ONE + r * (ONE + r * (E2 + r * (E3 + r * (E4 + r * (E5 + r * (E6 + r * E7))))))
    y = y * float_of_bits(np.int32((np.int32(max(n, LOWEST)) + np.int32(127)) << np.int32(23)))
    return ZERO if x < LEAST else y


@compiled
def tanh(x: Any) -> Any:
    """Return tanh of a float32, ``x P(x²) / Q(x²)``, whose relative error is at most 4e-7; beyond 9.02 it is 1."""
    x = LARGEST if x > LARGEST else x
    x = -LARGEST if x < -LARGEST else x
    s = x * x
    y = x * (ONE + s * (P1 + s * (P2 + s * (P3 + s * P4)))) / (ONE + s * (Q1 + s * (Q2 + s * (Q3 + s * Q4))))
    y = ONE if y > ONE else y
    return -ONE if y < -ONE else y


@compiled
def tanhs(y: Any, x: Any) -> None:
    for k in range(len(y)):
        y[k] = tanh(x[k])


@compiled
def sigmoids(y: Any, x: Any) -> None:
    """Write ``1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2`` of each number."""
    for k in range(len(y)):
        y[k] = tanh(x[k] * HALF) * HALF + HALF
