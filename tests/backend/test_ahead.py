"""Batches that are copied ahead arrive whole, also on a device that does nothing before it has to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cuda_device import is_pretended, run_again

import xpnet as xn
from xpnet.backend import get_backend, to_numpy
from xpnet.backend.ahead import MOST
from xpnet.datasets import Batches
from xpnet.errors import DtypeError
from xpnet.random import Generator

ROWS = 2000  # copies so large that CuPy gives their memory to the next of their size, and to no other
X = np.arange(30.0 * ROWS, dtype="float32").reshape(-1, 2)
T = np.arange(15 * ROWS)
BATCHES = [(X[i : i + ROWS], T[i : i + ROWS]) for i in range(0, len(T), ROWS)]


def test_ahead_on_lazy_streams_in_a_process_of_its_own(cupy: Any) -> None:
    if is_pretended(cupy):
        run_again(__file__, LAZY="1")


@pytest.fixture
def pinned(cupy: Any) -> Any:
    """The sizes of all pinned memory that is taken from the system from now on."""
    sizes: list[int] = []

    def take(size: int) -> Any:
        sizes.append(size)
        return cupy.cuda.PinnedMemoryPointer(cupy.cuda.PinnedMemory(size), 0)

    cupy.cuda.set_pinned_memory_allocator(cupy.cuda.PinnedMemoryPool(take).malloc)
    yield sizes
    cupy.cuda.set_pinned_memory_allocator(cupy.get_default_pinned_memory_pool().malloc)


@pytest.mark.parametrize("at_once", [False, True])
def test_every_batch_arrives_whole(cupy: Any, pinned: list[int], at_once: bool) -> None:
    seen = []
    for x, t in get_backend().ahead(BATCHES):
        seen.append((x.astype("float64"), t.astype("int32")))  # of other sizes
        del x, t  # so that their memory goes to a batch that comes
        if at_once:
            cupy.cuda.get_current_stream().synchronize()
    assert len(seen) == len(BATCHES)
    for found, expected in zip(seen, BATCHES, strict=True):
        for array, host in zip(found, expected, strict=True):
            np.testing.assert_array_equal(to_numpy(array), host)
    assert len(pinned) <= 2 * (MOST + 1)


def test_memory_of_batches_nobody_takes_is_not_written_to_later(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    streams, make = [], cupy.cuda.Stream

    def stream(**named: Any) -> Any:
        streams.append(make(**named))  # which does what it was given when it goes, if not before
        return streams[-1]

    monkeypatch.setattr(cupy.cuda, "Stream", stream)
    ahead = get_backend().ahead(BATCHES)
    for _ in range(2):
        next(ahead)
    ahead.close()
    others = [cupy.full((ROWS, 2), 7.0, dtype="float32") for _ in range(2 * len(BATCHES))]
    cupy.cuda.get_current_stream().synchronize()
    assert len(streams) == 1
    streams[0].synchronize()
    assert all((to_numpy(array) == 7.0).all() for array in others)


def test_the_next_batch_is_on_its_way_when_one_is_handed_over(cupy: Any) -> None:
    sent = []

    def batches() -> Any:
        for batch in BATCHES:
            sent.append(batch)
            yield batch

    ahead = get_backend().ahead(batches())
    for count in range(1, 4):
        next(ahead)
        assert len(sent) == count + 1


def test_batches_have_the_dtype_of_the_backend(cupy: Any) -> None:
    with xn.use_backend("cupy", dtype="float64"):
        ((x, t),) = get_backend().ahead(BATCHES[:1])
    assert (x.dtype, t.dtype) == (np.dtype("float64"), T.dtype)


def test_no_batches_are_no_batches(cupy: Any) -> None:
    assert list(get_backend().ahead([])) == []


def test_batches_come_as_the_backend_makes_arrays(backend: Any) -> None:
    x, t = X[:30].astype("float64"), T[:30]
    batches = Batches(x, t, 7, Generator(0))
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
