"""The error function of a library that has one is used, to its last digits; the reference is close to it."""

from __future__ import annotations

from math import erf, exp, pi, sqrt

import numpy as np
import pytest

from xpnet import kernels
from xpnet.backend import Backend, use_backend
from xpnet.fast.numpy.blocks import SIZE
from xpnet.layers import Gelu

X = np.concatenate([np.linspace(-7.0, 7.0, 281), [1e-30, -1e-8, 30.0, -30.0, np.inf, -np.inf]])


@pytest.fixture(params=["torch", "jax"])
def library(request):
    pytest.importorskip(request.param)
    return request.param


def values(kernel, x: np.ndarray, backend: Backend) -> np.ndarray:
    y = kernel(backend.asarray(x))
    assert type(y) is type(backend.asarray(x))
    assert y.dtype == backend.asarray(x).dtype
    return backend.to_numpy(y)


@pytest.mark.parametrize(("dtype", "digits"), [("float32", 3e-7), ("float64", 5e-16)])
def test_it_is_that_of_the_library(library, dtype, digits):
    with use_backend(library, dtype=dtype) as backend:
        x = X.astype(dtype)
        found = values(kernels.erf, x, backend)
        assert library in kernels.erf.bodies
        np.testing.assert_allclose(found, [erf(one) for one in x], rtol=digits)
        np.testing.assert_allclose(found, values(kernels.erf.reference, x, backend), rtol=4 * digits)
        assert np.isnan(values(kernels.erf, np.asarray([np.nan]), backend)).all()


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (3, 1, 2)])
def test_shapes_are_kept(library, shape):
    with use_backend(library, dtype="float32") as backend:
        assert values(kernels.erf, np.ones(shape), backend).shape == shape


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_less_precise_dtypes_are_kept(library, dtype):
    with use_backend(library, dtype=dtype) as backend:
        found = values(kernels.erf, X, backend)
        np.testing.assert_allclose(found.astype(float), [erf(x) for x in X], rtol=8e-3, atol=1e-6)


def test_gelu_is_exact(library):
    x = X[:281]
    with use_backend(library, dtype="float64") as backend:
        layer = Gelu()
        y = backend.to_numpy(layer.forward(backend.asarray(x)))
        dx = backend.to_numpy(layer.backward(backend.asarray(np.ones_like(x))))
    phi = [0.5 + 0.5 * erf(one * sqrt(0.5)) for one in x]
    np.testing.assert_allclose(y, x * phi, rtol=0, atol=1e-15)
    np.testing.assert_allclose(
        dx, [p + one * exp(-one * one / 2) / sqrt(2 * pi) for p, one in zip(phi, x, strict=True)], rtol=0, atol=1e-15
    )


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(0,), (3, 5), (2, SIZE + 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numpy_works_in_blocks_and_writes_nothing_that_it_was_given(shape, dtype, order):
    x = np.asarray(3.0 * np.random.default_rng(0).normal(size=shape), dtype, order=order)
    x[..., :3] = np.asarray([np.nan, np.inf, -np.inf])[: x.shape[-1]]
    before = x.copy()
    for given in (x, np.flip(x), x[..., ::2]):
        y = kernels.erf(given)
        assert (y.dtype, y.shape) == (given.dtype, given.shape)
        np.testing.assert_allclose(y, kernels.erf.reference(given), rtol=1e-6 if dtype == "float32" else 1e-14)
    np.testing.assert_array_equal(x, before)
