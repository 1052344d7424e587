"""What goes into a transform as a number, a list or a dict comes back as one."""

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, dtype_name, is_array, library_name, to_numpy


def product(values):
    return values[0] * values[1]


def test_the_gradient_of_a_number_is_a_number(backend):
    for x in (0.1, 3):
        gradient = xn.grad(lambda x: x * x)(x)
        assert type(gradient) is float
        assert gradient == 2 * x  # in float32 too: the digits of its neighbour are not told
    y, gradient = xn.value_and_grad(lambda x: x * x)(0.5)
    assert is_array(y)
    assert gradient == 1.0


def test_lists_tuples_and_dicts_of_numbers(backend):
    assert xn.grad(product)([3.0, 2]) == [2.0, 3.0]
    assert xn.grad(product)((3.0, 2.0)) == (2.0, 3.0)
    assert xn.grad(lambda named: named["a"] * named["b"])({"a": 3.0, "b": 2.0}) == {"a": 2.0, "b": 3.0}
    assert xn.grad(lambda x, y: x * y, argnums=(0, 1))(3.0, [2.0][0]) == (2.0, 3.0)
    assert all(type(d) is float for d in xn.grad(product)([3.0, 2]))


def test_a_number_beside_arrays_takes_their_library_and_dtype(backend, xp, asarray, dtype):
    """Also where it is not that of the current backend."""

    def f(values):
        scale, x = values
        assert dtype_name(scale.dtype) == dtype_name(x.dtype) == dtype
        return array_namespace(x).sum(scale * x)

    x = asarray([1.0, 2.0])
    with xn.use_backend("numpy", dtype="float64" if dtype == "float32" else "float32"):
        scale, gradient = xn.grad(f)([0.1, x])
    assert type(scale) is float
    assert scale == 3.0
    assert library_name(array_namespace(gradient)) == backend.name
    assert dtype_name(gradient.dtype) == dtype
    np.testing.assert_allclose(to_numpy(gradient), 0.1, rtol=1e-6)


def test_the_other_transforms(backend):
    assert xn.jacobian(lambda x: x * x)(0.1) == 0.2
    assert xn.hessian(lambda x: x * x * x)(0.5) == 3.0
    assert xn.hvp(lambda x: x * x * x, 0.5, 1.0) == 3.0
    assert xn.vjp(lambda x, y: x * y, 3.0, 2.0)[1](1.0) == (2.0, 3.0)
    blocks = xn.hessian(lambda v: v[0] * v[1] * v[1])([3.0, 2.0])
    assert blocks == [[0.0, 4.0], [4.0, 6.0]]
    xp = backend.xp
    column = xn.jacobian(lambda x: x * backend.asarray(np.asarray([1.0, 2.0])))(0.5)
    assert column.shape == (2,)
    assert xp.all(column == backend.asarray(np.asarray([1.0, 2.0])))


def test_a_complex_number_stays_complex():
    gradient = xn.grad(lambda z: array_namespace(z).real(z * z))(1 + 2j)
    assert type(gradient) is complex
    assert gradient == 2 - 4j


def test_within_another_grad_a_number_is_still_traced(backend):
    assert xn.grad(lambda x: x * xn.grad(lambda y: x * y)(1.0))(3.0) == 6.0
    assert xn.grad(xn.grad(lambda x: x**3))(2.0) == 12.0


def test_a_compiler_may_trace_what_a_number_is_multiplied_by():
    jax = pytest.importorskip("jax")
    with xn.use_backend("jax"):
        assert float(jax.jit(lambda c: xn.grad(lambda x: x * x * c)(3.0))(2.0)) == 12.0
