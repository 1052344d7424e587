"""Batches that are copied ahead arrive whole, on a device that does nothing before it has to."""

from __future__ import annotations

import weakref
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from xpnet.backend import get_backend, to_numpy
from xpnet.backend.ahead import MOST, copied_ahead
from xpnet.datasets import Batches
from xpnet.errors import DtypeError
from xpnet.random import Generator

X = np.arange(60.0, dtype="float32").reshape(30, 2)
T = np.arange(30)


class Pool:
    """Memory that goes to the next who asks as soon as nobody holds it."""

    def __init__(self) -> None:
        self.free: list[bytearray] = []
        self.made = 0

    def take(self, shape: Any, dtype: Any) -> Any:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        for memory in self.free:
            if len(memory) == size:
                self.free.remove(memory)
                break
        else:
            memory = bytearray(size)
            self.made += 1
        array = Array(shape, dtype, memory)
        array.memory = memory
        weakref.finalize(array, self.free.append, memory)
        return array


class Array(np.ndarray):
    """An array on its memory, into which a stream copies."""

    memory: bytearray

    def set(self, host: Any, stream: Stream) -> None:
        source, target = host.memory, self.memory
        stream.work.append(lambda: target.__setitem__(slice(None), source))


class Stream:
    """Work in its order, done when somebody waits for it and not before."""

    def __init__(self) -> None:
        self.work: list[Any] = []
        self.position = 0

    def run(self, end: int) -> None:
        while self.position < end:
            self.position += 1
            self.work[self.position - 1]()

    def record(self) -> SimpleNamespace:
        stream, end = self, len(self.work)

        class Event:
            done = property(lambda _: stream.position >= end)

            def synchronize(self) -> None:
                stream.run(end)

        return Event()

    def wait_event(self, event: Any) -> None:
        self.work.append(event.synchronize)

    def synchronize(self) -> None:
        self.run(len(self.work))


@pytest.fixture
def device() -> Any:
    pinned, memory, compute, streams = Pool(), Pool(), Stream(), []

    def stream(non_blocking: bool) -> Stream:
        assert non_blocking, "else it would wait for all work of the default stream"
        streams.append(Stream())
        return streams[-1]

    cupy = SimpleNamespace(cuda=SimpleNamespace(Stream=stream, get_current_stream=lambda: compute), empty=memory.take)
    return SimpleNamespace(cupy=cupy, pinned=pinned, memory=memory, compute=compute, streams=streams)


def used(device: Any, batches: list[list[Any]], most: int = 10**9, at_once: bool = False) -> list[list[Any]]:
    """What work on the device, launched for each batch and done at last or at once, finds in its memory."""
    found: list[list[Any]] = []
    ahead = copied_ahead(device.cupy, device.pinned.take, nullcontext(), iter(batches))
    for count, arrays in enumerate(ahead):
        for array in arrays:
            found.append([])
            keep = found[-1].append
            device.compute.work.append(lambda keep=keep, memory=array.memory: keep(bytes(memory)))
        del array, arrays
        if at_once:
            device.compute.synchronize()
        if count + 1 == most:
            ahead.close()
            break
    device.compute.synchronize()
    return found


@pytest.mark.parametrize("at_once", [False, True])
def test_every_batch_arrives_whole(device: Any, at_once: bool) -> None:
    batches = [[(X[i : i + 3], None), (T[i : i + 3], None)] for i in range(0, 30, 3)]
    found = used(device, batches, at_once=at_once)
    assert found == [[host.tobytes()] for batch in batches for host, _ in batch]
    assert device.pinned.made <= 2 * (MOST + 1)


def test_memory_of_batches_nobody_takes_is_not_written_to_later(device: Any) -> None:
    batches = [[(X[i : i + 3], None)] for i in range(0, 30, 3)]
    assert used(device, batches, 2) == [[batch[0][0].tobytes()] for batch in batches[:2]]
    assert len(device.memory.free) == device.memory.made
    others = [device.memory.take((6,), "float32") for _ in range(device.memory.made)]
    for array in others:
        array.fill(7.0)
    for stream in device.streams:
        stream.synchronize()
    assert all((array == 7.0).all() for array in others)


def test_the_next_batch_is_on_its_way_when_one_is_handed_over(device: Any) -> None:
    batches = [[(X[i : i + 3], None)] for i in range(0, 30, 3)]
    ahead = copied_ahead(device.cupy, device.pinned.take, nullcontext(), iter(batches))
    next(ahead)
    (stream,) = device.streams
    assert len(stream.work) == 2 * 2  # for each a wait for what was launched before, and the copy
    assert stream.position < len(stream.work)


def test_batches_have_the_dtype_that_is_asked_for(device: Any) -> None:
    batches = [[(X[:3], np.dtype("float64")), (T[:3], None)]]
    ((x, t),) = copied_ahead(device.cupy, device.pinned.take, nullcontext(), iter(batches))
    assert (x.dtype, t.dtype) == (np.dtype("float64"), T.dtype)


def test_no_batches_are_no_batches(device: Any) -> None:
    assert used(device, []) == []


def test_batches_come_as_the_backend_makes_arrays(backend: Any) -> None:
    batches = Batches(X.astype("float64"), T, 7, Generator(0))
    found = list(get_backend().ahead(batches.epoch(1)))
    assert len(found) == 5
    for (x, t), (x_host, t_host) in zip(found, batches.epoch(1), strict=True):
        assert x.dtype == get_backend().dtype
        assert type(x) is type(get_backend().asarray(x_host))
        np.testing.assert_array_equal(to_numpy(x), x_host)
        np.testing.assert_array_equal(to_numpy(t), t_host)


def test_what_is_no_batch_is_refused() -> None:
    backend = get_backend()
    with pytest.raises(DtypeError, match=r"ahead: batches must be tuples of arrays, got Batches; try batches\.epoch"):
        backend.ahead(Batches(X, T, 7))
    with pytest.raises(DtypeError, match=r"ahead: a batch must be a tuple of arrays, got ndarray; write \(x,\)"):
        list(backend.ahead([X]))
