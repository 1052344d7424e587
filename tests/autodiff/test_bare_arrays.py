"""A conversion to a bare array is refused with the name of the function that asks for it."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import Variable, grad, stop_gradient
from xpnet.backend import array_namespace
from xpnet.errors import LibraryError, StateError

REMEDY = "xn.custom_vjp, one of the host by xn.pure_callback"


def mine(x):
    return np.sum(np.asarray(x))


def test_a_function_of_ones_own_is_named_with_its_line() -> None:
    with pytest.raises(LibraryError, match=r"NumPy array by mine, line 20 of test_conversions\.py; .*" + REMEDY):
        grad(mine)(np.ones(2))
    with pytest.raises(LibraryError, match=r"by code, line \d+ of test_conversions\.py"):
        grad(lambda x: np.asarray(x).sum())(np.ones(2))


@pytest.fixture
def package():
    """A package that is installed, whose public function calls a private one behind a decorator."""
    source = (
        "import functools\nimport numpy as np\n"
        "def _axes(f):\n    def wrapper(x):\n        return f(x)\n    return wrapper\n"
        "def _prepared(x):\n    return np.atleast_1d(np.asarray(x))\n"
        "@_axes\ndef smooth(x):\n    return _prepared(x)\n"
        "class Spline:\n    def __init__(self, y):\n        self.y = np.array(y)\n"
        "def score(x):\n    return float(x)\n"
        "def helped(x):\n    return max([x], key=lambda x: float(np.asarray(x)[0]))\n"
    )
    module = types.ModuleType("lab.fitting._core")
    exec(compile(source, "/somewhere/site-packages/lab/fitting/_core.py", "exec"), module.__dict__)
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


@pytest.mark.parametrize(
    ("call", "name"),
    [("smooth", "lab.fitting.smooth"), ("Spline", "lab.fitting.Spline"), ("helped", "lab.fitting.helped")],
)
def test_of_a_package_the_public_function_is_named(call, name, package) -> None:
    with pytest.raises(LibraryError, match=f"a conversion to a NumPy array by {name}; "):
        getattr(package, call)(Variable(np.ones(3)))


def test_constants_become_arrays(place: Place) -> None:
    def f(x):
        xp = array_namespace(x)
        labels = xp.asarray([1, 0], device=x.device)
        host = place.to_numpy(labels.value)
        if place.name not in ("cupy", "array-api-strict"):  # whose arrays on a device do not become NumPy's
            assert type(np.asarray(labels)) is np.ndarray
            np.testing.assert_array_equal(np.asarray(labels, dtype=np.int8), host)
            np.testing.assert_array_equal(np.array(stop_gradient(x)), place.to_numpy(x.value))
        return xp.sum(x)

    grad(f)(place.asarray(np.ones(2)))


def test_a_constant_of_an_inner_transform_has_a_history_in_the_outer_one() -> None:
    def outer(x):
        def inner(y):
            np.asarray(array_namespace(x, y).sin(x) * 1.0)
            return y

        return grad(inner)(1.0) * x

    with pytest.raises(LibraryError, match="a conversion to a NumPy array by inner"):
        grad(outer)(2.0)


def test_a_number_asked_for_by_a_package_names_it(package) -> None:
    with pytest.raises(StateError, match=r"got one inside a transform or a layer's forward by lab\.fitting\.score; "):
        grad(lambda x: package.score(x))(np.asarray(1.0))
