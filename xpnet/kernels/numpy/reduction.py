"""NumPy bodies of sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.kernels.standard.reduction import mean


@mean.on("numpy")
def mean_by_sum(x: Host) -> Any:
    """What ``np.mean`` computes, without what it checks: it takes four times as long for a hundred values."""
    if x.dtype.char not in "fd" or not x.size:
        return mean.reference(x)
    return np.add.reduce(x, axis=None) / x.size
