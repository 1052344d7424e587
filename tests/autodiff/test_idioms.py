"""What one writes with NumPy in mind: its functions and methods on Variables, and views that share memory."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from autodiff_checks import Place, slope
from hypothesis import given
from hypothesis import strategies as st

from xpnet.autodiff import Variable, grad
from xpnet.backend import array_namespace
from xpnet.errors import LibraryError, ShapeError, StateError

RNG = np.random.default_rng(3)
X, Y, M, N, S = (RNG.standard_normal(shape) for shape in ((6,), (6,), (3, 4), (4, 3), (3, 3)))
GRID = np.linspace(-3.0, 3.0, 7)

CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "average": (lambda np, x, w: np.average(x, weights=w * w), (X, Y)),
    "average of rows": (lambda np, x: np.average(x, axis=1, weights=[1.0, 2.0, 0.5, 1.5]), (M,)),
    "median": (lambda np, x: np.median(x, axis=0), (N,)),
    "quantile": (lambda np, x: np.quantile(x, [0.2, 0.7], axis=1), (M,)),
    "quantile keepdims": (lambda np, x: np.quantile(x, 0.3, axis=(0, 1), keepdims=True), (M,)),
    **{
        f"quantile {method}": (lambda np, x, method=method: np.quantile(x, 0.33, method=method), (X,))
        for method in ("lower", "higher", "midpoint", "nearest")
    },
    "percentile": (lambda np, x: np.percentile(x, 30), (X,)),
    "cov": (lambda np, x: np.cov(x), (M,)),
    "cov of two": (lambda np, x, y: np.cov(x, y, bias=True), (X, Y)),
    "corrcoef": (lambda np, x: np.corrcoef(x), (M,)),
    "nan functions": (lambda np, x: np.nanstd(np.where(x > 1, np.nan, x)) + np.nanmax(x) - np.nanmean(x), (X,)),
    "gradient": (lambda np, x: np.gradient(x, 0.5, axis=0, edge_order=2), (N,)),
    "gradient at points": (lambda np, x, y: np.gradient(x, y), (X, np.sort(Y))),
    "trapezoid": (lambda np, y, x: np.trapezoid(y, x), (X, np.sort(Y))),
    "interp": (lambda np, x, f: np.interp(x, GRID, f, left=0.5), (2.0 * X, RNG.standard_normal(7))),
    "unwrap": (lambda np, x: np.unwrap(x * 5.0), (X,)),
    "diff with ends": (lambda np, x: np.diff(x, prepend=0.0, append=x[:1]), (X,)),
    "pad": (lambda np, x: np.pad(x, ((1, 1), (2, 0)), mode="reflect"), (M,)),
    "pad by a number": (lambda np, x: np.pad(x, (1, 2), constant_values=1.5), (X,)),
    "block": (lambda np, x: np.block([[x, x], [x * 2, x]]), (S,)),
    "insert": (lambda np, x: np.insert(x, 2, 1.5), (X,)),
    "delete": (lambda np, x: np.delete(x, [1, 3]), (X,)),
    "dstack": (lambda np, x: np.dstack([x, x]), (M,)),
    "rot90": (lambda np, x: np.rot90(x, 3), (M,)),
    "kron": (lambda np, x, y: np.kron(x, y), (M, S)),
    "cross": (lambda np, x, y: np.cross(x, y), (N, N[::-1] * 1.0)),
    "cross in a plane": (lambda np, x, y: np.linalg.norm(x) * np.cross(y, y[::-1]), (N, N)),
    "diag": (lambda np, x: np.diag(x, k=-2), (X,)),
    "einsum": (lambda np, x, y, z: np.einsum("ij,jk,kl->il", x, y, z), (M, N, S)),
    "einsum of a diagonal": (lambda np, x, y: np.einsum("ii,i->i", x, y), (S, X[:3] * 1.0)),
    "einsum of batches": (lambda np, x, y: np.einsum("...ij,...j->...i", x, y), (np.stack([S, S]), N[:2] * 1.0)),
    "einsum implicit": (lambda np, x, y: np.einsum("ba,bc", x, y), (M, S)),
    "lstsq": (lambda np, x, y: np.linalg.lstsq(x, y, rcond=None)[0], (N, N[:, 0] * 1.0)),
    "cond": (lambda np, x: np.linalg.cond(x), (S,)),
    "norms": (lambda np, x: np.linalg.norm(x, axis=1) * np.linalg.norm(x, "nuc") + np.linalg.norm(x, 1), (M,)),
    "fft": (lambda np, x: np.abs(np.fft.fft2(x)) + np.fft.irfft(np.fft.rfft(x), n=4), (M,)),
    "running maximum": (lambda np, x: np.maximum.accumulate(x) * np.minimum.accumulate(x), (X,)),
    "reductions of ufuncs": (lambda np, x: np.add.reduce(x, axis=1) * np.multiply.reduce(x, axis=1), (M,)),
    "outer of a ufunc": (lambda np, x, y: np.subtract.outer(x, y), (X, Y)),
    "piecewise": (lambda np, x: np.piecewise(x, [x < -0.5, x > 0.5], [lambda x: x**2, lambda x: x**3, 1.5]), (X,)),
    "select": (lambda np, x: np.select([x < -0.5, x > 0.5], [x**2, x**3]), (X,)),
    "apply_along_axis": (lambda np, x: np.apply_along_axis(lambda row: row * row[0], 1, x), (M,)),
    "split": (lambda np, x: np.concatenate(np.split(x, [1, 4])[::-1]), (X,)),
    "take of places": (lambda np, x: np.take(x, [[0, 2], [1, 1]], axis=1), (M,)),
    "power of a number": (lambda np, x: np.power(2.0, x) + np.float64(2.0) * x, (X,)),
}
NUMPY_ALONE = {
    *("reductions of ufuncs", "outer of a ufunc", "running maximum"),
    *("interp", "diff with ends", "take of places", "power of a number"),  # with constants of NumPy, lists and numbers
    *("cross in a plane", "fft"),  # torch reads no negative steps; the standard has no fft of real numbers
}


def compared(call: Any, points: tuple[Any, ...], place: Place | None) -> None:
    """The value and the gradients of a function against NumPy's and differences of NumPy's."""
    expected = call(np, *points)
    w = np.cos(1.0 + np.arange(expected.size)).reshape(expected.shape)

    def plain(*points: Any) -> Any:
        return np.sum(call(np, *points) * w)

    def traced(*arrays: Any) -> Any:
        xp = array_namespace(*arrays)
        y = call(np if place is None else xp, *arrays)
        return xp.sum(y * (w if place is None else place.asarray(w)))

    arrays = points if place is None else tuple(map(place.asarray, points))
    found = grad(traced, tuple(range(len(points))))(*arrays)
    for at, d in enumerate(found):
        for v in (np.ones_like(points[at]), np.cos(np.arange(points[at].size)).reshape(points[at].shape)):
            directions = [v if n == at else np.zeros_like(x) for n, x in enumerate(points)]
            host = d if place is None else place.to_numpy(d)
            expected = slope(plain, list(points), directions, 1e-4)
            assert float(np.sum(host * v)) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", CALLS)
def test_functions_of_numpy_itself(name: str) -> None:
    compared(*CALLS[name], None)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in NUMPY_ALONE])
def test_the_same_in_the_namespace(name: str, place: Place) -> None:
    try:
        compared(*CALLS[name], place)
    except LibraryError as error:
        assert "must have it" in str(error)  # noqa: PT017 (either is right, by library)


@given(st.integers(1, 7), st.integers(1, 7), st.sampled_from(["full", "same", "valid"]))
def test_convolutions_of_every_size(n: int, m: int, mode: Any) -> None:
    a, v = np.arange(1.0, n + 1.0), np.cos(np.arange(1.0, m + 1.0))
    for function in (np.convolve, np.correlate):
        np.testing.assert_allclose(function(Variable(a), v, mode).value, function(a, v, mode), rtol=1e-12, atol=1e-12)


def augmented(x: Any) -> Any:
    y = x * 1.0
    v, w = y[1:], y[:2]
    v[0] = 5.0
    v += x[:-1]
    w *= 3.0
    return y


def turned(x: Any) -> Any:
    xp = array_namespace(x)
    y = x * 2.0
    z = xp.reshape(y, (3, 2))
    u = xp.flip(xp.permute_dims(z, (1, 0)), axis=1)
    u[0, :] = x[:3]
    u *= 2.0
    y[4] += x[0]
    return xp.concat([y, xp.reshape(u, (-1,)), z[1, ...]])


def grown(x: Any) -> Any:
    xp = array_namespace(x)
    y = xp.expand_dims(x * 1.0, axis=0)
    y[0, 2:] *= x[2:]
    part = xp.squeeze(y, axis=0)
    part[...] = part * part
    return y


def taken(x: Any) -> Any:
    xp = array_namespace(x)
    y = xp.asarray(x * 1.0, copy=True)
    same, copied = xp.asarray(y), xp.asarray(y, copy=True)
    same[1] = 7.0
    copied[2] = 9.0
    return xp.concat([y, same, copied])


@pytest.mark.parametrize("change", [augmented, turned, grown, taken])
def test_views_share_what_is_assigned(change: Any, place: Place) -> None:
    x = np.arange(1.0, 7.0) / 3.0
    expected = change(x)
    y = change(Variable(place.asarray(x)))
    np.testing.assert_allclose(place.to_numpy(y), expected, rtol=1e-12)
    w = np.cos(np.arange(expected.size)).reshape(expected.shape)
    found = grad(lambda x: array_namespace(x).sum(change(x) * place.asarray(w)))(place.asarray(x))
    for at in range(6):
        v = np.eye(6)[at]
        assert float(place.to_numpy(found)[at]) == pytest.approx(
            slope(lambda x: np.sum(change(x) * w), [x], [v], 1e-4), rel=1e-7, abs=1e-9
        )


def test_an_argument_that_is_changed_through_a_view_has_the_gradient_of_what_was_given() -> None:
    def halves(x: Any) -> Any:
        x[:2] *= 0.5
        return array_namespace(x).sum(x * x)

    np.testing.assert_allclose(grad(halves)(np.asarray([2.0, 4.0, 6.0])), [1.0, 2.0, 12.0])


def test_a_copy_is_no_view() -> None:
    x = Variable(np.ones((2, 3)))
    for copied in (x.copy(), x.flatten(), x.T.reshape(6), x * 1.0):
        copied[0] = 5.0
    np.testing.assert_array_equal(x.value, np.ones((2, 3)))


def test_what_is_repeated_has_no_place_of_its_own() -> None:
    x = Variable(np.ones(2))
    with pytest.raises(StateError, match="must have a place for each element"):
        np.broadcast_to(x, (3, 2))[0] = 1.0


def test_a_view_keeps_its_shape() -> None:
    x = Variable(np.ones((2, 2)))
    row = x[0]
    with pytest.raises(ShapeError, match="must keep the shape"):
        row += x


def test_an_array_is_not_written_to_with_a_variable() -> None:
    a, x = np.ones(2), Variable(np.ones(2))
    with pytest.raises(LibraryError, match="the argument out"):
        a += x
    np.testing.assert_array_equal(a, [1.0, 1.0])


@pytest.mark.parametrize("operate", [operator.add, operator.mul, operator.sub, operator.truediv, operator.pow])
def test_operators_of_arrays_and_variables(operate: Any) -> None:
    a, x = np.asarray([1.5, 2.0]), np.asarray([0.5, 3.0])
    found = grad(lambda x: array_namespace(x).sum(operate(a, x)))(x)
    assert float(found[0]) == pytest.approx(slope(lambda x: operate(a, x)[0], [x], [np.asarray([1.0, 0.0])], 1e-4))


METHODS: dict[str, tuple[Any, Any]] = {
    "sum": (lambda x: x.sum(axis=0) + x.sum() + x.sum(1).max(), M),
    "mean": (lambda x: x.mean(0, keepdims=True) * x.std(ddof=1) + x.var(axis=1, ddof=0)[0], M),
    "extremes": (lambda x: x.max(axis=1) - x.min(axis=1) * x.prod(), M),
    "shapes": (lambda x: x.reshape(4, 3) + x.reshape((4, -1)) + x.T + x.ravel()[0] + x.transpose(), M),
    "transpose": (lambda x: x.transpose(2, 0, 1).swapaxes(0, 1).squeeze() * 2.0, RNG.standard_normal((2, 1, 4))),
    "products": (lambda x: x.dot(x.T) * x.trace() + x.diagonal(), S),
    "running": (lambda x: x.clip(-0.5, 0.5).cumsum() + x.take([0, 1, 2, 0, 1, 2]), X),
    "T of a vector": (lambda x: x.T * x, X),
    "astype": (lambda x: x.astype("float64").copy() * x.conj(), X),
    "iteration": (lambda x: sum(row @ row for row in x) * len(x), M),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods(name: str, place: Place) -> None:
    call, x = METHODS[name]
    expected = call(x)
    np.testing.assert_allclose(place.to_numpy(call(Variable(place.asarray(x)))), expected, rtol=1e-12)
    found = place.to_numpy(grad(lambda x: (call(x) * 1.5).sum())(place.asarray(x)))
    assert float(found.sum()) == pytest.approx(
        slope(lambda x: (call(x) * 1.5).sum(), [x], [np.ones_like(x)], 1e-4), rel=1e-6, abs=1e-7
    )


def test_methods_mean_what_they_mean_in_the_library(place: Place) -> None:
    plain = place.asarray([1.0, 2.0, 4.0])
    if not hasattr(plain, "var"):
        pytest.skip("its arrays have no such methods")
    x = Variable(plain)
    np.testing.assert_allclose(place.to_numpy(x.var()), place.to_numpy(plain.var()), rtol=1e-12)
    np.testing.assert_allclose(place.to_numpy(x.std()), place.to_numpy(plain.std()), rtol=1e-12)
    try:
        repeated = x.repeat(2)
    except LibraryError as error:
        assert "xp.tile" in str(error)  # noqa: PT017 (either is right, by library)
        assert float(plain.repeat(2)[1]) == 2.0
        return
    np.testing.assert_array_equal(place.to_numpy(repeated), place.to_numpy(plain.repeat(2)))


def test_the_largest_of_nothing_is_no_number() -> None:
    x = np.asarray([[np.nan, np.nan], [1.0, np.nan]])
    np.testing.assert_array_equal(np.nanmax(Variable(x), axis=1).value, [np.nan, 1.0])


def test_numbers_are_taken_outside_of_transforms_alone() -> None:
    x = Variable(np.asarray([1.5, 2.0]))
    assert x[0].item() == 1.5
    assert x.tolist() == [1.5, 2.0]
    with pytest.raises(StateError, match=r"item\(x\) must not be taken"):
        grad(lambda x: x * x.item())(np.asarray(2.0))


def test_sorting_in_place() -> None:
    def weighed(x: Any) -> Any:
        y = x * 1.0
        y.sort()
        return array_namespace(y).sum(y * np.asarray([1.0, 2.0, 3.0]))

    np.testing.assert_array_equal(grad(weighed)(np.asarray([3.0, 1.0, 2.0])), [3.0, 1.0, 2.0])


def test_lists_of_variables_are_stacked(place: Place) -> None:
    def f(x: Any) -> Any:
        xp = array_namespace(x)
        turned = xp.asarray([[x[0], -x[1]], [2.0, x[2] * x[0]]])
        return xp.sum(turned * turned)

    found = grad(f)(place.asarray([0.5, 1.0, 3.0]))
    np.testing.assert_allclose(place.to_numpy(found), [2 * 0.5 + 2 * 0.5 * 9.0, 2.0, 2 * 3.0 * 0.25])
