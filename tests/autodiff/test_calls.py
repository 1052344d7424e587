"""Calls that NumPy accepts: their values are those of NumPy and their gradients belong to them, or they are refused."""

from __future__ import annotations

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import Variable, grad, vjp
from xpnet.backend import array_namespace
from xpnet.errors import XpnetError

X = np.asarray([[3.0, 1.0, 2.0], [5.0, 4.0, 6.0]])
W = np.asarray([0.5, -1.0, 2.0, 3.0, -0.25, 1.5])


def total(x):
    return array_namespace(x).sum(x)


def same_as_numpy(f, plain, *points):
    """The value of f is NumPy's, and its gradients are those of central differences."""
    y, pullback = vjp(f, *points)
    expected = np.asarray(plain(*points))
    np.testing.assert_allclose(np.asarray(y), expected, rtol=1e-14)
    dout = np.resize(W, expected.shape)
    for n, (x, g) in enumerate(zip(points, pullback(dout), strict=True)):
        for k in range(x.size):
            step = np.zeros(x.shape)
            step.reshape(-1)[k] = 1e-6
            ahead, back = ([p + s * step if m == n else p for m, p in enumerate(points)] for s in (1.0, -1.0))
            slope = np.sum(dout * (plain(*ahead) - plain(*back))) / 2e-6
            assert g.reshape(-1)[k] == pytest.approx(slope, rel=1e-6, abs=1e-7)


B = X[::-1] * 2.0 + 0.1


CONDITIONS = [np.asarray([[1, 0, 2], [0, 0, 3]]), np.asarray([1, 0, 1]), np.asarray([0.5, 0.0, 1.0]), True, False]


@pytest.mark.parametrize("condition", [*CONDITIONS, np.bool_(True)], ids=str)
def test_where_with_a_condition_that_is_not_bool(condition) -> None:
    same_as_numpy(
        lambda a, b: array_namespace(a).where(condition, a * 2.0, b * 3.0),
        lambda a, b: np.where(condition, a * 2.0, b * 3.0),
        X,
        B,
    )


CLIPS = [(0.0, 2.5), (2.5, 2.5), (4.0, 2.0), (None, 2.5), (2.5, None)]


@pytest.mark.parametrize(("low", "high"), CLIPS)
def test_clip_by_numbers(low, high) -> None:
    same_as_numpy(lambda x: array_namespace(x).clip(x, low, high), lambda x: np.clip(x, low, high), X)


def test_clip_by_arrays_of_which_some_cross() -> None:
    low, high = np.asarray([2.0, 4.5, 1.0]), np.asarray([2.5, 0.5, 5.5])
    same_as_numpy(lambda x, a, b: array_namespace(x).clip(x, a, b), np.clip, X, low, high)


MASK = np.asarray([[True, False, True], [False, False, True]])
MASKED = {
    "one": (MASK, np.asarray(7.0)),
    "one for each": (MASK, np.asarray([7.0, 8.0, 9.0])),
    "one in an axis": (MASK, np.asarray([7.0])),
    "rows": (np.asarray([False, True]), np.asarray([[7.0, 8.0, 9.0]])),
    "leading": (np.asarray([True, True]), np.asarray([[7.0, 8.0, 9.0], [1.0, 2.0, 3.0]])),
    "leading, one row": (np.asarray([True, True]), np.asarray([7.0, 8.0, 9.0])),
    "leading, one": (np.asarray([True, False]), np.asarray(7.0)),
    "none": (np.zeros((2, 3), dtype=bool), np.zeros(0)),
    "none of one": (np.zeros((2, 3), dtype=bool), np.asarray(7.0)),
}


def put(x, v, mask):
    y = x * 1.0
    y[mask] = v
    return y


@pytest.mark.parametrize("name", MASKED)
def test_assignment_by_a_mask(name) -> None:
    mask, v = MASKED[name]
    same_as_numpy(lambda x, v: put(x * x, v * v, mask), lambda x, v: put(x * x, v * v, mask), X, v)


@pytest.mark.parametrize("name", MASKED)
def test_assignment_by_a_mask_on_every_library(name, place: Place) -> None:
    if place.name == "jax" and name not in ("one for each", "rows", "leading, one row"):
        pytest.skip("jax compiles every operation for every shape")
    mask, v = MASKED[name]
    dout = np.resize(W, X.shape)
    y, pullback = vjp(lambda x, v: put(x, v, place.asarray_of(mask)), place.asarray(X), place.asarray(v))
    expected, reference = vjp(lambda x, v: put(x, v, mask), X, v)
    np.testing.assert_array_equal(place.to_numpy(y), expected)
    for d, e in zip(pullback(place.asarray(dout)), reference(dout), strict=True):
        np.testing.assert_allclose(place.to_numpy(d), e)


@pytest.mark.parametrize(
    ("mask", "v"),
    [
        (MASK, np.zeros(2)),
        (MASK, np.zeros((2, 3))),
        (np.asarray([True, False]), np.zeros((2, 3))),
        (np.asarray([True, False, True]), np.zeros(2)),
        (MASK[:, :2], np.asarray(1.0)),
    ],
)
def test_values_that_do_not_fit_a_mask_are_refused(mask, v, place: Place) -> None:
    with pytest.raises((XpnetError, ValueError), match="must"):
        put(Variable(place.asarray(X)), Variable(place.asarray(v)), place.asarray_of(mask))


@pytest.mark.parametrize("key", [True, False, (True, 0), (0, False)])
def test_a_bool_is_no_key(key) -> None:
    with pytest.raises(TypeError, match="a key must be made of"):
        Variable(X)[key]
    with pytest.raises(TypeError, match="a key must be made of"):
        Variable(X)[key] = 1.0


def test_assigned_values_keep_their_kind() -> None:
    x = Variable(X) * 1.0
    for value in (1.0j, Variable(np.asarray(1.0j))):
        with pytest.raises(TypeError, match="must be of the same kind"):
            x[0, 0] = value
    whole = array_namespace(x).zeros(3, dtype=np.int64)
    with pytest.raises(TypeError, match="must be of the same kind"):
        whole[0] = Variable(np.asarray(2.5))


def test_take_and_sort_of_all_elements() -> None:
    indices = np.asarray([4, 0, 4])
    same_as_numpy(lambda x: array_namespace(x).take(x, indices), lambda x: np.take(x, indices), X)
    same_as_numpy(lambda x: array_namespace(x).sort(x, axis=None), lambda x: np.sort(x, axis=None), X)


INDICES = [1, -1, [2, 0], np.asarray(1), np.asarray([[0, 2], [-3, 1]]), np.zeros((0,), dtype=int), np.int64(2)]


@pytest.mark.parametrize("indices", INDICES, ids=str)
def test_take_with_indices_of_any_shape(indices) -> None:
    same_as_numpy(lambda x: array_namespace(x).take(x, indices, axis=1), lambda x: np.take(x, indices, axis=1), X)
    same_as_numpy(
        lambda x: array_namespace(x).take(x * x, indices, axis=-1), lambda x: np.take(x * x, indices, axis=-1), X
    )


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64", "uint64"])
def test_indices_of_any_dtype(dtype, place: Place) -> None:
    """In axes longer than the dtype can tell."""
    if place.name == "torch" and dtype.startswith("uint") and dtype != "uint8":
        pytest.skip("torch does not index with them")
    if place.name == "jax" and dtype != "uint8":
        pytest.skip("jax compiles every operation for every shape")
    x = np.arange(300.0)
    indices = [120, 3 if dtype[0] == "u" else -3, 120]
    xp = place.backend.xp
    at = xp.astype(place.backend.asarray(np.asarray(indices)), getattr(xp, dtype))
    expected = np.bincount(np.asarray(indices) % 300, minlength=300)
    for name in ("take", "take_along_axis"):
        try:
            y, pullback = vjp(lambda x, name=name: getattr(array_namespace(x), name)(x, at, axis=0), place.asarray(x))
        except (TypeError, IndexError, RuntimeError, OverflowError):  # the library's own refusal
            continue
        np.testing.assert_array_equal(place.to_numpy(pullback(place.asarray(np.ones(3)))[0]), expected)
        np.testing.assert_array_equal(place.to_numpy(y), x[indices])


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
def test_a_result_in_integers_is_a_constant(name, place: Place) -> None:
    x = place.asarray([1.0, 2.0, 3.0])

    def f(x):
        xp = array_namespace(x)
        return total(xp.astype(getattr(xp, name)(x, dtype=xp.int64), x.dtype) * x)

    values = getattr(np, name)(np.asarray([1, 2, 3]))
    np.testing.assert_array_equal(place.to_numpy(grad(f)(x)), np.broadcast_to(values, 3))


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_asarray_to_integers_is_a_constant(dtype, place: Place) -> None:
    def f(x):
        xp = array_namespace(x)
        whole = xp.asarray(x, dtype=getattr(xp, dtype))
        assert whole.node.parents == ()
        return total(xp.astype(whole, x.dtype) * x)

    expected = np.asarray([1.5, 2.5]).astype(dtype)
    np.testing.assert_array_equal(place.to_numpy(grad(f)(place.asarray([1.5, 2.5]))), expected)


def test_a_sum_in_another_floating_dtype() -> None:
    x = np.asarray([1e30, 1e30, 1e-30], dtype=np.float32)
    with np.errstate(over="ignore"):
        g = grad(lambda x: array_namespace(x).prod(x, dtype=np.float64))(x)
    np.testing.assert_allclose(g, [1.0, 1.0, np.inf], rtol=1e-6)
    assert g.dtype == np.float32


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_norms_of_fourier_transforms(name, norm) -> None:
    x = np.asarray([1.0, 2.0, -1.0, 0.5])

    def f(xp, x):
        y = getattr(xp.fft, name)(x, norm=norm)
        return xp.real(y) + xp.imag(y) if "complex" in str(y.dtype) else y

    same_as_numpy(lambda x: f(array_namespace(x), x), lambda x: f(np, x), x)


@pytest.mark.parametrize("axis", [0, 1, -2])
@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft"])
def test_fourier_transforms_of_other_lengths_along_any_axis(name, n, axis, place: Place) -> None:
    if place.name == "jax" and (n, axis) != (5, 0):
        pytest.skip("jax compiles every operation for every shape")
    x = np.arange(24.0).reshape(2, 3, 4) ** 2

    def f(x):
        xp = array_namespace(x)
        z = xp.astype(x, xp.complex128) if name in ("fft", "ifft", "irfft") else x
        y = getattr(xp.fft, name)(z, n=n, axis=axis)
        return xp.real(y * y) if "complex" in str(y.dtype) else y * y

    y, pullback = vjp(f, place.asarray(x))
    expected, reference = vjp(f, x)
    np.testing.assert_allclose(place.to_numpy(y), expected, rtol=1e-12, atol=1e-9)
    dout = np.cos(np.arange(expected.size)).reshape(expected.shape)
    np.testing.assert_allclose(place.to_numpy(pullback(place.asarray(dout))[0]), reference(dout)[0], rtol=1e-9)


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_differences_along_any_axis(axis, place: Place) -> None:
    x = np.arange(24.0).reshape(2, 3, 4) ** 2
    f = lambda x: array_namespace(x).diff(x, axis=axis, n=2)  # noqa: E731
    y, pullback = vjp(f, place.asarray(x))
    np.testing.assert_array_equal(place.to_numpy(y), np.diff(x, axis=axis, n=2))
    dout = np.ones(y.shape)
    np.testing.assert_array_equal(place.to_numpy(pullback(place.asarray(dout))[0]), vjp(f, x)[1](dout)[0])


@pytest.mark.parametrize("operate", ["/", "*", "+", "-", "**", "r/", "r-", ">", "maximum"])
def test_scalars_of_numpy_beside_arrays_of_any_library(operate, place: Place) -> None:
    x, number = place.asarray([1.0, 4.0]), np.sqrt(64)

    def f(x):
        xp = array_namespace(x)
        return {
            "/": lambda: x / number,
            "*": lambda: x * number,
            "+": lambda: x + number,
            "-": lambda: x - number,
            "**": lambda: x ** np.float64(0.5),
            "r/": lambda: number / x,
            "r-": lambda: number - x,
            ">": lambda: xp.where(x > np.float64(2.0), x, x * x),
            "maximum": lambda: xp.maximum(x, xp.full_like(x, number)),
        }[operate]()

    y, pullback = vjp(f, x)
    expected, reference = vjp(f, np.asarray([1.0, 4.0]))
    assert y.dtype == x.dtype
    np.testing.assert_allclose(place.to_numpy(y), expected)
    np.testing.assert_allclose(place.to_numpy(pullback(1.0)[0]), reference(1.0)[0])


OPTIONS = {
    "vector_norm": lambda xp, x: xp.linalg.vector_norm(xp.stack([x, x]), ord=x),
    "std": lambda xp, x: xp.std(xp.stack([x, x, x * x]), correction=x),
    "linspace": lambda xp, x: xp.linspace(x, 1.0, x),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_by_which_nothing_is_differentiated_is_no_variable(name) -> None:
    with pytest.raises((XpnetError, TypeError)):
        grad(lambda x: total(OPTIONS[name](array_namespace(x), x)))(np.asarray(2.0))
