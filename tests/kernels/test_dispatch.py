"""A kernel runs the body of the library that all its arrays are of, and its reference for anything else."""

from __future__ import annotations

import inspect

import array_api_strict
import numpy as np
import pytest

import xpnet as xn
from xpnet import kernels
from xpnet.kernels import Kernel, kernel
from xpnet.typing import Array

X = np.ones(3, dtype=np.float32)


def make(reference, **bodies) -> Kernel:
    arrays = sum(name in ("x", "y", "z") for name in inspect.signature(reference).parameters)
    found = kernel(arrays)(reference)
    for library, body in bodies.items():
        found.on(library)(body)
    return found


def one(x: Array) -> str:
    return "reference"


def two(x: Array, y: Array) -> str:
    return "reference"


def three(x: Array, y: Array, z: Array, axis: int, scale: float) -> tuple[str, int, float]:
    return "reference", axis, scale


def on_numpy(*arguments):
    return ("numpy", *arguments[3:]) if len(arguments) > 2 else "numpy"


def test_arrays_of_a_library_get_its_body():
    assert make(one, numpy=on_numpy)(X) == "numpy"
    assert make(two, numpy=on_numpy)(X, X) == "numpy"
    assert make(three, numpy=on_numpy)(X, X, X, 1, 2.0) == ("numpy", 1, 2.0)


def test_a_library_without_a_body_gets_the_reference():
    strict = array_api_strict.ones(3)
    assert make(one, numpy=on_numpy)(strict) == "reference"
    assert make(one)(X) == "reference"


@pytest.mark.parametrize("place", range(3))
def test_a_variable_anywhere_gets_the_reference(place):
    arrays = [X, X, X]
    arrays[place] = xn.Variable(X)
    assert make(three, numpy=on_numpy)(*arrays, 1, 2.0) == ("reference", 1, 2.0)
    assert make(one, numpy=on_numpy, Variable=on_numpy)(X) == "numpy"
    assert make(one, numpy=on_numpy)(xn.Variable(X)) == "reference"


def test_a_variable_over_an_array_with_a_body_is_recorded():
    x = xn.Variable(X)
    y = kernels.erf(x)
    assert type(y) is xn.Variable
    y.backward(X)
    np.testing.assert_allclose(x.grad, 2.0 / np.sqrt(np.pi) * np.exp(-X * X), rtol=1e-6)


@pytest.mark.parametrize("other", [array_api_strict.ones(3), np.float32(1.0), np.ma.masked_array(X), 1.0])
def test_arguments_of_two_kinds_get_the_reference(other):
    chosen = make(two, numpy=on_numpy)
    assert chosen(X, other) == chosen(other, X) == "reference"
    assert chosen(X, X) == "numpy"


def test_a_body_may_come_after_the_first_call():
    chosen = make(one)
    assert chosen(X) == "reference"

    @chosen.on("numpy")
    def body(x):
        return "numpy"

    assert chosen(X) == "numpy"
    assert chosen.bodies == {"numpy": body}
    assert chosen.reference(X) == "reference"


def test_a_kernel_is_called_and_documented_like_its_reference():
    assert kernels.erf.__name__ == "erf"
    assert kernels.erf.__doc__ == kernels.erf.reference.__doc__
    assert inspect.signature(kernels.erf) == inspect.signature(kernels.erf.reference)
    assert make(three)(X, X, X, axis=1, scale=2.0) == ("reference", 1, 2.0)
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'y'"):
        make(two)(X)


def test_an_error_in_a_body_reaches_the_caller():
    def broken(x):
        raise KeyError("of the body")

    with pytest.raises(KeyError, match="of the body"):
        make(one, numpy=broken)(X)


class Own(np.ndarray):
    pass


@pytest.mark.parametrize("x", [X.view(Own), np.ma.masked_array(X), np.float32(1.0), 1.0, None])
def test_what_is_no_plain_array_gets_the_reference(x):
    assert make(one, numpy=on_numpy)(x) == "reference"


def test_the_arrays_of_each_library_bring_its_bodies():
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    for array, library in ((torch.ones(3), "torch"), (jax.numpy.ones(3), "jax"), (X, "numpy")):
        kernels.erf(array)
        assert library in kernels.erf.bodies
        assert make(two, **{library: on_numpy})(array, array) == "numpy"
        assert make(three, **{library: on_numpy})(array, array, array, 1, 2.0) == ("numpy", 1, 2.0)
        assert make(two, **{library: on_numpy, "jax": on_numpy})(array, xn.Variable(X)) == "reference"


def test_a_parameter_of_torch_is_no_plain_tensor():
    torch = pytest.importorskip("torch")
    assert make(one, torch=on_numpy)(torch.nn.Parameter(torch.ones(3))) == "reference"


def test_a_body_is_traced_by_jax():
    jax = pytest.importorskip("jax")
    assert jax.jit(make(one, jax=lambda x: x + 1.0))(jax.numpy.zeros(3)).tolist() == [1.0, 1.0, 1.0]
