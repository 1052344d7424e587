"""Buckets: gradients joined into flat arrays, whose sums over the ranks are started one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

from xpnet.backend import array_namespace
from xpnet.distributed.communicator import DONE, Communicator, Pending
from xpnet.distributed.sending import sendable
from xpnet.typing import Array

SMALLEST, LARGEST = 1 << 18, 1 << 22
"""The smallest and largest default size of a bucket in bytes."""


class Bucket:
    """Arrays of one dtype that are joined into a flat array, with the position of each.

    The length is a multiple of the number of ranks, so that each rank has a slice of it.
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
        """Return the arrays of its names as one flat array, padded with zeros."""
        flat: Any = None
        for name, place in self.places.items():
            own = sendable(array_of(name))
            if flat is None:
                flat = array_namespace(own).empty(self.length, dtype=own.dtype)
            flat[place].reshape(self.shapes[name])[...] = own
        flat[self.used :] = 0
        return flat

    def parts(self, flat: Any) -> dict[str, Any]:
        """Return the arrays by name, as views of the flat array."""
        return {name: flat[place].reshape(self.shapes[name]) for name, place in self.places.items()}

    def own(self, rank: int, ranks: int) -> dict[str, tuple[slice, slice]]:
        """Return, for each array, its part in a rank's slice, as a slice of the array and a slice of that slice."""
        each = self.length // ranks
        first, last = rank * each, (rank + 1) * each
        found = {}
        for name, place in self.places.items():
            start = min(max(first, place.start), place.stop)
            stop = max(min(last, place.stop), start)
            found[name] = slice(start - place.start, stop - place.start), slice(start - first, stop - first)
        return found


def in_buckets(arrays: Mapping[str, Array], size: int | None, ranks: int) -> list[Bucket]:
    """Return buckets of at most ``size`` bytes, or of one larger array, from the last arrays, the first of backward.

    The default size is an eighth of all gradients, within limits, so that most sums have started before backward ends:
    the time of a small sum is only latency, and a large one begins late.
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

    A bucket is started when all its gradients are computed and the buckets before it are started, so that every rank
    starts them in the same order. With ``scatter`` each rank gets only its slice of the sum, and ``done`` is called
    with the names of gradients that have been added and are not needed any more.
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
        """Note that some gradients have been computed, and start the buckets that are complete."""
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
        """Return the sums of all buckets, or this rank's slices of them, when they are complete."""
        self.took(self.bucket_of)
        for _, pending in self.started:
            pending.wait()
        return [flat for flat, _ in self.started]
