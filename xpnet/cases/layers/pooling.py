"""Cases of the poolings."""

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import AveragePooling, GlobalAveragePooling, MaxPooling


def distinct(name: str, *shape: int) -> Host:
    """Return values a third apart in random order: no step of a check changes which is the largest."""
    ranks = np.argsort(normal(name, *shape), axis=None).reshape(shape)
    return np.asarray((ranks - ranks.size / 2) / 3.0)


def pooled(x: Host, of: Callable[..., Any], border: float, h: int, w: int, s: int, p: int) -> Host:
    """Apply a function to the values under each window."""
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=border)
    rows, columns = range(0, x.shape[2] - h + 1, s), range(0, x.shape[3] - w + 1, s)
    return np.stack([np.stack([of(x[:, :, i : i + h, j : j + w], axis=(2, 3)) for j in columns], -1) for i in rows], -2)


CASES = (
    Case(
        "MaxPooling",
        MaxPooling,
        (distinct("x", 2, 2, 4, 5),),
        lambda x: pooled(x, np.max, -np.inf, 2, 2, s=2, p=0),
        options={"pool_h": 2, "pool_w": 2},
    ),
    Case(
        "MaxPooling, windows that overlap",
        MaxPooling,
        (distinct("x", 2, 2, 4, 3),),
        lambda x: pooled(x, np.max, -np.inf, 3, 2, s=1, p=1),
        options={"pool_h": 3, "pool_w": 2, "stride": 1, "pad": 1},
    ),
    Case(
        "AveragePooling",
        AveragePooling,
        (distinct("x", 2, 2, 4, 5),),
        lambda x: pooled(x, np.mean, 0.0, 2, 2, s=2, p=0),
        options={"pool_h": 2, "pool_w": 2},
    ),
    Case(
        "AveragePooling, windows that overlap",
        AveragePooling,
        (distinct("x", 2, 2, 4, 3),),
        lambda x: pooled(x, np.mean, 0.0, 3, 2, s=1, p=1),
        options={"pool_h": 3, "pool_w": 2, "stride": 1, "pad": 1},
    ),
    Case(
        "GlobalAveragePooling",
        GlobalAveragePooling,
        (distinct("x", 2, 3, 2, 3),),
        lambda x: np.mean(x, axis=(2, 3)),
    ),
)
