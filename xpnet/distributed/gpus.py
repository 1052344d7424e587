"""The assignment of GPUs: each rank gets the one of its index on its machine, which no other rank uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from xpnet.backend import Backend
from xpnet.distributed.communicator import Objects
from xpnet.distributed.launcher import WHO
from xpnet.errors import BackendError, XpnetError

T = TypeVar("T")


def together(group: Objects, task: Callable[[], T]) -> T:
    """Return the result of a task on this rank, if it has succeeded on all ranks.

    Raises: on every rank, the error of the first rank that has failed, with its number and host.
    """
    error, found = None, None
    try:
        found = task()
    except XpnetError as raised:
        error = raised
    told = group.gather_objects((group.host, error))
    failed = [(rank, host, other) for rank, (host, other) in enumerate(told) if other is not None]
    if failed:
        rank, host, first = failed[0]
        if len({str(other) for _, other in told}) > 1:
            first.set_who(f"rank {rank} on {host}: {first.who}")
        raise first
    return found  # type: ignore[return-value]


def own_gpu(backend: Backend, group: Objects, machine: str) -> Backend:
    """Return the backend on the GPU of this rank; a GPU that was chosen, other than the first, is kept.

    Raises: ``BackendError`` if there are fewer GPUs than ranks, or if two ranks have the same GPU.
    """
    import cupy

    def choose() -> Backend:
        there = cupy.cuda.runtime.getDeviceCount()
        if backend.device.id or there == 1:
            return backend
        if group.local_rank >= there:
            must = f"each rank must have a GPU of its own, and rank {group.rank} is number {group.local_rank + 1}"
            remedy = f"start at most {there} ranks on {group.host}"
            raise BackendError(WHO, must, f"{there} GPUs", remedy)
        return replace(backend, device=cupy.cuda.Device(group.local_rank))

    chosen = together(group, choose)
    chosen.device.use()
    gpu = machine, bytes(cupy.cuda.runtime.getDeviceProperties(chosen.device.id)["uuid"])
    told = group.gather_objects((gpu, group.host))
    for rank, (other, host) in enumerate(told):
        first = [gpu for gpu, _ in told].index(other)
        if first != rank:
            must = "each rank must have a GPU of its own"
            got = f"one for ranks {first} and {rank} on {host}"
            raise BackendError(WHO, must, got, "start as many ranks on a machine as it has GPUs, or leave out --device")
    return chosen
