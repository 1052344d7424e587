"""One rank of a measurement: it trains workloads together with the others, and rank 0 writes how long a step takes.

It is started with the file of a request in JSON: ``library``, ``threads``, and ``trials``, of each of which the answer
has the seconds of a step in every mode, the fewest of some chunks of steps.
"""

from __future__ import annotations

import json
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

RANK, RANKS = (int(os.environ.get(name, default)) for name, default in (("PMI_RANK", 0), ("PMI_SIZE", 1)))


def main() -> None:
    file = Path(sys.argv[1])
    request = json.loads(file.read_text())
    keep_to_cores(request["threads"])
    found = (of_xpnet if request["library"] == "xpnet" else of_torch)(request)
    if RANK == 0:
        file.with_suffix(".found").write_text(json.dumps(found))


def keep_to_cores(threads: int) -> None:
    """Stay on the cores of this rank, one for each of its threads; ranks beyond the cores share them."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[(RANK * threads + thread) % len(cores)] for thread in range(threads)})


def of_xpnet(request: dict[str, Any]) -> dict[str, Any]:
    """The seconds of sums by their size, and those of steps."""
    from benchmarks.race.peers.xpnet import Explicit
    from xpnet.distributed import distributed

    with distributed() as group:
        communicator = group.communicator
        found: dict[str, Any] = {"over": communicator.over, "sums": sums(communicator, request["sums"])}

        def run(trial: dict[str, Any]) -> dict[str, float]:
            contender = Explicit(Share(request["folder"], trial))
            network, update = contender.network, contender.optimizer.update

            def step(x: Any, t: Any) -> None:
                update(network.params, group.loss_and_gradient(network, x, t)[1])

            set_mode: dict[str, Callable[[], None]] = {
                mode: partial(MODES[mode], communicator) for mode in trial["modes"]
            }
            seconds = timed(step, contender.batches, trial, request["chunks"], set_mode, communicator.gather_objects)
            buckets = [bucket.length * 4 for bucket in group.replica(network).buckets]
            return {**seconds, "buckets": buckets}  # type: ignore[dict-item]

        found["trials"] = [run(trial) for trial in request["trials"]]
        found["memory"] = [memory(group, request, stage) for stage in (0, 1, 2)]
    return found


def memory(group: Any, request: dict[str, Any], stage: int) -> dict[str, float]:
    """The megabytes that a rank holds after steps of W3 with AdamW, beside its parameters, and those at the peak."""
    from benchmarks.race.peers.xpnet import Explicit
    from xpnet.optimizers import AdamW

    trial = max(request["trials"], key=lambda trial: trial["workload"]["sizes"])
    contender = Explicit(Share(request["folder"], {**trial, "rows": 16}))
    network, optimizer = contender.network, AdamW(0.001)
    moved = group.sharded(optimizer, network, stage) if stage else optimizer
    group.replica(network)
    tracemalloc.start()
    grads = {}
    for x, t in contender.batches[:2]:
        grads = group.gradient(network, x, t)
        moved.update(network.params, grads)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"held": max(group.communicator.gather_objects(held / 1e6)), "peak": peak / 1e6}


def of_torch(request: dict[str, Any]) -> dict[str, Any]:
    """The seconds of steps by DistributedDataParallel over gloo."""
    import torch
    from torch import distributed

    from benchmarks.race.peers.torch import Fused

    distributed.init_process_group("gloo", init_method=request["meeting"], rank=RANK, world_size=RANKS)

    def gather(value: Any) -> list[Any]:
        told = [None] * RANKS
        distributed.all_gather_object(told, value)
        return told

    def run(trial: dict[str, Any]) -> dict[str, float]:
        contender = Fused(Share(request["folder"], trial))
        contender.model = torch.nn.parallel.DistributedDataParallel(contender.model)
        return timed(contender.step, contender.batches, trial, request["chunks"], {"as it is": lambda: None}, gather)

    found = {"trials": [run(trial) for trial in request["trials"]]}
    distributed.destroy_process_group()
    return found


class Share:
    """The job of a rank: a workload, of whose batches it has some rows; each rank others."""

    threads, gpu, backend, dtype = 1, False, "numpy", "float32"

    def __init__(self, folder: str, trial: dict[str, Any]) -> None:
        import numpy as np

        self.workload: dict[str, Any] = trial["workload"]
        self.folder = Path(folder) / self.workload["name"]
        with np.load(self.folder / "batches.npz") as file:
            x, t = (np.roll(file[name], RANK, axis=0) for name in "xt")
        rows = trial["rows"]
        self.x, self.t = (np.ascontiguousarray(part[:, :rows]) for part in (x, t))

    def weights(self) -> dict[str, Any]:
        import numpy as np

        with np.load(self.folder / "weights.npz") as file:
            return dict(file)


def timed(
    step: Callable[[Any, Any], Any],
    batches: list[tuple[Any, Any]],
    trial: dict[str, Any],
    chunks: int,
    modes: dict[str, Callable[[], None]],
    gather: Callable[[Any], list[Any]],
) -> dict[str, float]:
    """The fewest seconds of a step in each mode, of chunks in turns; the slowest rank counts."""
    feed = 0

    def chunk(steps: int) -> float:
        nonlocal feed
        gather(None)
        start = time.perf_counter()
        for _ in range(steps):
            step(*batches[feed % len(batches)])
            feed += 1
        slowest: float = max(gather((time.perf_counter() - start) / steps))
        return slowest

    chunk(3)
    steps = max(2, round(trial["seconds"] / chunk(2)))
    found: dict[str, float] = {}
    for _ in range(chunks):
        for mode, begin in modes.items():
            begin()
            step(*batches[0])
            seconds = chunk(steps)
            found[mode] = min(seconds, found.get(mode, seconds))
    return found


def sums(communicator: Any, sizes: list[int]) -> dict[str, float]:
    """The seconds of a sum of arrays of some numbers of bytes."""
    import numpy as np

    found = {}
    for size in sizes:
        array = np.zeros(size // 4, np.float32)
        times = []
        for _ in range(12):
            communicator.barrier()
            start = time.perf_counter()
            communicator.allreduce(array).wait()
            times.append(time.perf_counter() - start)
        found[str(size)] = min(map(max, zip(*communicator.gather_objects(times), strict=True)))
    return found


def as_it_is(communicator: Any) -> None:
    """Sums go on while backward does."""
    communicator.__dict__.pop("allreduce", None)
    communicator.comm = getattr(communicator.comm, "comm", communicator.comm) if RANKS > 1 else None


def in_turn(communicator: Any) -> None:
    """Backward waits for each sum."""
    as_it_is(communicator)
    communicator.allreduce = lambda *sent: waited(type(communicator).allreduce(communicator, *sent))


def alone(communicator: Any) -> None:
    """There are no sums; all else is done."""
    from xpnet.distributed.communicator import DONE

    as_it_is(communicator)
    communicator.allreduce = lambda *_: DONE


def by_a_wire(communicator: Any) -> None:
    """Sums take as long again as a wire would, and no core works meanwhile."""
    as_it_is(communicator)
    communicator.comm = Wire(communicator.comm)


def by_a_wire_in_turn(communicator: Any) -> None:
    """The same, and backward waits for each sum."""
    in_turn(communicator)
    communicator.comm = Wire(communicator.comm)


MODES: dict[str, Callable[[Any], None]] = {
    "as it is": as_it_is,
    "in turn": in_turn,
    "alone": alone,
    "by a wire": by_a_wire,
    "by a wire, in turn": by_a_wire_in_turn,
}


def waited(pending: Any) -> Any:
    """What has begun, when it has ended."""
    pending.wait()
    return pending


WIRE = 1e-4, 1 / 250e6
"""The latency of a wire in seconds, and the seconds that it takes for a byte: of two gigabits a second."""


class Wire:
    """A communicator of mpi4py whose sums take the time of a wire more, in which no core works."""

    def __init__(self, comm: Any) -> None:
        self.comm = comm

    def Iallreduce(self, sent: Any, received: Any) -> Any:  # noqa: N802 (as mpi4py names it)
        latency, for_a_byte = WIRE
        time.sleep(latency + received.nbytes * for_a_byte)  # in the thread of MPI
        return self.comm.Iallreduce(sent, received)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.comm, name)


if __name__ == "__main__":
    main()
