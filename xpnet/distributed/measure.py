"""A test of the cluster: its ranks, the speed of sums by their size, and the agreement of the ranks on the results."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from xpnet.backend import Backend, make_backend, to_numpy
from xpnet.distributed.communicator import Communicator
from xpnet.distributed.cores import own_cores
from xpnet.distributed.wire import WIRES

SIZES = (1, 1 << 10, 1 << 14, 1 << 18, 1 << 20, 1 << 22, 1 << 24)
"""The sizes of the arrays that are added, as numbers of float32."""
SECONDS = 3.0  # for one size
CALLS = 40
RELATIVE = {None: 1e-5, "float16": 2e-3, "bfloat16": 2e-2}
"""The largest error of a sum against float64, relative to the sum of magnitudes."""


@dataclass(frozen=True)
class Speed:
    """The median time of an allreduce of one size, and the bytes of the array per second."""

    bytes: int
    seconds: float
    bytes_per_second: float


@dataclass(frozen=True)
class Agreement:
    """The error of a sum against float64, and whether all ranks had the same bits."""

    wire: str | None
    error: float
    allowed: float
    same: bool

    @property
    def passed(self) -> bool:
        return self.same and self.error <= self.allowed


@dataclass(frozen=True)
class Cluster:
    """The results of the test on rank 0; ``passed`` is true if every rank has the same, correct sums."""

    ranks: list[dict[str, Any]]
    over: str
    speeds: list[Speed]
    agreements: list[Agreement]

    @property
    def passed(self) -> bool:
        return all(agreement.passed for agreement in self.agreements)

    def to_dict(self) -> dict[str, Any]:
        """Return all results in dicts and lists, for JSON."""
        return {**asdict(self), "passed": self.passed}


def measure(group: Communicator) -> Cluster:
    """Return the results of a test of the ranks of a group, within a minute; every rank makes this call."""
    agreements = [agreement(group, wire) for wire in (None, *WIRES)]
    speeds = []
    for size in SIZES:
        speed = speed_of(group, size)
        speeds.append(speed)
        if speed.seconds > SECONDS / 4:  # a larger array would take too long
            break
    return Cluster(members(group), group.over, speeds, agreements)


def members(group: Communicator) -> list[dict[str, Any]]:
    """Return the host, device and cores of each rank."""
    device = group.backend.library.device_name(group.backend.device)
    own = {"rank": group.rank, "host": group.host, "local_rank": group.local_rank}
    return group.gather_objects({**own, "device": device, "cores": sorted(own_cores())})


def arrays_of(group: Communicator) -> Backend:
    """Return the backend of the arrays that are sent: CuPy, or NumPy for all libraries of the host."""
    return group.backend if group.backend.name == "cupy" else make_backend("numpy")


def speed_of(group: Communicator, size: int) -> Speed:
    """Return the speed at which arrays of a size are added."""
    array = arrays_of(group).asarray(np.zeros(size, np.float32), np.float32)
    timed(group, array)  # connections are made on first use
    calls = group.broadcast_object(max(3, min(CALLS, int(SECONDS / 2 / max(timed(group, array), 1e-9)))))
    seconds = group.broadcast_object(median(timed(group, array) for _ in range(calls)))
    return Speed(4 * size, seconds, 4 * size / seconds)


def timed(group: Communicator, array: Any) -> float:
    """Return the seconds that an allreduce takes when all ranks begin at once."""
    group.backend.synchronize()
    group.barrier()
    start = time.perf_counter()
    group.allreduce(array).wait()
    group.backend.synchronize()
    return time.perf_counter() - start


def agreement(group: Communicator, wire: str | None, size: int = 100_003) -> Agreement:
    """Return whether all ranks get the same sum of random numbers, and its error."""
    all_ranks = [np.random.Philox(key=rank) for rank in range(group.size)]
    parts = [np.random.Generator(stream).standard_normal(size, np.float32) for stream in all_ranks]
    array = arrays_of(group).asarray(parts[group.rank].copy(), np.float32)
    group.allreduce(array, wire).wait()
    found = to_numpy(array)
    exact, scale = sum(part.astype(np.float64) for part in parts), sum(np.abs(part) for part in parts)
    error = float(np.max(np.abs(found - exact) / scale))
    told = group.gather_objects((hashlib.sha256(found.tobytes()).hexdigest(), error))
    same = len({digest for digest, _ in told}) == 1
    return Agreement(wire, max(error for _, error in told), RELATIVE[wire] if group.size > 1 else 0.0, same)
