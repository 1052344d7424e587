"""The book's layers with the book's arguments."""

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.book import layers
from xpnet.book.layers import BatchNormalization, Convolution, Dropout, SoftmaxWithLoss

rng = np.random.default_rng(0)


def test_the_star_brings_what_the_book_s_does():
    names: dict = {}
    exec("from xpnet.book.layers import *", names)
    assert {"np", "Relu", "Sigmoid", "Affine", "Pooling", "softmax", "cross_entropy_error", "im2col"} <= names.keys()
    assert names["np"] is np


def test_np_is_the_numpy_of_the_backend():
    if "cupy" not in xn.available_backends():
        pytest.skip("cupy is not here")
    with xn.use_backend("cupy"):
        from xpnet.book import np as twin

        np.random.seed(3)
        W = 0.01 * twin.random.randn(3, 2)
        assert type(W).__module__.startswith("cupy")
        assert type(twin.zeros(3)) is type(W)
        rows = twin.random.choice(10, 4)
        assert type(rows) is type(W)
    np.random.seed(3)
    np.testing.assert_array_equal(to_numpy(W), 0.01 * np.random.randn(3, 2))
    np.testing.assert_array_equal(to_numpy(rows), np.random.choice(10, 4))


@pytest.mark.parametrize("form", ["indices", "one-hot", "integer one-hot", "column"])
def test_softmax_with_loss_keeps_its_loss(form, backend, asarray, tolerance):
    scores, labels = rng.normal(size=(3, 4)), np.asarray([3, 0, 1])
    t = {"indices": labels, "one-hot": np.eye(4)[labels], "column": labels[:, None]}.get(form)
    t = np.eye(4, dtype=np.int64)[labels] if t is None else t
    layer = SoftmaxWithLoss()
    loss = layer.forward(asarray(scores), asarray(t))
    dx = layer.backward(1)
    y = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert float(layer.loss) == float(loss) == pytest.approx(-np.mean(np.log(y[np.arange(3), labels])), rel=1e-5)
    np.testing.assert_allclose(to_numpy(dx), (y - np.eye(4)[labels]) / 3, atol=tolerance)


def test_dropout_drops_in_training_and_scales_in_inference(backend, asarray):
    x = asarray(np.ones((4, 5)))
    layer = Dropout(0.3)
    np.random.seed(2)
    y = to_numpy(layer.forward(x))
    np.random.seed(2)
    kept = np.random.rand(4, 5) > 0.3
    np.testing.assert_array_equal(y, kept)
    np.testing.assert_array_equal(to_numpy(layer.backward(asarray(np.full((4, 5), 2.0)))), 2.0 * kept)
    np.testing.assert_allclose(to_numpy(layer.forward(x, train_flg=False)), 0.7, rtol=1e-6)
    np.testing.assert_allclose(to_numpy(layer.forward(x, False)), 0.7, rtol=1e-6)
    np.testing.assert_allclose(to_numpy(layer.predict(x)), 0.7, rtol=1e-6)
    np.testing.assert_array_equal(to_numpy(layer.mask), kept)


@pytest.mark.parametrize("shape", [(6, 4), (6, 2, 2, 1)])
def test_batch_normalization_as_in_the_book(shape, backend, asarray, tolerance):
    x, dout = rng.normal(size=shape), rng.normal(size=shape)
    gamma, beta = rng.normal(size=4), rng.normal(size=4)
    layer = BatchNormalization(asarray(gamma), asarray(beta))
    y, dx = layer.forward(asarray(x)), layer.backward(asarray(dout))
    rows = x.reshape(6, 4)
    mean, var = rows.mean(axis=0), rows.var(axis=0)
    normal = (rows - mean) / np.sqrt(var + 10e-7)
    np.testing.assert_allclose(to_numpy(y), (gamma * normal + beta).reshape(shape), atol=50 * tolerance)
    np.testing.assert_allclose(to_numpy(layer.running_mean), 0.1 * mean, atol=tolerance)
    np.testing.assert_allclose(to_numpy(layer.running_var), 0.1 * var, atol=tolerance)
    np.testing.assert_allclose(to_numpy(layer.dgamma), (normal * dout.reshape(6, 4)).sum(axis=0), atol=50 * tolerance)
    assert tuple(dx.shape) == shape
    inferred = (gamma * (rows - 0.1 * mean) / np.sqrt(0.1 * var + 10e-7) + beta).reshape(shape)
    np.testing.assert_allclose(to_numpy(layer.forward(asarray(x), train_flg=False)), inferred, atol=200 * tolerance)
    np.testing.assert_allclose(to_numpy(layer.running_mean), 0.1 * mean, atol=tolerance)


def test_batch_normalization_of_one_row_gives_beta(backend, asarray):
    layer = BatchNormalization(asarray(np.ones(3)), asarray([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(to_numpy(layer.forward(asarray([[5.0, 6.0, 7.0]]))), [[1.0, 2.0, 3.0]])


def test_a_convolution_s_bias_may_be_a_number(backend, asarray, tolerance):
    x, W = asarray(rng.normal(size=(1, 1, 6, 6))), asarray(rng.normal(size=(2, 1, 3, 3)))
    with_number, with_array = Convolution(W, 0.5), Convolution(W, asarray([0.5, 0.5]))
    np.testing.assert_allclose(to_numpy(with_number.forward(x)), to_numpy(with_array.forward(x)), atol=tolerance)


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (BatchNormalization(np.ones(4), np.zeros(4)), (rng.normal(size=(5, 4)),)),
        (BatchNormalization(np.ones(4), np.zeros(4)), (rng.normal(size=(5, 1, 2, 2)),)),
        (SoftmaxWithLoss(), (rng.normal(size=(5, 4)), np.asarray([0, 1, 2, 3, 0]))),
        (Convolution(rng.normal(size=(2, 1, 3, 3)), 0.1), (rng.normal(size=(2, 1, 5, 5)),)),
        (Dropout(0.0), (rng.normal(size=(5, 4)),)),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "forward") else None,
)
def test_the_gradients_of_the_book_s_own_layers(layer, inputs):
    xn.gradient_check(layer, *inputs).raise_if_failed()


def test_a_half_float_goes_through(asarray, backend):
    if backend.name != "numpy":
        pytest.skip("promotion of mixed dtypes is NumPy's")
    layer = Convolution(rng.normal(size=(2, 1, 3, 3)), 0.0)
    y = layer.forward(rng.normal(size=(1, 1, 6, 6)).astype(np.float16))
    assert np.all(np.isfinite(y))


def test_layers_brings_the_first_layers_of_chapter_5():
    from xpnet.book.layer_naive import AddLayer, MulLayer

    mul_apple, mul_orange, add, mul_tax = MulLayer(), MulLayer(), AddLayer(), MulLayer()
    price = mul_tax.forward(add.forward(mul_apple.forward(100, 2), mul_orange.forward(150, 3)), 1.1)
    dall, dtax = mul_tax.backward(1)
    dapples, doranges = add.backward(dall)
    assert int(price) == 715
    assert mul_apple.backward(dapples) == pytest.approx((2.2, 110.0))
    assert mul_orange.backward(doranges) == pytest.approx((3.3, 165.0))
    assert dtax == 650
    assert layers.MulLayer is MulLayer
