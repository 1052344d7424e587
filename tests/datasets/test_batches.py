"""Mini-batches: every row once an epoch, in an order that seed and epoch alone decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.backend import get_backend, to_numpy, use_backend
from xpnet.datasets import Batches
from xpnet.errors import ArgumentError, DtypeError, LibraryError, ShapeError
from xpnet.random import Generator

X = np.arange(20.0).reshape(10, 2)
T = np.arange(10)


def rows(batches: Batches, k: int) -> list[int]:
    return [row for _, t in batches.epoch(k) for row in to_numpy(t).tolist()]


@given(n=st.integers(1, 40), size=st.integers(1, 50), seed=st.integers(0, 5), k=st.integers(0, 1000))
def test_an_epoch_has_every_row_once_and_the_last_batch_is_kept(n: int, size: int, seed: int, k: int) -> None:
    x, t = np.arange(3.0 * n).reshape(n, 3), np.arange(n)
    batches = Batches(x, t, size, Generator(seed))
    parts = list(batches.epoch(k))
    assert len(parts) == len(batches) == -(-n // size)
    assert [len(part) for part, _ in parts[:-1]] == [size] * (len(parts) - 1)
    assert 1 <= len(parts[-1][0]) <= size
    order = np.concatenate([labels for _, labels in parts])
    assert sorted(order.tolist()) == t.tolist()
    assert np.array_equal(np.concatenate([part for part, _ in parts]), x[order])


def test_order_is_the_generators_permutation_named_shuffle_of_that_step() -> None:
    batches = Batches(X, T, 3, Generator(7))
    for k in (4, 0, 4):
        assert rows(batches, k) == Generator(7).permutation(10, name="shuffle", step=k).tolist()
    assert rows(batches, 0) != rows(batches, 1)
    assert rows(batches, 0) != rows(Batches(X, T, 3, Generator(8)), 0)


def test_rows_come_in_order_without_a_generator() -> None:
    batches = Batches(X, T, 4)
    assert rows(batches, 0) == rows(batches, 5) == T.tolist()
    assert [len(t) for _, t in batches.epoch(0)] == [4, 4, 2]


@pytest.mark.parametrize(
    ("backend", "device"),
    [("numpy", None), ("cupy", None), ("array-api-strict", None), ("array-api-strict", "device1")],
)
def test_batches_stay_where_the_data_is(backend: str, device: str | None, needs) -> None:
    needs(backend)
    with use_backend(backend, device=device):
        x, t = get_backend().asarray(X.reshape(10, 1, 2)), get_backend().asarray(T)
    for rng in (None, Generator(0)):
        parts = list(Batches(x, t, 4, rng).epoch(3))
        assert [part.shape for part, _ in parts] == [(4, 1, 2), (4, 1, 2), (2, 1, 2)]
        for part, labels in parts:
            assert type(part) is type(x)
            assert (part.dtype, part.device) == (x.dtype, x.device)
            assert (labels.dtype, labels.device) == (t.dtype, t.device)
    assert rows(Batches(x, t, 4, Generator(0)), 3) == rows(Batches(X, T, 4, Generator(0)), 3)


def test_data_is_left_as_it_is() -> None:
    x, t = X.copy(), T.copy()
    for array in (x, t):
        array.flags.writeable = False
    list(Batches(x, t, 3, Generator(0)).epoch(0))
    assert np.array_equal(x, X)


@pytest.mark.parametrize(
    ("x", "t", "size", "kind", "reason"),
    [
        (X, T[:9], 2, ShapeError, "same number of rows, got 10 and 9 rows"),
        (X[:0], T[:0], 2, ShapeError, "at least one row"),
        (np.asarray(1.0), T, 2, ShapeError, "must have rows"),
        (X, T, 0, ArgumentError, "batch_size must be a positive integer, got 0"),
        (X, T, -3, ArgumentError, "got -3"),
        (X, T, 2.5, ArgumentError, "got 2.5"),
        (X, T, True, ArgumentError, "got True"),
        (X.tolist(), T, 2, DtypeError, "list"),
    ],
)
def test_wrong_arguments_are_refused(x: object, t: object, size: object, kind: type, reason: str) -> None:
    with pytest.raises(kind, match=reason):
        Batches(x, t, size)


@pytest.mark.parametrize("rng", [0, np.random.default_rng(0), np.random.RandomState(0)])
def test_other_generators_are_refused(rng: object) -> None:
    with pytest.raises(DtypeError, match=r"rng must be a Generator of xpnet.*pass xpnet\.random\.Generator\(seed\)"):
        Batches(X, T, 2, rng)


def test_arrays_of_two_libraries_or_devices_are_refused() -> None:
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(LibraryError, match="one library"):
        Batches(strict.asarray(X), T, 2)
    with pytest.raises(LibraryError, match="one device"):
        Batches(strict.asarray(X), strict.asarray(T, device=strict.Device("device1")), 2)


def test_repr_counts() -> None:
    assert repr(Batches(X, T, 4)) == "Batches(10 rows in 3 batches of 4)"
