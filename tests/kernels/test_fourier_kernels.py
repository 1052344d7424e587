"""Large Fourier transforms on NumPy, with SciPy and without, are those of NumPy in double precision."""

from __future__ import annotations

from importlib import import_module
from itertools import product

import numpy as np
import pytest

import xpnet as xn
from xpnet import kernels
from xpnet.backend import array_namespace
from xpnet.fast.numpy import fourier as bodies
from xpnet.kernels import fourier

SHAPE = (4, 32, 33)
CHOICES = ({}, {"axes": (0, 1)}, {"s": (7, 40), "axes": (2, 0), "norm": "ortho"}, {"axes": (-1,), "norm": "forward"})


@pytest.fixture(params=["SciPy", "SciPy with threads", "NumPy alone"])
def provider(request, monkeypatch):
    if request.param != "NumPy alone":
        pytest.importorskip("scipy.fft")
        monkeypatch.setattr(bodies, "SHARED", 1 if "threads" in request.param else 1 << 60)
    else:
        monkeypatch.setattr(bodies, "scipy", lambda: None)
    return request.param


def drawn(dtype: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(SHAPE)
    return (x + 1j * rng.standard_normal(SHAPE) if "complex" in dtype else x).astype(dtype)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *product(("fftn", "ifftn", "irfftn"), ("float32", "float64", "complex64", "complex128")),
        *product(("rfftn",), ("float32", "float64")),
    ],
)
def test_values_and_dtypes(provider, name, dtype):
    x = drawn(dtype)
    wide = x.astype(np.result_type(dtype, np.float64))
    for choice in CHOICES:
        axes = choice.get("axes", (0, 1, 2))
        expected = getattr(np.fft, name)(wide, **{**choice, "axes": axes})
        for given in (x, np.asfortranarray(x), np.flip(np.flip(x).copy())):
            found = getattr(fourier, name)(given, **choice)
            assert found.real.dtype == x.real.dtype
            atol = (1e-6 if x.real.dtype == np.float32 else 1e-14) * np.abs(expected).max()
            np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_the_transposed_transforms(provider, dtype):
    x, v = drawn(dtype), drawn(dtype)[::-1]

    def loss(x):
        xp = array_namespace(x)
        half = xp.fft.rfftn(x, s=(16, 48), axes=(1, 2))
        return xp.sum(xp.abs(half) ** 2) + xp.sum(xp.fft.irfftn(half, axes=(1, 2)) ** 3)

    found, direction = xn.grad(loss)(x), float(np.sum(xn.grad(loss)(x) * v))
    assert found.dtype == x.dtype
    step, wide = 1e-5, x.astype(np.float64)
    slope = (loss(wide + step * v) - loss(wide - step * v)) / (2 * step)
    np.testing.assert_allclose(direction, slope, rtol=1e-5 if dtype == "float32" else 1e-8)
    np.testing.assert_allclose(xn.jvp(loss, (x,), (v,))[1], slope, rtol=1e-5 if dtype == "float32" else 1e-8)


def test_the_adjoint_of_rfft_transforms_half_the_frequencies(monkeypatch):
    whole = []
    for name in ("fftn", "ifftn"):
        monkeypatch.setitem(getattr(fourier, name).bodies, "numpy", lambda *_, **__: whole.append(1))
        getattr(fourier, name).chosen.clear()
    xn.grad(lambda x: array_namespace(x).sum(array_namespace(x).abs(array_namespace(x).fft.rfft(x))))(drawn("float64"))
    for name in ("fftn", "ifftn"):
        getattr(fourier, name).chosen.clear()
    monkeypatch.undo()
    assert not whole


def test_batches_transform_the_axes_of_a_row(provider):
    x = drawn("float64")
    found = xn.vmap(lambda x: array_namespace(x).fft.rfftn(x))(x)
    np.testing.assert_allclose(found, np.fft.rfftn(x, axes=(1, 2)), atol=1e-10)
    found = xn.vmap(lambda x: array_namespace(x).fft.fftn(x, s=(35,)))(x)
    np.testing.assert_allclose(found, np.fft.fft(x, n=35), atol=1e-10)


def test_repeated_axes_and_empty_arrays(provider):
    x = drawn("float64")
    np.testing.assert_allclose(fourier.fftn(x, axes=(1, 1)), np.fft.fft(np.fft.fft(x, axis=1), axis=1), atol=1e-9)
    assert fourier.fftn(np.ones((0, 5000))[:, :8], axes=(1,)).shape == (0, 8)


def test_every_transform_has_a_body():
    import_module("xpnet.fast.numpy")
    assert all("numpy" in getattr(fourier, name).bodies for name in ("fftn", "ifftn", "rfftn", "irfftn"))
    assert kernels.solve.bodies.keys() >= {"numpy"}
