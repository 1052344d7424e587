"""CuPy's own functions record what they do to Variables, or say that they cannot: no derivative is lost in silence."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.autodiff import Variable, stop_gradient
from xpnet.autodiff.nodes import CONSTANT
from xpnet.backend import array_namespace, to_numpy
from xpnet.errors import LibraryError, StateError, XpnetError

X = np.array([[0.31, 0.55, 0.82], [0.47, 0.23, 0.68]])
Y = np.array([[0.62, 0.17, 0.39], [0.9, 0.74, 0.52]])
BEYOND_ONE = {"arccosh", "acosh"}
REFUSED = {
    *("divmod", "frexp", "modf"),  # two results
    *("bitwise_count", "gcd", "lcm", "ldexp"),
    *("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "bitwise_invert", "invert"),
    *("left_shift", "right_shift", "bitwise_left_shift", "bitwise_right_shift"),
}
"""What has no derivative in xpnet, and what is for integers, which Variables are not."""
FUNCTIONS = {
    "sum": lambda xp, x: xp.sum(x, axis=0),
    "the order of F": lambda xp, x: xp.reshape(x, (3, 2), order="F") @ x,
    "sum of all": lambda xp, x: xp.sum(x),
    "sum, keepdims": lambda xp, x: xp.sum(x, 1, None, None, True) * x,
    "prod": lambda xp, x: xp.prod(x, axis=-1),
    "mean": lambda xp, x: xp.mean(x, axis=1, keepdims=True) * x,
    "max": lambda xp, x: xp.max(x, axis=1),
    "amin": lambda xp, x: xp.amin(x, axis=0),
    "ptp": lambda xp, x: xp.ptp(x, axis=1),
    "var": lambda xp, x: xp.var(x, axis=1, ddof=1),
    "std": lambda xp, x: xp.std(x),
    "clip": lambda xp, x: xp.clip(x, 0.3, 0.6),
    "dot of matrices": lambda xp, x: xp.dot(x, x.T),
    "dot of vectors": lambda xp, x: xp.dot(x[0], x[1]),
    "dot of a matrix and a vector": lambda xp, x: xp.dot(x, x[0]),
    "dot of a number": lambda xp, x: xp.dot(x, 2.0),
    "reshape": lambda xp, x: xp.reshape(x, (3, 2)) ** 2,
    "reshape to one axis": lambda xp, x: xp.reshape(x, -1) ** 2,
    "ravel": lambda xp, x: xp.ravel(x) * xp.arange(6),
    "transpose": lambda xp, x: xp.transpose(x) ** 2,
    "transpose of named axes": lambda xp, x: xp.transpose(x, (1, 0)) ** 2,
    "swapaxes": lambda xp, x: xp.swapaxes(x, 0, -1) ** 2,
    "squeeze": lambda xp, x: xp.squeeze(x[None, :, :1]) ** 2,
    "repeat": lambda xp, x: xp.repeat(x, 2, axis=1) * xp.arange(6),
    "take": lambda xp, x: xp.take(x, xp.asarray([[0, 2], [2, 2]]), axis=1) ** 2,
    "take of all": lambda xp, x: xp.take(x, xp.asarray([5, 0])) ** 2,
    "take of one": lambda xp, x: xp.take(x, 1, axis=0) ** 2,
    "diagonal": lambda xp, x: xp.diagonal(x, 1) ** 2,
    "trace": lambda xp, x: xp.trace(x) ** 2,
    "sort": lambda xp, x: xp.sort(x, axis=1) * xp.arange(3),
    "copy": lambda xp, x: xp.copy(x) ** 2,
    "flip": lambda xp, x: xp.flip(x, 1) * xp.arange(3),
    "where": lambda xp, x: xp.where(x > 0.5, x**2, -x),
    "where with a number": lambda xp, x: xp.where(xp.asarray(X > 0.4), x, 0.0),
    "add with a dtype": lambda xp, x: xp.add(x, 1.0, dtype=x.dtype) ** 2,
    "a step of a network": lambda xp, x: xp.mean(xp.log(xp.sum(xp.exp(x - xp.max(x, axis=1, keepdims=True)), axis=1))),
    "a sigmoid": lambda xp, x: 1 / (1 + xp.exp(-x)),
}


@pytest.fixture(autouse=True)
def float64(cupy):
    with xn.use_backend("cupy", dtype="float64"):
        yield


def compared(cupy, f, *points):
    """The value of a function of NumPy and its derivatives, against those of CuPy's on Variables."""
    expected = np.asarray(f(np, *points))
    w = np.random.default_rng(0).standard_normal(expected.shape)
    w_there = cupy.asarray(w)
    arrays = tuple(map(cupy.asarray, points))
    value = f(cupy, *map(Variable, arrays))
    np.testing.assert_allclose(to_numpy(value.value), expected, rtol=1e-12, atol=1e-14)
    if value.node.trace is CONSTANT:
        np.testing.assert_array_equal(f(np, *(x + 1e-9 for x in points)), expected)
        return
    for number, x in enumerate(points):
        try:
            found = to_numpy(xn.grad(lambda *xs: (f(cupy, *xs) * w_there).sum(), argnums=number)(*arrays))
        except StateError:  # as the sign that copysign takes
            found = np.zeros_like(x)
        np.testing.assert_allclose(found, slopes(f, w, points, number), rtol=1e-6, atol=1e-8)


def slopes(f, w, points, number):
    """The derivative of ``Σ w f`` by each value of one of the points."""
    found = np.zeros_like(points[number])
    for place in np.ndindex(found.shape):
        step = np.zeros_like(found)
        step[place] = 1e-6
        both = [f(np, *(x + sign * step if n == number else x for n, x in enumerate(points))) for sign in (1, -1)]
        found[place] = np.sum(w * (both[0] - both[1])) / 2e-6
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_arrays(cupy, name):
    compared(cupy, FUNCTIONS[name], X)


def elementwise_functions(cupy):
    """The elementwise functions of CuPy, and for each the number of its arguments."""
    found = {}
    for name in dir(cupy):
        function = getattr(cupy, name)
        if isinstance(function, cupy.ufunc):
            found[name] = function.nin
    return found


def test_elementwise_functions_are_recorded_or_refused(cupy):
    names = elementwise_functions(cupy)
    assert {"exp", "arctan2", "maximum", "cbrt"} <= names.keys()
    assert names.keys() >= REFUSED
    for name, count in names.items():
        points = (X + 1 if name in BEYOND_ONE else X, Y)[:count]
        if name in REFUSED:
            with pytest.raises((XpnetError, TypeError)):
                getattr(cupy, name)(*(Variable(cupy.asarray(x)) for x in points))
        elif name == "i0":  # from headers that g++ does not compile
            continue
        elif name == "nextafter":  # a value, whose neighbours have other ones
            found = cupy.nextafter(*(Variable(cupy.asarray(x)) for x in points))
            np.testing.assert_array_equal(to_numpy(found.value), np.nextafter(*points))
        else:
            compared(cupy, lambda xp, *xs, name=name: getattr(xp, name)(*xs), *points)


@pytest.mark.parametrize("reflected", [False, True])
def test_one_argument_may_be_an_array_or_a_number(cupy, reflected):
    for other in (cupy.asarray(Y), 0.5):

        def f(x, other=other):
            return cupy.sum(cupy.hypot(other, x) if reflected else cupy.hypot(x, other))

        expected = X / np.hypot(X, to_numpy(other))
        np.testing.assert_allclose(to_numpy(xn.grad(f)(cupy.asarray(X))), expected, rtol=1e-12)


def test_derivatives_of_derivatives_go_through_them(cupy):
    second = xn.grad(lambda x: cupy.sum(xn.grad(lambda y: cupy.sum(cupy.exp(y * y)))(x)))
    np.testing.assert_allclose(to_numpy(second(cupy.asarray(X))), (2 + 4 * X**2) * np.exp(X**2), rtol=1e-12)


def test_special_functions_that_xpnet_has(cupy):
    from cupyx.scipy import special

    for function, slope in ((special.erf, 2 / np.sqrt(np.pi) * np.exp(-(X**2))), (special.expit, None)):
        found = to_numpy(xn.grad(lambda x, function=function: cupy.sum(function(x)))(cupy.asarray(X)))
        s = 1 / (1 + np.exp(-X))
        np.testing.assert_allclose(found, s * (1 - s) if slope is None else slope, rtol=1e-12)
    with pytest.raises(LibraryError, match="lpmv must be a function of the standard, or made of some, got a kernel"):
        special.lpmv(1.0, 2.0, Variable(cupy.asarray(X)))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda cp, v: cp.exp(v, out=cp.empty((2, 3))), "exp must .* got the argument out; leave it out"),
        (lambda cp, v: cp.exp(v, cp.empty((2, 3))), "exp must .* got the argument out; leave it out"),
        (lambda cp, v: cp.sum(v, out=cp.empty(())), "sum must .* got the argument out; leave it out"),
        (lambda cp, v: cp.ElementwiseKernel("T x", "T y", "y = x", "exp")(v), "exp must .* whose derivative is not"),
        (lambda cp, v: cp.asarray(v), "must come from its own namespace.*a conversion to a CuPy array"),
        (lambda cp, v: cp.concatenate([v, v]), "must come from its own namespace.*a conversion to a CuPy array"),
        (lambda cp, v: cp.around(v), "must come from its own namespace.*a conversion to a CuPy array"),
    ],
)
def test_what_would_lose_the_history_is_refused(cupy, call, text):
    with pytest.raises(LibraryError, match=text):
        call(cupy, Variable(cupy.asarray(X)))


def test_kernels_of_ones_own_join_the_graph(cupy):
    cube = cupy.ElementwiseKernel("float64 x", "float64 y", "y = x * x * x", "cube_of_a_test")
    square3 = cupy.ElementwiseKernel("float64 x", "float64 y", "y = 3 * x * x", "square_of_a_test")
    source = """extern "C" __global__ void doubled(const double* x, double* y, int n) {
        int i = blockDim.x * blockIdx.x + threadIdx.x;
        if (i < n) y[i] = 2.0 * x[i];
    }"""
    kernel = cupy.RawKernel(source, "doubled")

    def doubled(x):
        y = cupy.empty_like(x)
        kernel((1,), (64,), (x, y, np.int32(x.size)))
        return y

    by_slopes = xn.elementwise(cube, square3)
    by_hand = xn.custom_vjp(lambda x: (doubled(x), None), lambda _, dout: doubled(dout))
    f = lambda x: cupy.sum(by_hand(by_slopes(x)) ** 2)  # noqa: E731
    np.testing.assert_allclose(to_numpy(xn.grad(f)(cupy.asarray(X))), 24 * X**5, rtol=1e-12)
    xn.gradient_check(f, cupy.asarray(X)).raise_if_failed()


def test_what_is_refused_works_with_the_remedy_of_its_message(cupy):
    def joined(x):
        with pytest.raises(LibraryError, match=r"use xp = array_namespace\(x\) and xp.concat\(\[x, y\]\)"):
            cupy.concatenate([x, y])
        xp = array_namespace(x)
        return xp.sum(xp.concat([x, y]) ** 2)

    x, y = cupy.asarray(X), cupy.asarray(Y)
    np.testing.assert_allclose(to_numpy(xn.grad(joined)(x)), 2 * X, rtol=1e-12)
    x = Variable(x)
    with pytest.raises(LibraryError, match=r"for the bare values stop_gradient\(x\).value"):
        cupy.asarray(x)
    np.testing.assert_array_equal(to_numpy(cupy.asarray(stop_gradient(x).value)), X)


def test_operators_of_arrays_and_variables(cupy):
    a, x = cupy.asarray(X), Variable(cupy.asarray(Y))
    for y in (a * x, a @ x.T, a - x, a**x):
        assert type(y) is Variable
        assert y.node.trace is not CONSTANT
