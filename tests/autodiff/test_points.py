"""What holds at points without a derivative, at empty arrays, and for scatter-add."""

from __future__ import annotations

import numpy as np
import pytest
from autodiff_checks import PRESENT, Place

from xpnet.autodiff import Variable, grad
from xpnet.autodiff.record import apply
from xpnet.autodiff.rules import indexing
from xpnet.autodiff.rules.indexing import SCATTER_ADD, place, scatter_add
from xpnet.backend import array_namespace
from xpnet.cases.rules import CASES


def slope(f, *points):
    """The gradients of the summed result."""
    found = grad(lambda *x: array_namespace(*x).sum(f(array_namespace(*x), *x)), tuple(range(len(points))))(
        *(np.asarray(x, dtype="float64") for x in points)
    )
    return [g.tolist() for g in found]


def test_kinks_and_ties() -> None:
    zeros = [0.0, 0.0]
    assert slope(lambda xp, x: xp.abs(x), [0.0, -2.0]) == [[0.0, -1.0]]
    assert slope(lambda xp, x: xp.sign(x), [0.0, -2.0]) == [zeros]
    assert slope(lambda xp, a, b: xp.maximum(a, b), [1.0, 2.0], [1.0, 1.0]) == [[0.5, 1.0], [0.5, 0.0]]
    assert slope(lambda xp, a, b: xp.minimum(a, b), [1.0, 2.0], [1.0, 1.0]) == [[0.5, 0.0], [0.5, 1.0]]
    assert slope(lambda xp, x: xp.max(x), [3.0, 1.0, 3.0]) == [[0.5, 0.0, 0.5]]
    assert slope(lambda xp, x: xp.min(x, axis=0), [[3.0], [3.0]]) == [[[0.5], [0.5]]]
    assert slope(lambda xp, x: xp.clip(x, 0.0, 1.0), [-1.0, 0.0, 0.5, 1.0, 2.0]) == [[0.0, 1.0, 1.0, 1.0, 0.0]]
    assert slope(lambda xp, a, b: xp.hypot(a, b), [0.0, 3.0], [0.0, 4.0]) == [[0.0, 0.6], [0.0, 0.8]]
    assert slope(lambda xp, a, b: xp.atan2(a, b), [0.0], [0.0]) == [[0.0], [0.0]]
    assert slope(lambda xp, x: xp.linalg.vector_norm(x), zeros) == [zeros]
    assert slope(lambda xp, x: xp.linalg.matrix_norm(x), [zeros]) == [[zeros]]
    assert slope(lambda xp, x: xp.std(x), [2.0, 2.0]) == [zeros]
    assert slope(lambda xp, x: xp.sort(x), [1.0, 1.0]) == [[1.0, 1.0]]
    assert slope(lambda xp, a: xp.copysign(a, xp.asarray([1.0, -1.0])), [0.0, 2.0]) == [[0.0, -1.0]]


def test_powers_at_zero() -> None:
    assert slope(lambda xp, x: x**2, [0.0, 3.0]) == [[0.0, 6.0]]
    assert slope(lambda xp, x: x**0, [0.0, 3.0]) == [[0.0, 0.0]]
    assert slope(lambda xp, x: x**1, [0.0]) == [[1.0]]
    assert slope(lambda xp, x, n: x**n, [0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 0.0])[0] == [0.0, 1.0, 0.0, 0.0]
    assert slope(lambda xp, x, n: x**n, [0.0, 0.0], [0.0, 2.0])[1] == [0.0, 0.0]
    assert slope(lambda xp, n: 0.0**n, [1.0]) == [[0.0]]
    assert slope(lambda xp, x: x**3, [-2.0]) == [[12.0]]


def test_second_derivatives_at_zero() -> None:
    second = grad(grad(lambda x: x**2))
    assert float(second(0.0)) == 2.0
    assert float(grad(grad(lambda x: x**3))(0.0)) == 0.0


def test_products_with_zeros() -> None:
    assert slope(lambda xp, x: xp.prod(x), [0.0, 2.0, 3.0]) == [[6.0, 0.0, 0.0]]
    assert slope(lambda xp, x: xp.prod(x), [0.0, 0.0, 3.0]) == [[0.0, 0.0, 0.0]]
    assert slope(lambda xp, x: xp.cumulative_prod(x), [2.0, 0.0, 3.0]) == [[1.0, 2.0 + 6.0, 0.0]]


def test_equal_eigenvalues_have_gradients_and_their_vectors_none() -> None:
    identity = np.eye(3)
    for f in (lambda xp, x: xp.linalg.eigh(x).eigenvalues, lambda xp, x: xp.linalg.svdvals(x)):
        assert np.all(np.isfinite(slope(f, identity)[0]))
    for f in (lambda xp, x: xp.linalg.eigh(x).eigenvectors, lambda xp, x: xp.linalg.svd(x).U):
        assert np.all(np.isnan(slope(f, identity)[0]))


def test_where_shields_from_the_branch_not_taken() -> None:
    safe = lambda xp, x: xp.where(x > 0, xp.log(xp.where(x > 0, x, xp.ones_like(x))), xp.zeros_like(x))  # noqa: E731
    assert slope(safe, [0.0, 2.0]) == [[0.0, 0.5]]


EMPTY = [
    ("sum", lambda xp, x: xp.sum(x, axis=0)),
    ("mean", lambda xp, x: xp.mean(x, axis=1)),
    ("prod", lambda xp, x: xp.prod(x, axis=0)),
    ("max", lambda xp, x: xp.max(x, axis=1)),
    ("cumulative_sum", lambda xp, x: xp.cumulative_sum(x, axis=0)),
    ("cumulative_prod", lambda xp, x: xp.cumulative_prod(x, axis=0)),
    ("sort", lambda xp, x: xp.sort(x, axis=0)),
    ("take", lambda xp, x: xp.take(x, xp.asarray([1, 0], device=x.device), axis=1)),
    ("getitem", lambda xp, x: x[:, 1:]),
    ("concat", lambda xp, x: xp.concat([x, x])),
    ("reshape", lambda xp, x: xp.reshape(x, (3, 0))),
    ("matmul", lambda xp, x: x @ x.T),
    ("inner", lambda xp, x: x.T @ x),
    ("broadcast", lambda xp, x: x + xp.ones((4, 1, 3), dtype=x.dtype, device=x.device)),
    ("tile", lambda xp, x: xp.tile(x, (2, 2))),
    ("repeat", lambda xp, x: xp.repeat(x, 2, axis=0)),
    ("norm", lambda xp, x: xp.linalg.vector_norm(x, axis=1)),
    ("softmax", lambda xp, x: xp.exp(x - xp.max(x, axis=1, keepdims=True))),
]


@pytest.mark.parametrize("place", [name for name in PRESENT if name != "jax"], indirect=True)
@pytest.mark.parametrize(("name", "f"), EMPTY, ids=[name for name, _ in EMPTY])
def test_empty_arrays(name, f, place: Place) -> None:
    x = place.asarray(np.zeros((0, 3)))
    g = grad(lambda x: array_namespace(x).sum(f(array_namespace(x), x)))(x)
    assert g.shape == (0, 3)
    assert g.dtype == x.dtype


ELEMENTWISE = [case for case in CASES if case.shapes in (((3, 1, 2),), ((3, 1), (4,))) and "number" not in case.label]


@pytest.mark.parametrize("case", ELEMENTWISE, ids=lambda case: case.id)
def test_empty_elementwise(case) -> None:
    points = [
        np.zeros((0, *shape[1:])) if n == 0 else np.ones(shape)
        for n, shape in enumerate(((0, 1), (4,))[: len(case.shapes)])
    ]
    wanted = tuple(range(1 if case.name == "copysign" else len(points)))
    found = grad(lambda *x: array_namespace(*x).sum(case.call(array_namespace(*x), *x)), wanted)(*points)
    assert [g.shape for g in found] == [points[n].shape for n in wanted]


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scatter_add(axis: int, place: Place) -> None:
    rng = np.random.default_rng(0)
    g = rng.standard_normal((6, 6, 2) if axis != -1 else (2, 3, 6))
    at = np.asarray([3, 0, 3, 3, -1, 0])  # an index outside adds to nothing
    expected = np.zeros([5 if n == axis % 3 else size for n, size in enumerate(g.shape)])
    np.add.at(np.moveaxis(expected, axis, 0), at[at >= 0], np.moveaxis(g, axis, 0)[at >= 0])
    y = scatter_add(place.asarray(g), place.asarray(at), axis, 5)
    np.testing.assert_allclose(place.to_numpy(y), expected, atol=1e-12)


def test_scatter_add_is_differentiated_by_take() -> None:
    x = Variable(np.ones((3, 2)))
    y = apply(SCATTER_ADD, scatter_add, (x, np.asarray([1, 1, 0]), 0, 4))
    y.backward(np.arange(8.0).reshape(4, 2))
    assert x.grad.tolist() == [[2.0, 3.0], [2.0, 3.0], [0.0, 1.0]]


def test_scatter_add_is_as_exact_as_a_sum() -> None:
    g = np.full(2**17, 0.1, dtype=np.float32)
    y = scatter_add(g, np.zeros(2**17, dtype=np.int64), 0, 3)
    np.testing.assert_allclose(y[0], np.sum(g, dtype=np.float64), rtol=1e-6)


@pytest.mark.parametrize("key", [(0, ...), (slice(1, None, 2), 2), (..., slice(None, None, -1)), (-1, slice(-2, None))])
def test_place_on_libraries_of_immutable_arrays(key) -> None:
    g = np.asarray(np.arange(12.0).reshape(4, 3)[key])
    keys = list(key)
    np.testing.assert_array_equal(indexing._place_by_take(np, g, keys, (4, 3)), place(g, key, (4, 3)))


def test_repeats_of_their_own() -> None:
    assert slope(lambda xp, x: xp.repeat(x, np.asarray([2, 0, 3])) * xp.arange(5.0), [1.0, 1.0, 1.0]) == [
        [1.0, 0.0, 9.0]
    ]
