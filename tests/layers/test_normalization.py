"""Normalizations: options, bad input, and how the running statistics move."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import dtype_name, to_numpy
from xpnet.errors import ArgumentError, DtypeError, LibraryError, ShapeError
from xpnet.layers import (
    LSTM,
    BatchNormalization,
    Embedding,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    SpectralNormalization,
    WeightNormalization,
)
from xpnet.networks import Sequential
from xpnet.random import Generator


def ones(*shape) -> np.ndarray:
    return np.ones(shape)


def numbers(*shape) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def test_layers_are_made_on_the_current_backend(backend):
    made = [
        BatchNormalization.create(3),
        GroupNormalization.create(4, groups=2),
        LayerNormalization.create(5),
        RMSNormalization.create(6),
    ]
    for layer, size in zip(made, (3, 4, 5, 6), strict=True):
        assert {array.shape for array in layer.params.values()} == {(size,)}
        for array in (*layer.params.values(), *layer.states.values()):
            assert array.dtype == backend.dtype
            assert array.device == backend.device
        np.testing.assert_array_equal(to_numpy(layer.gamma), np.ones(size))
    np.testing.assert_array_equal(to_numpy(made[0].running_mean), np.zeros(3))
    np.testing.assert_array_equal(to_numpy(made[0].running_var), np.ones(3))


def test_the_book_s_constructor():
    mean, var = ones(3), 2.0 * ones(3)
    layer = BatchNormalization(ones(3), np.zeros(3), 0.8, mean, var)
    assert layer.momentum == 0.8
    assert layer.running_mean is mean
    assert layer.running_var is var


def test_running_statistics_follow_the_batches(asarray, tolerance):
    layer = BatchNormalization(asarray(ones(3)), asarray(np.zeros(3)), momentum=0.75)
    x = numbers(5, 3, 2)
    layer(asarray(x))
    axes = (0, 2)
    np.testing.assert_allclose(to_numpy(layer.running_mean), 0.25 * x.mean(axis=axes), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(to_numpy(layer.running_var), 0.75 + 0.25 * x.var(axis=axes), rtol=tolerance)


def test_predict_normalizes_by_the_running_statistics(asarray, tolerance):
    mean, var, x = numbers(3), 1.0 + numbers(3) ** 2, numbers(5, 3)
    layer = BatchNormalization(asarray(ones(3)), asarray(np.zeros(3)), 0.9, asarray(mean), asarray(var))
    expected = (x - mean) / np.sqrt(var + 1e-5)
    np.testing.assert_allclose(to_numpy(layer.predict(asarray(x))), expected, rtol=tolerance, atol=tolerance)
    assert layer.predict(asarray(np.empty((0, 3)))).shape == (0, 3)
    assert layer.predict(asarray(x[:1])).shape == (1, 3)


def test_predict_can_be_differentiated(asarray, tolerance, defer_to_variables):
    layer = BatchNormalization(
        *map(
            asarray,
            (
                ones(3),
                np.zeros(3),
            ),
        ),
        0.9,
        asarray(ones(3)),
        asarray(4.0 * ones(3)),
    )
    x = xn.Variable(asarray(numbers(2, 3)))
    layer.predict(x).backward(asarray(ones(2, 3)))
    np.testing.assert_allclose(to_numpy(x.grad), np.full((2, 3), 0.5), rtol=2e-6)


def test_epsilon_is_a_choice():
    x = np.asarray([[1.0, -1.0]])
    for layer in (LayerNormalization(ones(2), np.zeros(2), eps=3.0), RMSNormalization(ones(2), eps=3.0)):
        np.testing.assert_allclose(layer(x), [[0.5, -0.5]])
    np.testing.assert_allclose(GroupNormalization(ones(2), np.zeros(2), groups=1, eps=3.0)(x), [[0.5, -0.5]])
    np.testing.assert_allclose(BatchNormalization(ones(1), np.zeros(1), eps=3.0)(x.T), [[0.5], [-0.5]])


def test_one_row_is_normalized_too():
    np.testing.assert_allclose(RMSNormalization(ones(2))(np.asarray([3.0, 3.0])), [1.0, 1.0], rtol=1e-5)
    layer = LayerNormalization(ones(2), np.zeros(2))
    np.testing.assert_allclose(layer(np.asarray([1.0, -1.0])), [1.0, -1.0], rtol=1e-5)
    layer.backward(np.asarray([1.0, 2.0]))
    np.testing.assert_array_equal(layer.dbeta, [1.0, 2.0])


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_a_single_value_of_a_channel_has_no_variance(shape):
    with pytest.raises(ShapeError, match=r"^BatchNormalization: x must hold two values of each channel in training"):
        BatchNormalization(ones(3), np.zeros(3))(ones(*shape))


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (BatchNormalization, (2, 4, 5, 5), r"x must be \(N, 3, \.\.\.\), got \(2, 4, 5, 5\)"),
        (BatchNormalization, (3,), r"x must be \(N, 3, \.\.\.\), got \(3,\); add the batch axis"),
        (BatchNormalization, (0, 3), r"x must hold at least one sample, got \(0, 3\)"),
        (lambda *arrays: GroupNormalization(*arrays, groups=3), (2, 4), r"x must be \(N, 3, \.\.\.\), got \(2, 4\)"),
        (LayerNormalization, (2, 4), r"x must be \(\.\.\., 3\), got \(2, 4\)"),
        (lambda gamma, _: RMSNormalization(gamma), (2, 4), r"x must be \(\.\.\., 3\), got \(2, 4\)"),
    ],
)
def test_wrong_shapes_are_refused(layer, shape, message):
    with pytest.raises(ShapeError, match=message):
        layer(ones(3), np.zeros(3))(ones(*shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchNormalization(ones(3), ones(3), momentum=1.5), "momentum must be from 0 to 1, got 1.5; try 0.9"),
        (lambda: BatchNormalization(ones(3), ones(3), momentum="a"), "momentum must be from 0 to 1, got 'a'"),
        (lambda: BatchNormalization(ones(3), ones(3), True), "momentum must be from 0 to 1, got True"),
        (lambda: BatchNormalization(ones(3), ones(2)), r"beta must be \(3,\), got \(2,\)"),
        (lambda: BatchNormalization(ones(3), ones(3), 0.9, ones(2)), r"running_mean must be \(3,\), got \(2,\)"),
        (lambda: BatchNormalization(ones(3), ones(3), eps=0.0), "eps must be above 0 and finite, got 0.0; try 1e-5"),
        (lambda: LayerNormalization(ones(3), ones(3), eps=-1.0), "^LayerNormalization: eps must be above 0"),
        (lambda: RMSNormalization(ones(3), eps=float("nan")), "^RMSNormalization: eps must be above 0"),
        (
            lambda: GroupNormalization(ones(3), ones(3), groups=2),
            "must divide the channels, got 2 groups of 3 channels",
        ),
        (lambda: GroupNormalization(ones(3), ones(3), groups=0), "groups must be a positive integer, got 0"),
        (lambda: GroupNormalization.create(0, 1), "channels must be a positive integer, got 0"),
        (lambda: BatchNormalization.create(-1), "channels must be a positive integer, got -1"),
        (lambda: LayerNormalization.create(0), "size must be a positive integer, got 0"),
        (lambda: RMSNormalization.create(2.0), "size must be a positive integer, got 2.0"),
    ],
)
def test_wrong_options_are_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_running_statistics_of_another_library_are_refused():
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(LibraryError, match="gamma and running_var must be on one library"):
        BatchNormalization(ones(3), ones(3), 0.9, None, strict.ones(3))


def test_running_statistics_of_integers_are_refused():
    """They would not move: a share of a step is no integer."""
    with pytest.raises(DtypeError, match="BatchNormalization: running_mean must be floating, got int64"):
        BatchNormalization(ones(3), ones(3), 0.9, np.zeros(3, dtype=np.int64))


def test_options_may_be_numbers_of_numpy():
    layer = BatchNormalization(ones(3), ones(3), np.float32(0.5), eps=np.float32(0.25))
    assert (layer.momentum, layer.eps) == (0.5, 0.25)


LOW = [("numpy", "float16"), ("cupy", "float16"), ("torch", "float16"), ("torch", "bfloat16"), ("jax", "bfloat16")]


@pytest.mark.parametrize(("library", "dtype"), LOW)
@pytest.mark.parametrize("kind", ["batch", "group", "layer", "rms"])
def test_statistics_of_low_precision_are_computed_in_float32(library, dtype, kind, needs):
    """Values whose squares float16 cannot hold, and a thousand of them, whose sum it cannot hold either."""
    needs(library)
    with xn.use_backend(library, dtype=dtype) as backend:
        layer = {
            "batch": lambda: BatchNormalization.create(1),
            "group": lambda: GroupNormalization.create(2, groups=1),
            "layer": lambda: LayerNormalization.create(1000),
            "rms": lambda: RMSNormalization.create(1000),
        }[kind]()
        shape = {"batch": (1000, 1), "group": (1, 2, 500), "layer": (1, 1000), "rms": (1, 1000)}[kind]
        x = np.where(np.arange(1000) % 2, 1024.0, -1024.0).reshape(shape)
        y = layer(backend.asarray(x))
        dx = layer.backward(y)
        assert {dtype_name(array.dtype) for array in (y, dx, *layer.grads.values())} == {dtype}
        np.testing.assert_allclose(to_numpy(y), np.sign(x), rtol=1e-2)
        np.testing.assert_allclose(to_numpy(dx), np.zeros(shape), atol=1e-5)
        assert {dtype_name(array.dtype) for array in layer.states.values()} <= {"float32"}


@pytest.mark.parametrize("kind", [WeightNormalization, SpectralNormalization])
def test_a_layer_with_normalized_weights_takes_a_mask_and_states_and_gives_their_gradients(kind):
    Wx, Wh = numbers(2, 8), np.eye(2, 8) * np.asarray([[4.0], [1.0]])  # of which one singular value is far above
    options = {"axis": 0} if kind is WeightNormalization else {"rng": Generator(0)}
    layer = kind(LSTM(Wx, Wh, return_state=True), "Wh", **options)
    x, h, c = numbers(2, 3, 2), numbers(2, 2), numbers(3, 2)[1:]
    xn.gradient_check(layer, x, np.asarray([3, 1]), h, c).raise_if_failed()
    xn.gradient_check(layer, x, None, h, c).raise_if_failed()
    x[1, 1:] = np.nan
    assert np.isfinite(layer(x, mask=np.asarray([3, 1]))[0]).all()


def test_a_network_with_one_comes_back_from_its_file_and_takes_a_mask(tmp_path):
    net = Sequential(WeightNormalization(LSTM.create(2, 2), "Wh", axis=1))
    given = np.ones((1, 2, 2), "float32"), np.asarray([1])
    xn.save(tmp_path / "net.safetensors", net)
    np.testing.assert_array_equal(xn.load_network(tmp_path / "net.safetensors").predict(given), net.predict(given))


def test_a_table_of_normalized_rows_has_the_gradient_of_its_whole():
    x = np.asarray([[0, 2, 2]])
    by_rows, whole = (WeightNormalization(Embedding(numbers(3, 2), by_rows=by), axis=0) for by in (True, False))
    for layer in (by_rows, whole):
        layer(x)
        layer.backward(numbers(1, 3, 2))
    np.testing.assert_array_equal(by_rows.grads["layer.W"], whole.grads["layer.W"])
