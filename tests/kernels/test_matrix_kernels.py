"""Functions of matrices on NumPy: values and derivatives of large matrices come from the same factors."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import xpnet as xn
from xpnet import kernels
from xpnet.backend import array_namespace
from xpnet.fast.numpy import lapack, matrices
from xpnet.fast.numpy.matrices import LEAST

N = LEAST + 1
DTYPES = ("float32", "float64", "complex64", "complex128")
by_dtype = pytest.mark.parametrize("dtype", DTYPES)


def drawn(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if "complex" in dtype else x).astype(dtype)


def regular(*batch: int, dtype: str = "float64") -> np.ndarray:
    return drawn(*batch, N, N, dtype=dtype) + np.eye(N, dtype=dtype) * 8


def definite(dtype: str = "float64") -> np.ndarray:
    a = regular(dtype=dtype)
    return a @ a.conj().T / N


def close(found, expected, dtype) -> None:
    assert found.dtype == np.dtype(dtype)
    expected = np.asarray(expected)
    atol = (2e-5 if dtype in ("float32", "complex64") else 1e-12) * max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def wide(a: np.ndarray) -> np.ndarray:
    return a.astype(np.result_type(a.dtype, np.float64))


def in_orders(a: np.ndarray) -> list[np.ndarray]:
    """The same matrices in orders of memory that LAPACK takes and some that it does not."""
    spread = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    spread[..., ::2] = a
    return [a, np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2), spread[..., ::2], np.flip(np.flip(a).copy())]


@by_dtype
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_values_are_those_of_numpy_in_double_precision(dtype, batch):
    a, b = regular(*batch, dtype=dtype), drawn(*batch, N, 3, dtype=dtype)
    assert matrices.suits(a, b)
    real = a.real.dtype
    for one in in_orders(a):
        close(kernels.solve(one, b), np.linalg.solve(wide(a), wide(b)), dtype)
        close(kernels.inv(one), np.linalg.inv(wide(a)), dtype)
        close(kernels.det(one) / 8**N, np.linalg.det(wide(a)) / 8**N, dtype)
        sign, log = kernels.slogdet(one)
        close(sign, np.linalg.slogdet(wide(a))[0], dtype)
        close(log, np.linalg.slogdet(wide(a))[1], real)
    if not batch:
        close(kernels.solve(a, b[:, 0]), np.linalg.solve(wide(a), wide(b[:, 0])), dtype)


@by_dtype
@pytest.mark.parametrize("upper", [False, True])
def test_triangular_factors_are_those_of_numpy(dtype, upper):
    K, b = definite(dtype), drawn(N, 3, dtype=dtype)
    L = np.linalg.cholesky(wide(K))
    for one in in_orders(K):
        close(kernels.cholesky(one, upper=upper), L.conj().T if upper else L, dtype)
    for one in in_orders(L.astype(dtype)):
        close(kernels.solve_lower(one, b, False), np.linalg.solve(L, b), dtype)
        close(kernels.solve_lower(one, np.asfortranarray(b), True), np.linalg.solve(L.conj().T, b), dtype)


@by_dtype
def test_eigenvalues_and_vectors_belong_together(dtype):
    K = np.stack([definite(dtype), 2 * definite(dtype)])
    values, vectors = kernels.eigh(K)
    close(kernels.eigvalsh(K), np.linalg.eigvalsh(wide(K)), K.real.dtype)
    close((vectors * values[..., None, :]) @ vectors.conj().swapaxes(-1, -2), wide(K), dtype)


@by_dtype
def test_gradients_are_the_formulas_of_the_book_of_matrices(dtype):
    a, b, w = regular(dtype=dtype), drawn(N, dtype=dtype), drawn(N, N, dtype=dtype, seed=1)
    inverse, x = np.linalg.inv(wide(a)), np.linalg.solve(wide(a), wide(b))

    def real(y):
        xp = array_namespace(y)
        return xp.real(xp.sum(y)) if "complex" in dtype else xp.sum(y)

    log = xn.grad(lambda a: array_namespace(a).linalg.slogdet(a)[1])(a)
    close(log, inverse.conj().T, dtype)
    da, db = xn.grad(lambda a, b: real(array_namespace(a).linalg.solve(a, b) * w[0]), (0, 1))(a, b)
    d = np.linalg.solve(wide(a).conj().T, wide(w[0]).conj())
    close(db, d, dtype)
    close(da, -np.outer(d, x.conj()), dtype)
    di = xn.grad(lambda a: real(array_namespace(a).linalg.inv(a) * w))(a)
    close(di, -(inverse.T @ wide(w) @ inverse.T).conj(), dtype)


def test_a_symmetric_gradient_goes_through_cholesky_factors_and_eigenvalues():
    K = definite()
    through = {
        "cholesky": lambda xp, K: 2 * xp.sum(xp.log(xp.linalg.diagonal(xp.linalg.cholesky(K)))),
        "eigvalsh": lambda xp, K: xp.sum(xp.log(xp.linalg.eigvalsh(K))),
        "svdvals": lambda xp, K: xp.sum(xp.log(xp.linalg.svdvals(K))),
    }
    for f in through.values():
        close(xn.grad(lambda K, f=f: f(array_namespace(K), K))(K), np.linalg.inv(K), "float64")


def likelihood(K, r):
    xp = array_namespace(K)
    return 0.5 * (xp.linalg.slogdet(K)[1] + xp.sum(r * xp.linalg.solve(K, r)))


def test_second_derivatives_and_batches_use_the_factors():
    K, r, V = definite(), drawn(N), drawn(N, N, seed=1)
    inverse = np.linalg.inv(K)
    x = inverse @ r
    moved = 0.5 * (-inverse @ V @ inverse).T - 0.5 * (
        np.outer(-inverse.T @ V.T @ inverse.T @ r, x) + np.outer(inverse.T @ r, -inverse @ V @ x)
    )
    close(xn.hvp(lambda K: likelihood(K, r), K, V), moved, "float64")
    rows = xn.vmap(xn.grad(lambda r: likelihood(K, r)))(np.stack([r, 2 * r]))
    close(rows, np.stack([0.5 * (inverse + inverse.T) @ r] * 2) * [[1], [2]], "float64")
    stack = np.stack([K, 2 * K])
    close(
        xn.vmap(xn.grad(lambda K: array_namespace(K).linalg.slogdet(K)[1]))(stack), np.linalg.inv(stack).mT, "float64"
    )


@pytest.fixture
def factorised(monkeypatch):
    """The matrices that LAPACK has factorised."""
    found = []
    factorise = lapack.factorise
    monkeypatch.setattr(lapack, "factorise", lambda lu, pivots: found.append(lu.copy()) or factorise(lu, pivots))
    return found


def test_a_value_and_its_gradient_factorise_once(factorised):
    xn.value_and_grad(likelihood)(definite(), drawn(N))
    assert len(factorised) == 1
    xn.hvp(lambda K: likelihood(K, drawn(N)), definite(), drawn(N, N))
    assert len(factorised) == 2


def test_a_matrix_that_was_written_to_is_factorised_anew(factorised):
    a, b = regular(), drawn(N)
    kernels.solve(a, b)
    a[3, 4] += 1.0
    close(kernels.solve(a.T, b), np.linalg.solve(a.T, b), "float64")
    assert len(factorised) == 2


def test_results_may_be_written_to():
    K = definite()
    for function in (
        kernels.eigvalsh,
        kernels.svdvals,
        lambda K: kernels.eigh(K)[1],
        lambda K: kernels.thin_svd(K)[0],
        kernels.inv,
        lambda K: kernels.solve(K, K),
    ):
        first = function(K)
        expected = first.copy()
        first[...] = 0.0
        np.testing.assert_array_equal(function(K), expected)


def test_nothing_is_kept_of_an_array_that_is_gone():
    gc.collect()
    before = set(matrices._memories)
    a = regular()
    kernels.inv(a), kernels.eigvalsh(a[:10, :10])
    assert len(matrices._memories.keys() - before) == 2
    del a
    assert not matrices._memories.keys() - before


@by_dtype
def test_singular_matrices_are_refused_as_numpy_refuses_them(dtype):
    zero_row, zero_column, nothing = regular(dtype=dtype), regular(dtype=dtype), np.zeros((N, N), dtype)
    zero_row[2], zero_column[:, 3] = 0, 0
    for a in (zero_row, zero_column, nothing):
        for function in (kernels.inv, lambda a: kernels.solve(a, a[:, 0])):
            with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
                function(a)
        assert kernels.det(a) == 0
        assert [*kernels.slogdet(a)] == [0, -np.inf]
        assert kernels.det(np.stack([a, np.eye(N, dtype=dtype)])).tolist() == [0, 1]
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        kernels.solve_lower(nothing, nothing, True)
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        kernels.cholesky(-definite(dtype))
    assert np.isnan(kernels.inv(np.full((N, N), np.nan, dtype))).all()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((N, N), (N, 0)),
        ((0, N, N), (0, N, 2)),
        ((2, N, N), (N,)),
        ((N, N), (2, N, 3)),
        ((0, 0), (0, 2)),
        ((3, 3), (3,)),
    ],
    ids=str,
)
def test_other_shapes_are_solved_by_numpy(a, b):
    A = drawn(*a) + 8 * np.eye(a[-1])
    np.testing.assert_array_equal(kernels.solve(A, drawn(*b)), np.linalg.solve(A, drawn(*b)))


def test_wrong_shapes_have_numpys_error():
    with pytest.raises(ValueError, match="mismatch"):
        kernels.solve(regular(), drawn(N + 1))
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        kernels.inv(regular()[:, :-1])


def test_without_its_library_numpy_does_it_all(monkeypatch, factorised):
    monkeypatch.setattr(lapack, "works", lambda: False)
    a, b = definite(), drawn(N)
    np.testing.assert_array_equal(kernels.solve(a, b), np.linalg.solve(a, b))
    gradient = xn.grad(likelihood)(a, b)
    monkeypatch.undo()
    assert not factorised
    np.testing.assert_allclose(xn.value_and_grad(likelihood)(a, b)[1], gradient, rtol=1e-12)


def test_exchanges_are_counted_in_integers_of_32_bits_too():
    wide = np.asarray([2, 2, 4, 4], np.int64)
    narrow = np.concatenate([wide.astype(np.int32), np.zeros(4, np.int32)]).view(np.int64)
    assert lapack.swaps(wide) == lapack.swaps(narrow) == 2
