"""Eigenvalues of general matrices, distinct values and neighbouring numbers: values and derivatives everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import Variable, grad
from xpnet.backend import array_namespace


def matrix(kind: str) -> np.ndarray:
    rng = np.random.default_rng(3)
    a = rng.standard_normal((2, 3, 3))
    return a + 1j * rng.standard_normal(a.shape) if kind == "complex" else a


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_gradients_of_eig_are_those_of_torch(kind: str) -> None:
    torch = pytest.importorskip("torch")
    a = matrix(kind)

    def ours(a: Any) -> Any:
        xp = array_namespace(a)
        values, vectors = xp.linalg.eig(a)
        one, other = vectors[..., 1, :], vectors[..., 2, :]
        return xp.sum(xp.abs(values) ** 3 + xp.real(values) * xp.imag(one * xp.conj(other)) + xp.abs(one) ** 4)

    def theirs(a: Any) -> Any:
        values, vectors = torch.linalg.eig(a)
        one, other = vectors[..., 1, :], vectors[..., 2, :]
        return (values.abs() ** 3 + values.real * (one * other.conj()).imag + one.abs() ** 4).sum()

    x = torch.tensor(a, requires_grad=True)
    theirs(x).backward()
    found = grad(ours)(a)
    assert found.dtype == a.dtype
    np.testing.assert_allclose(found, x.grad.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [3, 12])
@pytest.mark.parametrize("name", ["eigh", "qr", "slogdet", "svd"])
def test_backward_goes_through_results_that_have_names(name: str, size: int, place: Place) -> None:
    if place.name == "jax":
        pytest.skip("jax compiles every operation for every shape")
    a = np.diag(np.arange(1.0, size + 1.0)) + 0.1 * np.random.default_rng(size).standard_normal((size, size))

    def second(x: Any) -> Any:
        xp = array_namespace(x)
        return xp.sum(getattr(xp.linalg, name)(x)[1])

    x = Variable(place.asarray(a))
    second(x).backward()
    np.testing.assert_array_equal(place.to_numpy(x.grad), place.to_numpy(grad(second)(place.asarray(a))))


def test_eigenvalues_are_complex_always() -> None:
    x = Variable(np.diag([1.0, 2.0]))
    xp = array_namespace(x)
    values, vectors = xp.linalg.eig(x)
    assert values.dtype == vectors.dtype == xp.linalg.eigvals(x).dtype == np.complex128
    assert xp.linalg.eig(x)._fields == ("eigenvalues", "eigenvectors")
    assert xp.linalg.eigvals(Variable(np.eye(2, dtype=np.float32))).dtype == np.complex64


def trace(a: Any) -> Any:
    xp = array_namespace(a)
    return xp.sum(xp.real(xp.linalg.eigvals(a)))


def largest(a: Any) -> Any:
    xp = array_namespace(a)
    return xp.max(xp.real(xp.linalg.eigvals(a)) * xp.asarray([1.0, 2.0, 3.0]))


def phase(a: Any) -> Any:
    xp = array_namespace(a)
    return xp.sum(xp.real(xp.linalg.eig(a).eigenvectors))


def test_where_eigenvalues_have_no_derivative_it_is_nan() -> None:
    np.testing.assert_allclose(grad(trace)(np.eye(3)), np.eye(3))  # symmetric in equal eigenvalues
    assert np.isnan(grad(largest)(np.eye(3))).all()
    assert np.isnan(grad(trace)(np.asarray([[1.0, 1.0], [0.0, 1.0]]))).all()  # no basis of eigenvectors
    assert np.isnan(grad(phase)(matrix("complex")[0])).all()
    assert np.isfinite(grad(trace)(matrix("real")[0])).all()


@pytest.fixture
def free(place: Any) -> Any:
    """Each library, array-api-strict with shapes that depend on values."""
    if place.strict:
        with place.backend.xp.ArrayAPIStrictFlags(data_dependent_shapes=True):
            yield place
    else:
        yield place


def test_distinct_values_everywhere(free: Any) -> None:
    x = free.asarray([[3.0, 1.0, 3.0], [2.0, 0.0, 2.0]])
    v = Variable(x)
    xp = array_namespace(v)
    values, indices, inverse, counts = (free.to_numpy(part) for part in xp.unique_all(v))
    order = np.argsort(values)
    assert values[order].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert indices[order].tolist() == [4, 1, 3, 0]
    assert counts[order].tolist() == [1, 1, 2, 2]
    assert values[inverse].tolist() == free.to_numpy(x).tolist()
    assert np.asarray(free.to_numpy(xp.unique_counts(v).counts)).sum() == 6
    assert free.to_numpy(xp.unique_inverse(v).values)[inverse].tolist() == free.to_numpy(x).tolist()
    for part in xp.unique_all(x):
        assert type(part) is Variable
    g = grad(lambda x: array_namespace(x).sum(array_namespace(x).unique_values(x) ** 3))(x)
    assert free.to_numpy(g).tolist() == [[13.5, 3.0, 13.5], [6.0, 0.0, 6.0]]  # equal elements share


def test_distinct_values_of_nothing_and_of_integers() -> None:
    xp = array_namespace(Variable(np.ones(1)))
    assert [part.shape for part in xp.unique_all(np.empty((0, 2)))] == [(0,), (0,), (0, 2), (0,)]
    assert [part.value.tolist() for part in xp.unique_all(np.asarray([2, 1, 2]))] == [[1, 2], [1, 0], [1, 0, 1], [1, 2]]
    assert xp.unique_counts(np.asarray([np.nan, np.nan])).counts.value.tolist() == [1, 1]


def test_nextafter_is_a_constant(place: Any) -> None:
    x = Variable(place.asarray([1.0, 2.0]))
    y = array_namespace(x).nextafter(x, x + 1.0)
    assert place.to_numpy(y).tolist() == np.nextafter([1.0, 2.0], [2.0, 3.0]).tolist()
    z = array_namespace(x).sum(x * y)
    z.backward()
    assert place.to_numpy(x.grad).tolist() == place.to_numpy(y).tolist()


def test_isin_of_real_numbers(place: Any) -> None:
    x, y = np.asarray([[1.0, 5.0], [np.inf, np.nan], [2.0, -np.inf]]), np.asarray([2.0, 1.0, np.nan, 2.0, -np.inf])
    xp = array_namespace(Variable(place.asarray(x)))
    found = xp.isin(Variable(place.asarray(x)), place.asarray(y))
    np.testing.assert_array_equal(place.to_numpy(found.value), np.isin(x, y))
    found = xp.isin(place.asarray(x), place.asarray(np.append(y, np.inf)), invert=True)
    np.testing.assert_array_equal(place.to_numpy(found.value), np.isin(x, np.append(y, np.inf), invert=True))
