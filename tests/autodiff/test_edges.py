"""Derivatives at the ends of what numbers can hold, and where a formula divides zero by zero."""

from __future__ import annotations

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import grad, hessian, vjp
from xpnet.backend import array_namespace

INF = np.inf


def total(x):
    return array_namespace(x).sum(x)


def slopes(place: Place, name: str, *points, **keywords):
    """The gradients of the summed result, on the host."""

    def f(*x):
        space = array_namespace(*x)
        for part in name.split("."):
            space = getattr(space, part)
        return total(space(*x, **keywords))

    arrays = [place.asarray(np.asarray(x, dtype=float)) for x in points]
    with np.errstate(all="ignore"):
        return [place.to_numpy(g).tolist() for g in grad(f, tuple(range(len(points))))(*arrays)]


def test_logaddexp_of_infinities(place: Place) -> None:
    a = [INF, -INF, 1.0, 1.0, INF, -INF, INF, 1e4]
    b = [1.0, 1.0, INF, -INF, INF, -INF, -INF, -1e4]
    da, db = slopes(place, "logaddexp", a, b)
    assert da == [1.0, 0.0, 0.0, 1.0, 0.5, 0.5, 1.0, 1.0]
    assert db == [0.0, 1.0, 1.0, 0.0, 0.5, 0.5, 0.0, 0.0]


def test_the_second_derivative_of_logaddexp() -> None:
    f = lambda x: total(array_namespace(x).logaddexp(x, np.asarray([0.5, -INF, INF])))  # noqa: E731
    x = np.asarray([0.2, 1.0, 1.0])
    s = 1.0 / (1.0 + np.exp(-(0.2 - 0.5)))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(np.diag(hessian(f)(x)), [s * (1.0 - s), 0.0, 0.0], atol=1e-15)


@pytest.mark.parametrize("size", [1e-200, 1e-160, 1.0, 1e160, 1e200])
def test_angles_of_very_short_and_very_long_vectors(size, place: Place) -> None:
    da, db = slopes(place, "atan2", [3.0 * size], [-4.0 * size])
    np.testing.assert_allclose([da[0] * size, db[0] * size], [-4.0 / 25.0, -3.0 / 25.0], rtol=1e-12)
    da, db = slopes(place, "hypot", [3.0 * size], [-4.0 * size])
    np.testing.assert_allclose([da[0], db[0]], [0.6, -0.8], rtol=1e-12)


def test_remainder_beside_multiples(place: Place) -> None:
    """Against the quotient that goes with the library's remainder: 1.0 % 0.1 is 0.0999…, so 9 tenths fit."""
    a = np.asarray([1.0, 0.3, 0.7, -0.3, 6.0, 1e15 + 0.3, 2.0, -2.0, 5.5])
    b = np.asarray([0.1, 0.1, 0.1, 0.1, 0.2, 0.1, 2.0, 2.0, -2.0])
    da, db = slopes(place, "remainder", a, b)
    assert da == [1.0] * 9
    y = place.to_numpy(place.backend.xp.remainder(place.asarray(a), place.asarray(b)))
    np.testing.assert_allclose(db, -np.round((a - y) / b), rtol=1e-15)
    assert db[0] == -9.0 or place.name == "cupy"  # whose remainder is 0


@pytest.mark.filterwarnings("ignore:.*[dD]egrees of freedom")
@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize(("shape", "axis"), [((1,), None), ((3, 1), 1), ((1, 2), 0)])
def test_no_more_elements_than_the_correction(name, shape, axis, place: Place) -> None:
    (g,) = slopes(place, name, np.ones(shape), axis=axis, correction=1)
    assert np.isnan(g).all()


@pytest.mark.parametrize("order", [-1, -2, -0.5, 0.5, 3, -INF])
def test_norms_of_vectors_with_zeros(order, place: Place) -> None:
    """Against differences on one side: a norm of negative order is 0 beside any 0."""
    x = np.asarray([0.0, 2.0, -3.0])
    (g,) = slopes(place, "linalg.vector_norm", x, ord=order)
    with np.errstate(divide="ignore"):
        norm = lambda x: np.linalg.norm(x, ord=order)  # noqa: E731
        h = 1e-6
        expected = [(norm(x + h * e) - norm(x - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(g[1:], expected[1:], rtol=1e-6, atol=1e-9)
    assert g[0] == 0.0


def norm(x):
    return array_namespace(x).linalg.vector_norm(x)


SECOND = {
    "vector_norm": lambda x: norm(x) ** 2,
    "matrix_norm": lambda x: array_namespace(x).linalg.matrix_norm(x[None, :]) ** 2,
    "hypot": lambda x: array_namespace(x).hypot(x[0], x[1]) ** 2,
    "std": lambda x: array_namespace(x).std(x) ** 2,
    "square of norms": lambda x: total(norm(x) * norm(x)),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives_where_the_first_has_a_corner(name) -> None:
    """They are not numbers, for a rule knows nothing of the square around it."""
    f = lambda x: total(SECOND[name](x))  # noqa: E731
    with np.errstate(all="ignore"):
        assert grad(f)(np.zeros(2)).tolist() == [0.0, 0.0]
        assert np.isnan(hessian(f)(np.zeros(2))).all()
    assert np.isfinite(hessian(f)(np.asarray([1.0, 2.0]))).all()


@pytest.mark.parametrize("offset", [-7, -3, -2, 0, 3, 4, 9])
@pytest.mark.parametrize("name", ["linalg.diagonal", "linalg.trace"])
def test_offsets_inside_and_outside(name, offset, place: Place) -> None:
    if place.name == "torch" and offset in (-7, 9):
        pytest.skip("torch refuses them")
    (g,) = slopes(place, name, np.ones((2, 3, 4)), offset=offset)
    np.testing.assert_array_equal(g, np.broadcast_to(np.eye(3, 4, k=offset), (2, 3, 4)))


def cofactors(a):
    n = len(a)
    minors = [[np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(n)] for i in range(n)]
    return np.asarray(minors) * (-1.0) ** np.add.outer(np.arange(n), np.arange(n))


SINGULAR = np.asarray(
    [
        [[1.0, 2.0, 0.5], [0.0, 1.0, 2.0], [3.0, 0.0, 1.0]],
        [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 5.0]],
        [[0.0, 0.0, 0.0], [0.0, 2.0, 1.0], [0.0, 1.0, 3.0]],
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]],
    ]
)


def test_singular_matrices_among_others_have_determinants(place: Place) -> None:
    (g,) = slopes(place, "linalg.det", SINGULAR)
    np.testing.assert_allclose(g, [cofactors(a) for a in SINGULAR], atol=1e-12)
    (g,) = slopes(place, "linalg.det", 1e-120 * np.eye(3))
    np.testing.assert_allclose(np.asarray(g) * 1e240, np.eye(3), rtol=1e-12)


def test_complex_singular_matrices() -> None:
    a = SINGULAR[1] + 1j * np.outer([1.0, 2.0, 0.0], [1.0, -1.0, 2.0])
    a[1] = a[0] * (2.0 - 1.0j)
    a[2] = [1.0j, 2.0, 0.5]
    _, pullback = vjp(lambda a: array_namespace(a).linalg.det(a), np.stack([a, np.eye(3) * 1j]))
    d = pullback(np.ones(2, dtype=complex))[0]
    np.testing.assert_allclose(d[0], np.conj(cofactors(a)), atol=1e-12)


def test_a_singular_matrix_has_no_second_derivative_of_its_determinant_and_leaves_others_theirs() -> None:
    f = lambda a: total(array_namespace(a).linalg.det(a))  # noqa: E731
    w = np.cos(np.arange(36.0)).reshape(4, 3, 3)
    with np.errstate(all="ignore"):
        d = grad(lambda a: total(grad(f)(a) * w))(SINGULAR)
        expected = grad(lambda a: total(grad(f)(a) * w[:1]))(SINGULAR[:1])
    np.testing.assert_allclose(d[:1], expected)
    assert np.isnan(d[1:]).all()


def test_slogdet_of_a_singular_matrix_among_others(place: Place) -> None:
    f = lambda a: total(array_namespace(a).linalg.slogdet(a)[1])  # noqa: E731
    with np.errstate(all="ignore"):
        g = place.to_numpy(grad(f)(place.asarray(SINGULAR[[0, 2]])))
    np.testing.assert_allclose(g[0], np.linalg.inv(SINGULAR[0]).T)
    assert np.isnan(g[1]).all()


Q = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]


@pytest.mark.parametrize("values", [[1.0, 1.0, 2.0], [3.0, 3.0, 3.0], [0.0, 0.0, 1.0]])
def test_the_exponential_of_a_matrix_with_equal_eigenvalues_is_no_wrong_number(values, place: Place) -> None:
    """Through vectors of equal eigenvalues there is no way to its derivative: NaN, in that matrix alone."""
    a = np.stack([Q * values @ Q.T, Q * [1.0, 2.0, 3.5] @ Q.T])

    def f(a):
        xp = array_namespace(a)
        w, v = xp.linalg.eigh((a + xp.matrix_transpose(a)) * 0.5)
        return xp.sum((v * xp.exp(w)[:, None, :]) @ xp.matrix_transpose(v))

    g = place.to_numpy(grad(f)(place.asarray(a)))
    assert np.isnan(g[0]).all()
    h, v = 1e-6, np.asarray([[0.3, -1.0, 0.5], [-1.0, 0.2, 0.7], [0.5, 0.7, -0.4]])
    ahead, back = (float(f(a[1:] + s * h * v)) for s in (1.0, -1.0))
    assert np.sum(g[1] * v) == pytest.approx((ahead - back) / (2 * h), rel=1e-7)


@pytest.mark.parametrize("name", ["asinh", "atan", "atanh", "acosh", "log2", "log10"])
def test_inverse_functions_of_large_and_small_numbers_against_torch(name) -> None:
    torch = pytest.importorskip("torch")
    points = [1.0 - 1e-12, -1.0 + 1e-9, 1e-300] if name == "atanh" else [1.0 + 1e-9, 1e10, 1e150, 1e200, 1e300]
    tensor = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    getattr(torch, name)(tensor).sum().backward()
    with np.errstate(all="ignore"):
        g = grad(lambda x: total(getattr(array_namespace(x), name)(x)))(np.asarray(points))
        exact = {  # torch's squares overflow
            "asinh": [1 / np.hypot(x, 1.0) for x in points],
            "acosh": [1 / np.sqrt(x - 1.0) / np.sqrt(x + 1.0) for x in points],
        }.get(name, tensor.grad.tolist())
    np.testing.assert_allclose(g, exact, rtol=1e-9)


def test_second_derivatives_of_the_square_of_a_determinant_against_differences() -> None:
    f = lambda a: total(array_namespace(a).linalg.det(a) ** 2)  # noqa: E731
    w, h = np.cos(np.arange(36.0)).reshape(4, 3, 3), 1e-6
    d = grad(lambda a: total(grad(f)(a) * w))(SINGULAR)
    expected = (grad(f)(SINGULAR + h * w) - grad(f)(SINGULAR - h * w)) / (2 * h)
    np.testing.assert_allclose(d, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("order", [np.inf, -np.inf])
def test_the_largest_of_complex_numbers_that_do_not_lie_in_order(order) -> None:
    x = np.asarray([[3.0 + 4.0j, 1.0], [0.5j, 0.3 + 0.3j]], dtype=np.complex64).repeat(5, axis=1)[::-1, ::5].T
    g = grad(lambda x: array_namespace(x).linalg.vector_norm(x, ord=order))(x)
    at = np.abs(x) == (np.abs(x).max() if order > 0 else np.abs(x).min())
    np.testing.assert_allclose(g, np.where(at, x / np.abs(x), 0.0), rtol=1e-6)
