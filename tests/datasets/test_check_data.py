"""The check of data before training names the first bad row and reads the device once."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from xpnet.backend import use_backend
from xpnet.datasets import check, check_data
from xpnet.errors import ArgumentError, ShapeError

X = np.ones((6, 2, 2))
T = np.asarray([0, 1, 2, 0, 1, 2])


PLACES = [("numpy", None), ("cupy", None), ("array-api-strict", None), ("array-api-strict", "device1")]


@pytest.fixture(params=PLACES, ids=str)
def backend(request: pytest.FixtureRequest, needs):
    name, device = request.param
    needs(name)
    with use_backend(name, device=device) as current:
        yield current


def changed(values: np.ndarray, place: object, value: float) -> np.ndarray:
    copy = values.copy()
    copy[place] = value
    return copy


@pytest.mark.parametrize(
    ("x", "t", "classes"),
    [
        (X, T, 3),
        (X, T, None),
        (X, T.astype(np.uint8), 1000),
        (X, T.reshape(6, 1), 3),
        (X, np.eye(3)[T], 3),
        (X, X, None),
        (T.reshape(6, 1), T, 3),
        (X[:1], T[:1], 1),
        (T, T - 9, None),
        (X > 0, X > 0, None),
    ],
)
def test_good_data_pass(backend, x: np.ndarray, t: np.ndarray, classes: int | None) -> None:
    check_data(backend.asarray(x), backend.asarray(t), classes)


@pytest.mark.parametrize(
    ("x", "t", "reason"),
    [
        (changed(X, (3, 1, 0), np.nan), T, "x must be finite, got NaN or infinity in row 3;"),
        (changed(X, (slice(2, 5), 0, 1), np.inf), T, "in row 2;"),
        (changed(X, (0, 0, 0), -np.inf), T, "in row 0;"),
        (changed(X, (5, 1, 1), np.nan), T + 9, "x must be finite, got NaN or infinity in row 5;"),
        (X, changed(np.eye(3)[T], (4, 2), np.nan), "t must be finite, got NaN or infinity in row 4;"),
        (X, changed(T, 4, 3), "labels must be from 0 to 2, got 3 in row 4;"),
        (X, changed(T, slice(1, 3), -1), "got -1 in row 1;"),
        (X, changed(T, 5, 200).astype(np.uint8), "got 200 in row 5;"),
        (X, changed(np.column_stack([T, T]), (3, 1), 7), "got 7 in row 3;"),
        (T, changed(T, 0, 3), "got 3 in row 0;"),
    ],
)
def test_bad_data_are_refused_by_the_first_bad_row(backend, x: np.ndarray, t: np.ndarray, reason: str) -> None:
    with pytest.raises(ArgumentError, match=reason) as raised:
        check_data(backend.asarray(x), backend.asarray(t), 3)
    assert raised.value.who == "check_data"


@pytest.mark.parametrize(("t", "bad"), [(T, False), (changed(T, 4, 3), True), (np.eye(3)[T], False)])
def test_device_is_read_once(t: np.ndarray, bad: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = pytest.importorskip("array_api_strict")
    reads = []
    convert = check.to_numpy
    monkeypatch.setattr(check, "to_numpy", lambda array: reads.append(array.size) or convert(array))

    def refuse(self: object, *arguments: object) -> None:
        raise AssertionError("a value was read on the host")

    for name in ("__bool__", "__int__", "__float__", "__index__", "__array__"):
        monkeypatch.setattr(f"array_api_strict._array_object.Array.{name}", refuse)
    device = strict.Device("device1")
    x, labels = strict.asarray(X, device=device), strict.asarray(t, device=device)
    with pytest.raises(ArgumentError, match="got 3 in row 4") if bad else nullcontext():
        check_data(x, labels, 3)
    assert len(reads) == 1
    assert reads[0] <= 3


def test_lengths_must_agree() -> None:
    with pytest.raises(ShapeError, match="got 6 and 5 rows"):
        check_data(X, T[:5])
    with pytest.raises(ShapeError, match="at least one row"):
        check_data(X[:0], T[:0], 3)


@pytest.mark.parametrize("ignored", [-1, 99])
def test_a_label_that_is_ignored_passes(backend, ignored: int) -> None:
    check_data(backend.asarray(X), backend.asarray(changed(T, 4, ignored)), 3, ignored)
    with pytest.raises(ArgumentError, match=f"labels must be from 0 to 2 or {ignored}, got -2 in row 5;"):
        check_data(backend.asarray(X), backend.asarray(changed(changed(T, 4, ignored), 5, -2)), 3, ignored)
