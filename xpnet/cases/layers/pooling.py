"""Cases of the poolings."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import (
    AdaptiveAveragePooling,
    AdaptiveMaxPooling,
    AveragePooling,
    AveragePooling1D,
    AveragePooling3D,
    GlobalAveragePooling,
    GlobalMaxPooling,
    MaxPooling,
    MaxPooling1D,
    MaxPooling3D,
)


def distinct(name: str, *shape: int) -> Host:
    """Return values a third apart in random order: no step of a check changes which is the largest."""
    ranks = np.argsort(normal(name, *shape), axis=None).reshape(shape)
    return np.asarray((ranks - ranks.size / 2) / 3.0)


def pooled(x: Host, of: Callable[..., Any], border: float, h: int, w: int, s: int, p: int) -> Host:
    """Apply a function to the values under each window."""
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=border)
    rows, columns = range(0, x.shape[2] - h + 1, s), range(0, x.shape[3] - w + 1, s)
    return np.stack([np.stack([of(x[:, :, i : i + h, j : j + w], axis=(2, 3)) for j in columns], -1) for i in rows], -2)


def over(x: Host, of: Callable[..., Any], *axes: list[slice]) -> Host:
    """Apply a function to parts of images, given for each axis in order."""
    parts = [of(x[(slice(None), slice(None), *at)], axis=tuple(range(2, x.ndim))) for at in product(*axes)]
    return np.stack(parts, -1).reshape(*x.shape[:2], *map(len, axes))


def slices(*ends: tuple[int, int]) -> list[slice]:
    return [slice(first, last) for first, last in ends]


PAIRS, HALVES = slices((0, 2), (2, 4)), slices((0, 2), (1, 3))  # bins of 4, and of 3


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
        "MaxPooling, rounded up",
        MaxPooling,
        (distinct("x", 2, 1, 3, 4),),
        lambda x: over(x, np.max, slices((0, 2), (2, 3)), slices((0, 1), (1, 3), (3, 4))),
        options={"pool_h": 2, "pool_w": 2, "pad": ((0, 0), (1, 0)), "ceil_mode": True},
    ),
    Case(
        "MaxPooling1D",
        MaxPooling1D,
        (distinct("x", 2, 2, 4),),
        lambda x: over(x, np.max, PAIRS),
        options={"size": 2},
    ),
    Case(
        "MaxPooling3D",
        MaxPooling3D,
        (distinct("x", 2, 1, 2, 4, 3),),
        lambda x: over(x, np.max, slices((0, 1), (1, 2)), PAIRS, slices((0, 2))),
        options={"size": (1, 2, 2)},
    ),
    Case(
        "AveragePooling, of the same size and without its border",
        AveragePooling,
        (distinct("x", 2, 1, 3, 4),),
        lambda x: over(x, np.mean, slices((0, 2), (2, 3)), PAIRS),
        options={"pool_h": 2, "pool_w": 2, "pad": "same", "count_include_pad": False},
    ),
    Case(
        "AveragePooling1D",
        AveragePooling1D,
        (distinct("x", 2, 2, 4),),
        lambda x: over(x, np.sum, slices((0, 2), (1, 4), (3, 4))) / np.asarray([3.0, 3.0, 2.0]),
        options={"size": 3, "stride": 2, "pad": 1, "ceil_mode": True},
    ),
    Case(
        "AveragePooling3D",
        AveragePooling3D,
        (distinct("x", 2, 1, 2, 4, 3),),
        lambda x: over(x, np.mean, slices((0, 2)), PAIRS, slices((0, 1), (1, 2), (2, 3))),
        options={"size": (2, 2, 1)},
    ),
    Case(
        "AdaptiveAveragePooling",
        AdaptiveAveragePooling,
        (distinct("x", 2, 1, 4, 3),),
        lambda x: over(x, np.mean, PAIRS, HALVES),
        options={"size": 2},
    ),
    Case(
        "AdaptiveMaxPooling",
        AdaptiveMaxPooling,
        (distinct("x", 2, 1, 4, 3),),
        lambda x: over(x, np.max, PAIRS, HALVES),
        options={"size": (2, 2)},
    ),
    Case(
        "GlobalMaxPooling",
        GlobalMaxPooling,
        (distinct("x", 2, 3, 2, 3),),
        lambda x: np.max(x, axis=(2, 3)),
    ),
    Case(
        "GlobalAveragePooling",
        GlobalAveragePooling,
        (distinct("x", 2, 3, 2, 3),),
        lambda x: np.mean(x, axis=(2, 3)),
    ),
)
