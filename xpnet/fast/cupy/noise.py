"""CUDA body of the dropout mask: Philox on the device, the bits that NumPy draws."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from xpnet import kernels
from xpnet.fast.cupy.launch import body, launch_each, live
from xpnet.kernels.recording import now
from xpnet.random import Generator


@body(kernels.dropout_mask)
def dropout_mask(x: Any, rng: Generator, name: str, step: int, keep: float) -> Any:
    mask = cupy.empty_like(x)
    words = (*map(np.uint64, rng.key(name)), int(now(step)), 0, keep)  # CuPy passes a Python int as one with a sign
    launch_each("noise", "dropout_mask", x.dtype, -(-x.size // 8), mask, x.size, *words, live(_alone, step))
    return mask


def _alone(step: float) -> tuple[float]:
    return (step,)
