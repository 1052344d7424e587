"""An inf or NaN stays at the elements that it touches; zero times it is nobody's gradient."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet import kernels
from xpnet.autodiff import Variable, grad, vjp
from xpnet.backend import array_namespace
from xpnet.layers import Embedding

INF, NAN = np.inf, np.nan
X = np.asarray([[0.0, 1.0, 4.0], [9.0, 16.0, 25.0]])


def at(xp, x, values):
    return xp.asarray(values, device=x.device)


PICKING = {  # functions that move elements of X to other places, and NumPy's
    "take": (lambda xp, x: xp.take(x, at(xp, x, [2, 0, 1]), axis=1), lambda x: x[:, [2, 0, 1]]),
    "take rows": (lambda xp, x: xp.take(x, at(xp, x, [1, 0, 1]), axis=0), lambda x: x[[1, 0, 1]]),
    "take_along_axis": (
        lambda xp, x: xp.take_along_axis(x, at(xp, x, [[2, 0], [1, 1]]), axis=1),
        lambda x: np.take_along_axis(x, np.asarray([[2, 0], [1, 1]]), axis=1),
    ),
    "repeat": (lambda xp, x: xp.repeat(x, at(xp, x, [2, 0, 1]), axis=1), lambda x: np.repeat(x, [2, 0, 1], axis=1)),
    "repeat equally": (lambda xp, x: xp.repeat(x, 2, axis=0), lambda x: np.repeat(x, 2, axis=0)),
    "diagonal": (lambda xp, x: xp.linalg.diagonal(x, offset=1), lambda x: np.diagonal(x, 1)),
    "trace": (lambda xp, x: xp.linalg.trace(x[:, :2]), lambda x: np.trace(x[:, :2])),
    "max": (lambda xp, x: xp.max(x, axis=1), lambda x: x.max(axis=1)),
    "min": (lambda xp, x: xp.min(x, axis=0), lambda x: x.min(axis=0)),
    "maximum": (lambda xp, x: xp.maximum(x, xp.full_like(x, 5.0)), lambda x: np.maximum(x, 5.0)),
    "clip": (lambda xp, x: xp.clip(x, 2.0, 10.0), lambda x: np.clip(x, 2.0, 10.0)),
    "sort": (lambda xp, x: xp.sort(x, axis=1, descending=True), lambda x: np.sort(x, axis=1)[:, ::-1]),
    "tril": (lambda xp, x: xp.tril(x), np.tril),
    "triu": (lambda xp, x: xp.triu(x), np.triu),
    "where": (lambda xp, x: xp.where(x > 3.0, x, xp.ones_like(x)), lambda x: np.where(x > 3.0, x, 1.0)),
    "getitem": (lambda _, x: x[1:, ::2], lambda x: x[1:, ::2]),
    "norm of order inf": (
        lambda xp, x: xp.linalg.vector_norm(x, axis=1, ord=INF),
        lambda x: np.linalg.norm(x, axis=1, ord=INF),
    ),
    "roll": (lambda xp, x: xp.roll(x, 1, axis=1), lambda x: np.roll(x, 1, axis=1)),
    "tile": (lambda xp, x: xp.tile(x, (2, 1)), lambda x: np.tile(x, (2, 1))),
    "pow 0": (lambda _, x: x**0, lambda x: x**0),
    "assigned": (lambda _, x: assigned(x, (0, ...), 1.0), lambda x: np.concatenate([np.ones((1, 3)), x[1:]])),
    "masked": (lambda _, x: assigned(x, x > 3.0, 1.0), lambda x: np.where(x > 3.0, 1.0, x)),
}


def assigned(x, key, value):
    y = x * 1.0
    y[key] = value
    return y


@pytest.mark.parametrize("bad", [INF, -INF, NAN])
@pytest.mark.parametrize("name", PICKING)
def test_what_arrives_infinite_stays_where_it_belongs(name, bad, place: Place) -> None:
    """The Jacobian has zeros and ones: its columns say where an element of dout may go."""
    if place.name == "jax" and (name not in ("take", "take_along_axis") or bad != INF):
        pytest.skip("jax compiles every operation for every shape")
    if place.strict and name == "repeat":
        place.backend.xp.set_array_api_strict_flags(data_dependent_shapes=True)
    f, plain = PICKING[name]
    _, pullback = vjp(lambda x: f(array_namespace(x), x), place.asarray(X))
    shape = plain(X).shape
    for n in range(int(np.prod(shape))):
        dout = np.ones(shape)
        clean = place.to_numpy(pullback(place.asarray(dout))[0])
        dout.reshape(-1)[n] = bad
        d = place.to_numpy(pullback(place.asarray(dout))[0])
        unit = np.zeros(shape)
        unit.reshape(-1)[n] = 1.0
        touched = place.to_numpy(pullback(place.asarray(unit))[0]) != 0
        assert not np.isfinite(d[touched]).any()
        np.testing.assert_array_equal(d[~touched], clean[~touched])


@pytest.mark.parametrize("name", ["take", "take rows", "take_along_axis", "sort", "diagonal"])
def test_a_root_at_zero_of_what_was_picked(name, place: Place) -> None:
    f, _ = PICKING[name]
    with np.errstate(divide="ignore"):
        g = place.to_numpy(grad(lambda x: total(array_namespace(x).sqrt(f(array_namespace(x), x))))(place.asarray(X)))
    uses = place.to_numpy(grad(lambda x: total(f(array_namespace(x), x)))(place.asarray(X)))
    expected = np.zeros_like(X)
    expected[uses != 0] = uses[uses != 0] * 0.5 / np.sqrt(np.where(X == 0, 1.0, X))[uses != 0]
    expected[(uses != 0) & (X == 0)] = INF
    np.testing.assert_allclose(g, expected)


def total(x):
    return array_namespace(x).sum(x)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64"])
def test_scatter_add_keeps_infinities_in_their_rows(dtype, place: Place) -> None:
    g = np.asarray([[1.0, INF], [2.0, 3.0], [NAN, 4.0], [5.0, -INF], [6.0, 7.0]])
    indices = np.asarray([3, 0, 1, 3, 0])
    with np.errstate(invalid="ignore"):
        y = kernels.scatter_add(place.asarray(g), at_dtype(place, indices, dtype), 5)
        expected = np.zeros((5, 2))
        np.add.at(expected, indices, g)
    np.testing.assert_array_equal(place.to_numpy(y), expected)


def at_dtype(place: Place, indices, dtype):
    xp = place.backend.xp
    return xp.astype(place.backend.asarray(indices), getattr(xp, dtype))


@pytest.mark.parametrize("width", [1, 3, 80])
def test_scatter_add_against_add_at(width, place: Place) -> None:
    if place.name == "jax" and width != 3:
        pytest.skip("jax compiles every operation for every shape")
    rng = np.random.default_rng(0)
    g, indices = rng.standard_normal((40, width)), rng.integers(-2, 9, 40)
    expected = np.zeros((7, width))
    known = (indices >= 0) & (indices < 7)
    np.add.at(expected, indices[known], g[known])
    y = kernels.scatter_add(place.asarray(g), place.backend.asarray(indices), 7)
    np.testing.assert_allclose(place.to_numpy(y), expected, rtol=1e-12, atol=1e-13)


def test_embedding_gradients_stay_in_their_rows(place: Place) -> None:
    layer = Embedding(place.asarray(np.zeros((4, 2))))
    layer(place.backend.asarray(np.asarray([[0, 2], [2, 1]])))
    layer.backward(place.asarray([[[1.0, INF], [2.0, 2.0]], [[3.0, NAN], [4.0, 5.0]]]))
    assert str(place.to_numpy(layer.dW).tolist()) == str([[1.0, INF], [4.0, 5.0], [5.0, NAN], [0.0, 0.0]])


TINY = [
    [1e-200, 3.0, 1e200, 1e200],
    [1e200, 1e-200, 2.0, 1e-150, 1e150],
    [1e-250, 2.0, 1e250, 1e200, 1e-150],
    [2.0, 0.0, 1e200, 1e200],
]


@pytest.mark.parametrize("factors", TINY)
def test_products_of_very_large_and_very_small_factors(factors) -> None:
    """Against logarithms: the derivative of every value that is finite."""
    x = np.asarray(factors)
    with np.errstate(all="ignore"):
        for name in ("prod", "cumulative_prod"):
            y, pullback = vjp(lambda x, name=name: getattr(array_namespace(x), name)(x), x)
            if not np.isfinite(y).all():
                continue
            dout = np.zeros_like(y)
            for n in range(y.size):
                dout.reshape(-1)[:] = 0.0
                dout.reshape(-1)[n] = 1.0
                used = x.size if name == "prod" else n + 1
                expected = np.zeros_like(x)
                for k in range(used):
                    logs = np.log(np.abs(np.delete(x[:used], k)))
                    expected[k] = np.exp(logs.sum())
                np.testing.assert_allclose(pullback(dout)[0], expected, rtol=1e-9)


def test_the_memory_of_take_along_axis() -> None:
    n = 8000
    x, indices = np.random.default_rng(0).standard_normal(n), np.random.default_rng(1).integers(0, n, n)
    y = array_namespace(v := Variable(x)).take_along_axis(v, indices, axis=0)
    tracemalloc.start()
    y.backward(np.ones(n))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(v.grad, np.bincount(indices, minlength=n))
    assert most < 100 * x.nbytes
