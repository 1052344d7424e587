"""Buckets: gradients laid one behind another into flat arrays, whose sums over the ranks are started one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

from xpnet.backend import array_namespace
from xpnet.distributed.communicator import DONE, Communicator, Pending
from xpnet.distributed.sending import sendable
from xpnet.typing import Array

SMALLEST, LARGEST = 1 << 18, 1 << 22
"""The bytes of a bucket, where no number of them is asked for."""


class Bucket:
    """Arrays of one dtype in a row, and where each of them lies in the flat array that holds them.

    Its length is a multiple of the number of ranks: each has a slice of it.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], ranks: int) -> None:
        self.shapes = dict(shapes)
        self.places: dict[str, slice] = {}
        self.used = 0
        for name, shape in self.shapes.items():
            self.places[name] = slice(self.used, self.used + prod(shape))
            self.used += prod(shape)
        self.length = -(-self.used // ranks) * ranks

    def laid(self, array_of: Callable[[str], Array]) -> Any:
        """The arrays of its names in one, filled up with zeros."""
        flat: Any = None
        for name, place in self.places.items():
            own = sendable(array_of(name))
            if flat is None:
                flat = array_namespace(own).empty(self.length, dtype=own.dtype)
            flat[place].reshape(self.shapes[name])[...] = own
        flat[self.used :] = 0
        return flat

    def parts(self, flat: Any) -> dict[str, Any]:
        """The arrays by name, as views of the flat one."""
        return {name: flat[place].reshape(self.shapes[name]) for name, place in self.places.items()}

    def own(self, rank: int, ranks: int) -> dict[str, tuple[slice, slice]]:
        """For each array what of it lies in the slice of a rank: where in the array, and where in the slice."""
        each = self.length // ranks
        first, last = rank * each, (rank + 1) * each
        found = {}
        for name, place in self.places.items():
            start = min(max(first, place.start), place.stop)
            stop = max(min(last, place.stop), start)
            found[name] = slice(start - place.start, stop - place.start), slice(start - first, stop - first)
        return found


def in_buckets(arrays: Mapping[str, Array], size: int | None, ranks: int) -> list[Bucket]:
    """Buckets of at most ``size`` bytes, or of one larger array; the last arrays, which backward gives first, first.

    Without a size it is an eighth of them all, so that most are under way before backward ends: a sum that is small is
    all latency, and one that is large begins late.
    """
    if size is None:
        whole = sum(prod(array.shape) * sendable(array).dtype.itemsize for array in arrays.values())
        size = min(max(whole // 8, SMALLEST), LARGEST)
    buckets: list[Bucket] = []
    row: dict[str, tuple[int, ...]] = {}
    filled, dtype = 0, None
    for name in reversed(list(arrays)):
        array = arrays[name]
        own = prod(array.shape) * sendable(array).dtype.itemsize
        if row and (filled + own > size or array.dtype != dtype):
            buckets.append(Bucket(row, ranks))
            row, filled = {}, 0
        row[name], dtype = tuple(array.shape), array.dtype
        filled += own
    return [*buckets, Bucket(row, ranks)] if row else buckets


class Sums:
    """The sums of the gradients of one step over the ranks, started bucket by bucket.

    A bucket is started where all its gradients are there and those before it are started, so that every rank starts
    them in one order. With ``scatter`` each rank gets its slice of the sum alone, and ``done`` is told of the names
    whose gradients have been added and are of no more use.
    """

    def __init__(
        self,
        communicator: Communicator,
        buckets: list[Bucket],
        gradient_of: Callable[[str], Array],
        wire: str | None = None,
        scatter: bool = False,
        done: Callable[[Iterable[str]], None] = lambda _: None,
    ) -> None:
        self.communicator = communicator
        self.buckets = buckets
        self.gradient_of, self.wire = gradient_of, wire
        self.scatter, self.done = scatter, done
        self.missing = [set(bucket.places) for bucket in buckets]
        self.bucket_of = {name: at for at, bucket in enumerate(buckets) for name in bucket.places}
        self.started: list[tuple[Any, Pending]] = []

    def took(self, names: Iterable[str]) -> None:
        """Some gradients are there: start what can be started."""
        for name in names:
            self.missing[self.bucket_of[name]].discard(name)
        while len(self.started) < len(self.buckets) and not self.missing[len(self.started)]:
            bucket = self.buckets[len(self.started)]
            flat = bucket.laid(self.gradient_of)
            if self.scatter:
                self.started.append((self.communicator.reduce_scatter(flat), DONE))
            else:
                self.started.append((flat, self.communicator.allreduce(flat, self.wire)))
            self.done(bucket.places)

    def end(self) -> list[Any]:
        """The sums of all buckets, or the own slices of them, when they are there."""
        self.took(self.bucket_of)
        for _, pending in self.started:
            pending.wait()
        return [flat for flat, _ in self.started]
