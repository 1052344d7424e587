"""Float16: what float64 gives of the same values, wherever that is in its range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import LIBRARIES, dtype_name, is_array, missing, to_numpy
from xpnet.cases import CASES
from xpnet.layers import (
    Affine,
    AveragePooling,
    Embedding,
    GaussianLoss,
    Gelu,
    GlobalAveragePooling,
    Linear,
    MulLayer,
    MultiHeadAttention,
    PoissonLoss,
    PositionalEmbedding,
    Sigmoid,
    Silu,
    Softplus,
    Tanh,
    VariationalLoss,
)
from xpnet.layers.loss import Loss

RANGE = 6e4
SIZES = [(1.0, 1.0), (0.0, 1.0), (1e-7, 1e-3), (300.0, 100.0), (2e4, 1.0)]


@pytest.fixture(params=["numpy", "torch", "jax", "cupy"])
def half(request):
    """Arrays of float16 of a library that has it."""
    if missing(LIBRARIES[request.param]):
        pytest.skip(missing(LIBRARIES[request.param]))
    with xn.use_backend(request.param, dtype="float16") as backend, np.errstate(all="ignore"):
        yield backend.asarray


def rounded(values) -> np.ndarray:
    """The values as float16 holds them, in float64; whole numbers stay."""
    values = np.asarray(values)
    return values.astype(np.float16).astype(np.float64) if values.dtype.kind == "f" else values


def computed(case, asarray, size: float, upstream: float) -> list:
    """Outputs and gradients of a case whose inputs and dout are larger than they are there."""
    with np.errstate(all="ignore"):
        layer, _ = replace(case, parameters=tuple(map(rounded, case.parameters))).build(asarray)
        inputs = [
            asarray(rounded(value * size if name in layer.differentiable else value))
            for name, value in zip(layer.inputs, case.inputs, strict=False)
        ]
        y = layer(*inputs)
        dout = rounded(np.random.default_rng(0).normal(size=tuple(y.shape)) * upstream)
        dx = layer.backward(asarray(dout))
        found = [y, *(dx if isinstance(dx, tuple) else (dx,)), *layer.grads.values()]
    return [value for value in found if is_array(value)]


@pytest.mark.parametrize(("size", "upstream"), SIZES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_layer_gives_what_float64_does(case, size: float, upstream: float, half) -> None:
    with xn.use_backend("numpy", dtype="float64") as exact:
        expected = computed(case, exact.asarray, size, upstream)
    if not all(np.all(np.abs(value) < RANGE) for value in expected):
        pytest.skip("float64 itself leaves the range of float16")
    for value, found in zip(expected, computed(case, half, size, upstream), strict=True):
        assert dtype_name(found.dtype) == "float16"
        scale = np.max(np.abs(value), initial=0.0)
        error = np.abs(to_numpy(found).astype(np.float64) - value)
        assert np.all(np.isfinite(to_numpy(found))), (size, upstream)
        assert np.all(error <= 0.05 * scale + 0.05 * max(size, 1.0) * max(upstream, 1.0)), (size, upstream)


@pytest.mark.parametrize("layer", [Gelu("tanh"), Gelu(), Silu(), Softplus(), Sigmoid(), Tanh()], ids=str)
def test_activations_over_the_whole_range(layer, half) -> None:
    x = np.asarray([0.0, 6e-8, 1e-3, 1.0, 3.5, 30.0, 67.5, 68.0, 255.0, 256.0, 6e4, 65504.0])
    x = rounded(np.concatenate([x, -x]))
    exact = layer.copy()
    y, dx = exact(x), exact.backward(np.ones_like(x))
    found = to_numpy(layer(half(x))), to_numpy(layer.backward(half(np.ones_like(x))))
    for value, expected in zip(found, (y, dx), strict=True):
        np.testing.assert_allclose(value, expected, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("layer", [AveragePooling(2, 2), AveragePooling(3, 3, 1, 1), GlobalAveragePooling()], ids=str)
def test_means_of_large_values_do_not_overflow(layer, half) -> None:
    x = rounded(np.linspace(2e4, 6e4, 16).reshape(1, 1, 4, 4))
    exact = layer.copy()
    y = exact(x)
    np.testing.assert_allclose(to_numpy(layer(half(x))), y, rtol=1e-3)
    dout = np.full(y.shape, 4e4)
    dx = exact.backward(dout)
    if np.max(dx) < RANGE:
        np.testing.assert_allclose(to_numpy(layer.backward(half(dout))), dx, rtol=1e-3)


def test_attention_to_large_scores_does_not_overflow(half) -> None:
    rng = np.random.default_rng(0)
    arrays = [rounded(rng.normal(size=shape)) for shape in [(4, 4)] * 4 + [(4,)] * 4]
    x, dout = rounded(300.0 * rng.normal(size=(2, 5, 4))), rounded(rng.normal(size=(2, 5, 4)))
    exact, layer = (MultiHeadAttention(*map(make, arrays), heads=2) for make in (np.asarray, half))
    np.testing.assert_allclose(to_numpy(layer(half(x))), exact(x), rtol=2e-2, atol=5.0)
    layer.backward(half(dout))
    exact.backward(dout)
    for name, dW in layer.grads.items():
        assert np.all(np.isfinite(to_numpy(dW))), name


@pytest.mark.parametrize("rows", [5000])
def test_sums_of_many_ones_go_on_beyond_2048(rows: int, half) -> None:
    ones = half(np.ones((rows, 2)))
    for kind in (Affine, Linear):
        layer = kind(half(np.zeros((2, 2))), half(np.zeros(2)))
        layer(ones)
        layer.backward(ones)
        np.testing.assert_allclose(to_numpy(layer.db), rows, rtol=1e-3)
    positions = PositionalEmbedding(half(np.zeros((3, 2))))
    positions(half(np.ones((rows, 2, 2))))
    positions.backward(1.0)
    np.testing.assert_allclose(to_numpy(positions.dW), [[rows] * 2, [rows] * 2, [0.0] * 2], rtol=1e-3)
    table = Embedding(half(np.zeros((3, 2))))
    table(half(np.zeros(rows, dtype=np.int64)))
    table.backward(1.0)
    np.testing.assert_allclose(to_numpy(table.dW), [[rows] * 2, [0.0] * 2, [0.0] * 2], rtol=1e-3)
    product = MulLayer()
    product(ones, half(np.ones((1, 2))))
    _, dy = product.backward(ones)
    np.testing.assert_allclose(to_numpy(dy), [[rows] * 2], rtol=1e-3)


EXPONENTIAL = (GaussianLoss, PoissonLoss, VariationalLoss)  # in the scores, so that large ones leave any range
LOSSES = [case for case in CASES if issubclass(case.layer, Loss) and case.layer not in EXPONENTIAL]


@pytest.mark.parametrize("case", LOSSES, ids=lambda case: case.name)
@pytest.mark.parametrize("size", [30.0, 3000.0, 2e4])
def test_losses_of_large_scores_are_means_in_float32(case, size: float, half) -> None:
    with xn.use_backend("numpy", dtype="float64") as exact:
        expected = computed(case, exact.asarray, size, 1.0)
    found = computed(case, half, size, 1.0)
    if expected[0] < RANGE:
        np.testing.assert_allclose(to_numpy(found[0]), expected[0], rtol=2e-3)
    np.testing.assert_allclose(to_numpy(found[1]), expected[1], rtol=5e-3, atol=2e-3)
