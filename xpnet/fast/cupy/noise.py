"""CUDA body of the dropout mask: Philox on the device, the bits that NumPy draws."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from xpnet import kernels
from xpnet.fast.cupy.launch import body, launch_each
from xpnet.random import Generator, drawn_before


@body(kernels.dropout_mask)
def dropout_mask(x: Any, rng: Generator, name: str, step: Any, keep: float) -> Any:
    mask = cupy.empty_like(x)
    live = type(step) is cupy.ndarray  # in a capture, where each replay has its own step
    key = map(np.uint64, rng.key(name))  # CuPy passes a Python int as one with a sign
    start = drawn_before(x.size)
    words = (start, *key, 0 if live else int(step), 0, keep, step if live else 0)
    launch_each("noise", "dropout_mask", x.dtype, -(-(start % 8 + x.size) // 8), mask, x.size, *words)
    return mask
