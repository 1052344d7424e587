"""Keys that are arrays: what NumPy reads and assigns by them, and the gradients, on every library."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from autodiff_checks import Place
from hypothesis import given
from hypothesis import strategies as st

from xpnet.autodiff import Variable, grad
from xpnet.autodiff.rules.keys import positions
from xpnet.backend import array_namespace
from xpnet.errors import DtypeError

X = np.random.default_rng(0).standard_normal((3, 4, 5))
ALL = slice(None)

KEYS: dict[str, Any] = {
    "one array": np.asarray([0, 2, 2]),
    "behind a slice": (ALL, np.asarray([1, 3])),
    "two arrays": (np.asarray([0, 1]), np.asarray([2, 3])),
    "two that broadcast": (np.asarray([[0], [2]]), np.asarray([1, 3, 3])),
    "two apart": (np.asarray([0, 1]), ALL, np.asarray([2, 3])),
    "beside a slice and a number": (slice(1, None), np.asarray([1, 1]), 0),
    "a number apart": (0, ALL, np.asarray([1, 2])),
    "behind a new axis": (None, np.asarray([0, 1])),
    "around a new axis": (np.asarray([0, 1]), None, np.asarray([2, 3])),
    "negative": (ALL, None, np.asarray([0, 1]), np.asarray([2, -3])),
    "behind an ellipsis": (..., np.asarray([0, -1])),
    "around an ellipsis": (np.asarray([0, 1]), ..., np.asarray([0, -1])),
    "none taken": np.asarray([], dtype=np.int64),
    "mask": X > 0,
    "mask of leading axes": X[:, :, 0] > 0,
    "mask behind a slice": (ALL, X[0] > 0),
    "mask and array": (np.asarray([True, False, True]), ALL, np.asarray([0, 2])),
    "mask and number": (np.asarray([True, False, True]), 1),
    "nothing masked": np.zeros((3, 4, 5), dtype=bool),
}
LISTS: dict[str, Any] = {"list": [0, 1], "lists": ([0, 1], [1, 2]), "mask as a list": [True, False, True]}


def on(place: Place, key: Any) -> Any:
    """The key with arrays of the library."""
    items = (
        [place.asarray_of(item) if isinstance(item, np.ndarray) else item for item in key] if type(key) is tuple else []
    )
    return tuple(items) if type(key) is tuple else place.asarray_of(key) if isinstance(key, np.ndarray) else key


def read_and_weighed(x: Any, key: Any, w: Any) -> Any:
    y = x[key]
    return array_namespace(y).sum(y * y * w)


def refused_without_shapes_of_values(place: Place, name: str) -> bool:
    return place.strict and "mask" in name


@pytest.mark.parametrize("name", [*KEYS, *LISTS])
def test_reading(name: str, place: Place) -> None:
    key = {**KEYS, **LISTS}[name]
    w = np.random.default_rng(1).standard_normal(X[key].shape)
    if refused_without_shapes_of_values(place, name):
        with pytest.raises(DtypeError, match="where"):
            Variable(place.asarray(X))[on(place, key)]
        return
    y = Variable(place.asarray(X))[on(place, key)]
    np.testing.assert_array_equal(place.to_numpy(y), X[key])
    found = grad(read_and_weighed)(place.asarray(X), on(place, key), place.asarray(w))
    expected = np.zeros_like(X)
    np.add.at(expected, key, 2.0 * w * X[key])
    np.testing.assert_allclose(place.to_numpy(found), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*KEYS, *LISTS])
def test_assigning(name: str, place: Place) -> None:
    key = {**KEYS, **LISTS}[name]
    w = np.random.default_rng(1).standard_normal(X.shape)
    masked = name in ("mask", "mask of leading axes", "nothing masked", "mask as a list")
    shapes = {X[key].shape, ()} if masked else {X[key].shape, X[key].shape[-1:], ()}
    for shape in shapes:
        value = np.asarray(np.random.default_rng(2).standard_normal(shape))
        if refused_without_shapes_of_values(place, name) and not masked:
            with pytest.raises(DtypeError, match="where"):
                grad(changed)(place.asarray(X), place.asarray(value), on(place, key), place.asarray(w))
            continue
        found = grad(changed, (0, 1))(place.asarray(X), place.asarray(value), on(place, key), place.asarray(w))
        after, kept = X * 1.0, np.ones_like(X)
        after[key], kept[key] = value, 0.0
        np.testing.assert_allclose(place.to_numpy(found[0]), 2.0 * after * w * kept, rtol=1e-12, atol=1e-12)
        stays = np.full(X.shape, -1)
        stays[key] = np.arange(X[key].size).reshape(X[key].shape)  # the last one of equal places stays
        d = np.zeros(X[key].size)
        d[stays[stays >= 0]] = (2.0 * after * w)[stays >= 0]
        d = d.reshape(X[key].shape)
        d = np.sum(d, axis=tuple(range(d.ndim - value.ndim))) if d.ndim > value.ndim else d
        np.testing.assert_allclose(place.to_numpy(found[1]), d, rtol=1e-12, atol=1e-12)


def changed(x: Any, value: Any, key: Any, w: Any) -> Any:
    y = x * 1.0
    y[key] = value
    return array_namespace(y).sum(y * y * w)


def test_second_derivatives() -> None:
    def cubes(x: Any, v: Any) -> Any:
        y = x * 1.0
        y[np.asarray([0, 1])] = v
        return array_namespace(y).sum(y[np.asarray([0, 0, 2])] ** 3)

    def slopes(v: Any) -> Any:
        return array_namespace(v).sum(grad(cubes, (0, 1))(np.asarray([1.0, 2.0, 3.0]), v)[1])

    np.testing.assert_allclose(grad(slopes)(np.asarray([2.0, 5.0])), [24.0, 0.0])


def test_a_key_may_be_a_variable(place: Place) -> None:
    def largest(x: Any) -> Any:
        xp = array_namespace(x)
        return xp.sum(x[xp.argsort(x)[-2:]] ** 2)

    found = grad(largest)(place.asarray([3.0, 1.0, 2.0]))
    np.testing.assert_allclose(place.to_numpy(found), [6.0, 0.0, 4.0])


def test_an_index_outside_is_refused_as_by_numpy() -> None:
    x = Variable(X)
    for key in (np.asarray([0, 3]), (0, np.asarray([4]))):
        with pytest.raises(IndexError):
            x[key]


def test_fractions_are_no_key() -> None:
    with pytest.raises(DtypeError, match="a key must be made of integers"):
        Variable(X)[np.asarray([0.0])]


@given(st.data())
def test_positions_are_those_of_numpy(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    x = np.zeros(shape)
    block = data.draw(st.sampled_from([(), (2,), (3,), (2, 3)]))
    items: list[Any] = []
    for size in shape[: data.draw(st.integers(1, len(shape)))]:
        kind = data.draw(st.sampled_from(["array", "number", "slice", "new axis", "mask"]))
        if kind == "new axis":
            items.append(None)
        if kind == "array":
            sides = tuple(data.draw(st.sampled_from([1, n])) for n in block)
            places = data.draw(st.lists(st.integers(-size, size - 1), min_size=6, max_size=6))
            items.append(np.asarray(places[: math.prod(sides)]).reshape(sides))
        elif kind == "number":
            items.append(data.draw(st.integers(-size, size - 1)))
        elif kind == "mask" and block == ():
            items.append(np.asarray(data.draw(st.lists(st.booleans(), min_size=size, max_size=size))))
        else:
            items.append(data.draw(st.slices(size)))
    if data.draw(st.booleans()) and not any(item is Ellipsis for item in items):
        items.insert(data.draw(st.integers(0, len(items))), Ellipsis)
    key = tuple(items)
    if not any(isinstance(item, np.ndarray) for item in items):
        return
    numbers = np.arange(x.size).reshape(shape)
    try:
        expected = numbers[key]
    except IndexError:  # masks that take different numbers of elements
        return
    np.testing.assert_array_equal(positions(key, x), expected)
