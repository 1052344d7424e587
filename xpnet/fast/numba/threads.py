"""Work shared over threads, by loops that release the lock: each runs a part of the jobs, the caller the first."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

from numba import config

from xpnet.fast.numpy.threads import blas

LEAST = 1 << 20  # multiplications below which a second thread would cost more than it spares

WAIT = int(os.environ.get("OPENBLAS_THREAD_TIMEOUT") or 26)
"""OpenBLAS's threads wait in a loop for 2 to this power of ticks, which it has read when NumPy was loaded."""
LONG = 20

POOLS: list[ThreadPoolExecutor] = []
os.register_at_fork(after_in_child=POOLS.clear)  # threads do not live on in a child


def undisturbed() -> bool:
    """Return whether no thread of BLAS takes a core from others for milliseconds after each product."""
    controllers = blas()
    return (
        not controllers or controllers[0].internal_api != "openblas" or controllers[0].num_threads == 1 or WAIT <= LONG
    )


def shared(jobs: int, work: int, run: Callable[[int, int], Any]) -> list[Any]:
    """Return what ``run(first, last)`` returns for parts of the jobs, each in a thread if there is enough work."""
    threads = min(config.NUMBA_NUM_THREADS, jobs, max(1, work // LEAST))
    if threads <= 1:
        return [run(0, jobs)]
    if not POOLS:
        POOLS.append(ThreadPoolExecutor(config.NUMBA_NUM_THREADS, "xpnet"))
    ends = [jobs * part // threads for part in range(threads + 1)]
    others = [POOLS[0].submit(run, first, last) for first, last in pairwise(ends[1:])]
    return [run(0, ends[1]), *[other.result() for other in others]]
