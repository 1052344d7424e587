"""Threads for each rank: the ranks of one machine divide its cores instead of competing for them."""

from __future__ import annotations

import os
import sys
from collections import Counter

from threadpoolctl import threadpool_limits

from xpnet.distributed.communicator import Objects

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


def own_cores() -> frozenset[int]:
    """Return the numbers of the cores on which this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def fair_share(own: frozenset[int], of_machine: list[frozenset[int]]) -> int:
    """Return the number of threads for a rank: its cores, each divided by the ranks that may run on it, at least 1."""
    users = Counter(core for cores in of_machine for core in cores)
    return max(1, int(sum(1 / users[core] for core in own) + 1e-9))


def share_cores(group: Objects, machine: str) -> int:
    """Limit NumPy's matrix products, and torch, to a fair share of a machine's cores, and return the number of threads.

    Variables such as ``OPENBLAS_NUM_THREADS`` that are already set have precedence. Every rank makes this call.
    """
    told = group.gather_objects((machine, sorted(own_cores())))
    here = [frozenset(cores) for where, cores in told if where == machine]
    threads = fair_share(own_cores(), here)
    if not any(name in os.environ for name in VARIABLES):
        threadpool_limits(threads)
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(threads)
        for name in VARIABLES[:2]:  # for libraries that are loaded later, and for child processes
            os.environ[name] = str(threads)
    return threads
