"""The functions of one number that compiled loops need: written so that the compiler makes vectors of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled

ONE, HALF, LARGEST = np.float32(1.0), np.float32(0.5), np.float32(9.02)
P1, P2 = np.float32(0.13379719853401184), np.float32(3.494036151096225e-3)
P3, P4 = np.float32(2.0583496734616347e-5), np.float32(1.3319080949258932e-8)
Q1, Q2 = np.float32(0.4671303629875183), np.float32(0.02587107941508293)
Q3, Q4 = np.float32(3.28309484757483e-4), np.float32(7.762025688862195e-7)


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
