"""How long a step takes on many ranks, by a model of four numbers, and what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np

from benchmarks.race.workloads import TRANSFORMER, Workload

Trial = Mapping[str, Any]
"""What was measured of a workload on so many rows a rank: the seconds of a step by mode, and the bytes of buckets."""


@dataclass(frozen=True)
class Machine:
    """What sums and products take somewhere.

    A step of a rank takes ``overhead + flops / rate``, and what is not ``hidden`` of its sums, each of which takes
    ``2 log₂ N · latency + 2 (N - 1) / N · bytes · for_a_byte``: halves are exchanged, added and gathered again.
    """

    latency: float
    for_a_byte: float
    overhead: float
    rate: float
    hidden: float

    def sums(self, buckets: Sequence[int], ranks: int) -> float:
        """The seconds of all sums of a step."""
        share = 2 * (ranks - 1) / ranks
        return sum(2 * log2(ranks) * self.latency + share * size * self.for_a_byte for size in buckets)

    def step(self, flops: float, buckets: Sequence[int], ranks: int, crowded: float = 1.0) -> float:
        """The seconds of a step; those of products are ``crowded`` times as long where ranks share cores."""
        return (self.overhead + flops / self.rate) * crowded + (1 - self.hidden) * self.sums(buckets, ranks)


def flops(workload: Workload, rows: int) -> float:
    """The operations of the products in a step of so many rows; nobody needs ``dx`` of a first affine layer."""
    if workload.kind == TRANSFORMER:
        vocabulary, context, width = workload.sizes
        tokens = rows * context
        return 6.0 * tokens * (workload.layers * (12 * width**2 + 2 * context * width) + width * vocabulary)
    pairs = list(zip(workload.sizes, workload.sizes[1:], strict=False))
    return rows * (6.0 * sum(n * m for n, m in pairs) - 2.0 * pairs[0][0] * pairs[0][1])


def computing(workload: Workload, seconds: Mapping[int, float]) -> tuple[float, float]:
    """The overhead and the rate that explain the steps of two numbers of rows in one process."""
    (few, first), (many, second) = sorted(seconds.items())
    rate = (flops(workload, many) - flops(workload, few)) / max(second - first, 1e-9)
    return max(0.0, first - flops(workload, few) / rate), rate


def summing(observed: Sequence[tuple[int, int, float]], ranks: int) -> tuple[float, float]:
    """The latency and the seconds for a byte that explain best, relative to each, sums: how many, bytes, seconds."""
    terms = [[2 * log2(ranks) * count, 2 * (ranks - 1) / ranks * size] for count, size, _ in observed]
    rows = np.asarray(terms) / np.asarray([[seconds] for *_, seconds in observed])
    scale = np.linalg.norm(rows, axis=0)
    latency, for_a_byte = np.linalg.lstsq(rows / scale, np.ones(len(rows)), rcond=None)[0] / scale
    return max(0.0, float(latency)), max(0.0, float(for_a_byte))


def hidden(trial: Trial, overlapped: str = "as it is", waited: str = "in turn") -> float:
    """The share of the time of sums that passes while backward goes on."""
    whole = trial[waited] - trial["alone"]
    return min(1.0, max(0.0, (trial[waited] - trial[overlapped]) / whole)) if whole > 0.0 else 1.0
