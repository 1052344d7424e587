"""vmap: every rule and its derivatives over a batch against the loop, axes, nesting, and what cannot be batched."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy as plain
import numpy as np
import pytest
from autodiff_checks import PRESENT, Place

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.cases.rules import CASES, Case
from xpnet.errors import ArgumentError
from xpnet.networks import TwoLayerNet
from xpnet.random import Generator

N = 3
DYNAMIC = ("unique_all", "unique_counts", "unique_inverse", "unique_values")  # shapes that depend on values
READ = ("arange",)  # a size that depends on values
HOST = [case for case in CASES if case.name not in (*DYNAMIC, *READ)]
KINDS = list({case.name: case for case in reversed(HOST)}.values())


def space(*arrays: Any) -> Any:
    xp = array_namespace(*arrays)
    return plain if xp is np else xp


def batch_of(case: Case, place: Any, which: tuple[int, ...]) -> tuple[list[Any], tuple[int | None, ...]]:
    """Points of the case, of which those named are a batch."""
    rows = [case.points(seed) for seed in range(N)]
    axes = tuple(0 if at in which else None for at in range(len(case.shapes)))
    arrays = [np.stack([row[at] for row in rows]) if at in which else rows[0][at] for at in range(len(case.shapes))]
    return [place.asarray(x) for x in arrays], axes


def value_of(case: Case) -> Any:
    return lambda *arrays: case.call(space(*arrays), *arrays)


def gradient_of(case: Case) -> Any:
    def scalar(*arrays: Any) -> Any:
        xp = array_namespace(*arrays)
        y = case.call(space(*arrays), *arrays)
        y = xp.real(y) + 0.5 * xp.imag(y) if "complex" in str(y.dtype) else y
        return xp.sum(y * y * 0.5 + y)

    return xn.grad(scalar, case.smooth)


def agree(f: Any, case: Case, place: Any, which: tuple[int, ...]) -> None:
    arrays, axes = batch_of(case, place, which)
    found = xn.vmap(f, axes)(*arrays)
    expected = xn.vmap(f, axes, loop=True)(*arrays)
    for y, e in zip(*(y if isinstance(y, tuple) else (y,) for y in (found, expected)), strict=True):
        assert type(y) is type(e)
        assert y.shape == e.shape
        assert y.dtype == e.dtype
        np.testing.assert_allclose(place.to_numpy(y), place.to_numpy(e), rtol=1e-9, atol=1e-9)


class Host:
    asarray = staticmethod(np.asarray)
    to_numpy = staticmethod(np.asarray)


def choices(case: Case) -> list[tuple[int, ...]]:
    """All operands as batches, and each alone."""
    numbers = tuple(range(len(case.shapes)))
    alone = numbers[:1] if case.name == "setitem" else numbers  # no bare array can be assigned a batch
    return [numbers, *((at,) for at in alone if len(numbers) > 1)]


@pytest.mark.parametrize("case", HOST, ids=lambda case: case.id)
def test_a_batch_is_the_loop(case: Case) -> None:
    for which in choices(case):
        agree(value_of(case), case, Host, which)


@pytest.mark.parametrize("case", HOST, ids=lambda case: case.id)
def test_gradients_of_a_batch_are_the_loop(case: Case) -> None:
    for which in choices(case):
        agree(gradient_of(case), case, Host, which)


# they compile every operation, JAX for every shape: one case of every third function
COMPILED = ("jax", "cupy")
PAIRS = [(case, name) for name in PRESENT if name != "numpy" for case in (KINDS[::3] if name in COMPILED else HOST)]
PAIRS = [(case, name) for case, name in PAIRS if (case.id, name) != ("setitem-mask", "array-api-strict")]  # no loop
PAIRS = [(case, name) for case, name in PAIRS if (case.name, name) != ("setitem", "jax")]  # its arrays are immutable


@pytest.mark.parametrize(
    ("case", "place"), PAIRS, ids=[f"{name}-{case.id}" for case, name in PAIRS], indirect=["place"]
)
def test_it_is_on_every_library(case: Case, place: Place) -> None:
    agree(value_of(case), case, place, tuple(range(len(case.shapes))))
    agree(gradient_of(case), case, place, tuple(range(len(case.shapes))))


X = np.random.default_rng(3).standard_normal((4, 3))


def cubes(x: Any) -> Any:
    return array_namespace(x).sum(x**3)


def test_axes_and_nesting(place: Place) -> None:
    x = place.asarray(X)
    products = xn.vmap(xn.vmap(lambda a, b: array_namespace(a).sum(a * b), (None, 0)), (0, None))(x, x)
    np.testing.assert_allclose(place.to_numpy(products), X @ X.T)
    rows, sums = xn.vmap(lambda p: (p["x"] * p["s"], cubes(p["x"])), ({"x": 1, "s": None},), (1, 0))(
        {"x": x, "s": place.asarray(X[:, 0])}
    )
    np.testing.assert_allclose(place.to_numpy(rows), X * X[:, :1])
    np.testing.assert_allclose(place.to_numpy(sums), np.sum(X**3, axis=0))
    inside, around = xn.vmap(xn.grad(cubes))(x), xn.grad(lambda x: array_namespace(x).sum(xn.vmap(cubes)(x)))(x)
    for found in (inside, around):
        np.testing.assert_allclose(place.to_numpy(found), 3.0 * X**2)


def test_gradients_of_a_network_by_each_row(place: Place) -> None:
    if place.name == "jax":
        pytest.skip("jax compiles every operation for every shape")
    with xn.use_backend(place.backend):
        net = TwoLayerNet(3, 4, 2, rng=Generator(0))
    t = place.asarray_of(np.asarray([[0], [1], [1], [0]]))

    def loss(params: Any, x: Any, t: Any) -> Any:
        with net.using(params):
            return net.loss(x, t)

    x, params = array_namespace(t).reshape(place.asarray(X), (4, 1, 3)), dict(net.params)
    found, rows = (xn.vmap(xn.grad(loss), (None, 0, 0), loop=loop)(params, x, t) for loop in (False, True))
    for name, d in found.items():
        np.testing.assert_allclose(place.to_numpy(d), place.to_numpy(rows[name]), rtol=1e-9, atol=1e-12)
    if place.name == "numpy":
        with pytest.raises(ArgumentError, match="labels must be from 0 to 1"):
            xn.vmap(net.loss)(x, t + 1)


def test_what_asks_for_one_value_is_told_of_the_loop() -> None:
    f = lambda x: x if x[0] > 0 else -x  # noqa: E731
    with pytest.raises(xn.autodiff.BatchError, match=r"xp.where in place of if.*loop=True"):
        xn.vmap(f)(X)
    np.testing.assert_array_equal(xn.vmap(f, loop=True)(X), X * np.where(X[:, :1] > 0, 1.0, -1.0))


def test_a_derivative_of_ones_own_in_a_batch() -> None:
    @xn.custom_vjp
    def square(x: Any) -> Any:
        return x**2, x

    @square.backward
    def _(x: Any, dout: Any) -> Any:
        return 10.0 * x * dout

    total = lambda x: array_namespace(x).sum(square(x))  # noqa: E731
    np.testing.assert_array_equal(xn.vmap(square)(X), X**2)
    np.testing.assert_array_equal(xn.vmap(xn.grad(total))(X), 10.0 * X)
    with pytest.raises(xn.autodiff.BatchError, match="loop=True"):
        xn.grad(lambda x: array_namespace(x).sum(xn.vmap(square)(x)))(X)
    again = xn.checkpoint(lambda x: x**3)
    np.testing.assert_allclose(xn.grad(lambda x: array_namespace(x).sum(xn.vmap(again)(x)))(X), 3.0 * X**2)
