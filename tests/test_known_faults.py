"""The faults that usual implementations of the book's layers have; none may come back."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.errors import ShapeError
from xpnet.layers import AddLayer, Affine, Flatten, Relu, Sigmoid, SoftmaxWithLoss


def log_sum_exp_loss(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The cross-entropy of each row in float64, ``log Σ eˣ⁻ᶜ + c - xₜ``."""
    x = x.astype(np.float64)
    c = x.max(axis=-1)
    return np.log(np.sum(np.exp(x - c[..., None]), axis=-1)) + c - np.take_along_axis(x, t[..., None], axis=-1)[..., 0]


def test_relu_does_not_overwrite_dout(asarray) -> None:
    layer = Relu()
    layer(asarray([[1.0, -0.5], [-2.0, 3.0]]))
    dout = asarray([[1.0, 2.0], [3.0, 4.0]])
    dx = layer.backward(dout)
    assert dx is not dout
    assert to_numpy(dout).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert to_numpy(dx).tolist() == [[1.0, 0.0], [0.0, 4.0]]
    assert to_numpy(layer.backward(dout)).tolist() == [[1.0, 0.0], [0.0, 4.0]]


def test_relu_has_slope_zero_at_zero_and_does_not_overwrite_x(asarray) -> None:
    layer, x = Relu(), asarray([-1.0, 0.0, -0.0, 2.0])
    layer(x)
    assert to_numpy(layer.backward(1.0)).tolist() == [0.0, 0.0, 0.0, 1.0]
    assert to_numpy(x).tolist() == [-1.0, 0.0, 0.0, 2.0]


def test_add_layer_adds(asarray) -> None:
    layer = AddLayer()
    assert to_numpy(layer(asarray([3.0, 5.0]), asarray([4.0, 7.0]))).tolist() == [7.0, 12.0]
    dx, dy = layer.backward(asarray([10.0, 20.0]))
    assert to_numpy(dx).tolist() == to_numpy(dy).tolist() == [10.0, 20.0]


def test_affine_backward_returns_dx(asarray) -> None:
    layer = Affine(asarray([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), asarray([0.5, -0.5]))
    layer(asarray([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]))
    dx = layer.backward(asarray([[1.0, 1.0], [1.0, -1.0]]))
    assert to_numpy(dx).tolist() == [[3.0, 7.0, 11.0], [-1.0, -1.0, -1.0]]
    assert to_numpy(layer.dW).tolist() == [[1.0, 1.0], [1.0, -1.0], [2.0, 2.0]]
    assert to_numpy(layer.db).tolist() == [2.0, 0.0]


@pytest.mark.parametrize("make", [lambda a: Affine(a(np.eye(6)), a(np.zeros(6))), lambda a: Flatten()])
def test_dx_has_the_shape_in_which_images_came(make, asarray) -> None:
    layer, images = make(asarray), np.arange(24.0).reshape(4, 1, 2, 3)
    assert layer(asarray(images)).shape == (4, 6)
    dx = layer.backward(asarray(images.reshape(4, 6)))
    np.testing.assert_array_equal(to_numpy(dx), images)


def test_sigmoid_keeps_its_output(asarray, tolerance) -> None:
    layer = Sigmoid()
    y = to_numpy(layer(asarray([0.0, 1.0, -2.0])))
    np.testing.assert_allclose(y, 1.0 / (1.0 + np.exp([0.0, -1.0, 2.0])), rtol=tolerance)
    np.testing.assert_allclose(to_numpy(layer.backward(2.0)), 2.0 * y * (1.0 - y), rtol=tolerance)


def test_sigmoid_does_not_overflow(asarray) -> None:
    layer = Sigmoid()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = to_numpy(layer(asarray([-1e4, -1000.0, 1000.0, 1e4])))
        dx = to_numpy(layer.backward(1.0))
    assert y.tolist() == [0.0, 0.0, 1.0, 1.0]
    assert dx.tolist() == [0.0, 0.0, 0.0, 0.0]


def test_sigmoid_is_exact_far_to_the_left(asarray, tolerance) -> None:
    np.testing.assert_allclose(to_numpy(Sigmoid()(asarray([-40.0]))), np.exp([-40.0]), rtol=10.0 * tolerance)


def test_loss_is_exact_where_the_label_s_probability_is_1e_minus_30(asarray, tolerance) -> None:
    x, t = np.asarray([[0.0, 69.0, 1.0], [-75.0, 0.0, 0.5]]), np.asarray([0, 0])
    layer = SoftmaxWithLoss()
    loss = to_numpy(layer(asarray(x), asarray(t)))
    expected = log_sum_exp_loss(to_numpy(asarray(x)), t).mean()
    assert expected > 69.0  # with 1e-7 inside the log it could not exceed 16.2
    np.testing.assert_allclose(loss, expected, rtol=tolerance)
    dx = to_numpy(layer.backward(1.0))
    np.testing.assert_allclose(dx[:, 0], [-0.5, -0.5], rtol=tolerance)


def test_loss_of_a_sure_right_answer_is_its_small_value_and_not_negative(asarray, dtype) -> None:
    loss = float(to_numpy(SoftmaxWithLoss()(asarray([[10.0, 0.0]]), asarray([0]))))
    assert loss == pytest.approx(np.log1p(np.exp(-10.0)), rel={"float32": 2e-3, "float64": 1e-11}[dtype])
    assert float(to_numpy(SoftmaxWithLoss()(asarray([[0.0, -400.0]]), asarray([0])))) == 0.0


def test_integer_labels_of_a_batch_as_large_as_the_classes(asarray, tolerance) -> None:
    x, t = np.asarray([[1.0, 2.0, 3.0], [1.0, -1.0, 0.0], [0.5, 0.5, 2.0]]), np.asarray([0, 2, 2])
    layer = SoftmaxWithLoss()
    loss = to_numpy(layer(asarray(x), asarray(t)))
    np.testing.assert_allclose(loss, log_sum_exp_loss(x, t).mean(), rtol=tolerance)
    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(to_numpy(layer.backward(1.0)), (y - np.eye(3)[t]) / 3.0, rtol=tolerance, atol=tolerance)


def test_one_hot_labels_of_a_batch_as_large_as_the_classes(asarray, tolerance) -> None:
    x, t = np.asarray([[1.0, 2.0, 3.0], [1.0, -1.0, 0.0], [0.5, 0.5, 2.0]]), np.asarray([0, 2, 2])
    by_index, by_share = SoftmaxWithLoss(), SoftmaxWithLoss()
    one = to_numpy(by_index(asarray(x), asarray(t)))
    other = to_numpy(by_share(asarray(x), asarray(np.eye(3)[t])))
    np.testing.assert_allclose(one, other, rtol=tolerance)
    np.testing.assert_allclose(to_numpy(by_index.backward(1.0)), to_numpy(by_share.backward(1.0)), atol=tolerance)


@pytest.mark.parametrize("shape", [(3, 1), (1, 3)])
def test_labels_as_many_as_the_scores_but_of_another_shape_are_refused(shape: tuple[int, int], asarray) -> None:
    x = asarray(np.ones((3, 3))) if shape == (1, 3) else asarray(np.ones((1, 3)))
    with pytest.raises(ShapeError, match=r"integer t must be \("):
        SoftmaxWithLoss()(x, asarray(np.zeros(shape, dtype=np.int64)))


def test_soft_labels_that_do_not_sum_to_one(asarray) -> None:
    x, t = np.asarray([[1.0, 2.0, 3.0]]), np.asarray([[0.5, 0.0, 1.0]])
    layer = SoftmaxWithLoss()
    loss = to_numpy(layer(asarray(x), asarray(t)))
    y = np.exp(x) / np.exp(x).sum()
    np.testing.assert_allclose(loss, -np.sum(t * np.log(y)), rtol=1e-6)
    np.testing.assert_allclose(to_numpy(layer.backward(1.0)), 1.5 * y - t, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("t", [np.asarray(1), np.asarray([0.0, 1.0, 0.0])], ids=["index", "one-hot"])
def test_a_single_sample_without_batch_axis(t: np.ndarray, asarray, tolerance) -> None:
    x = np.asarray([0.3, 2.9, 4.0])
    layer = SoftmaxWithLoss()
    loss = to_numpy(layer(asarray(x), asarray(t)))
    y = np.exp(x) / np.exp(x).sum()
    np.testing.assert_allclose(loss, -np.log(y[1]), rtol=tolerance)
    np.testing.assert_allclose(to_numpy(layer.y), y, rtol=tolerance)
    np.testing.assert_allclose(to_numpy(layer.backward(1.0)), y - [0.0, 1.0, 0.0], rtol=tolerance, atol=tolerance)


def test_each_row_is_normalised_by_itself(asarray, tolerance) -> None:
    layer = SoftmaxWithLoss()
    layer(asarray([[1010.0, 1000.0, 990.0], [0.0, 1.0, 2.0]]), asarray([0, 0]))
    np.testing.assert_allclose(to_numpy(layer.y).sum(axis=1), [1.0, 1.0], rtol=tolerance)


@pytest.mark.parametrize("size", [1e4, 1e6])
def test_scores_of_ten_thousand_do_not_overflow(size: float, asarray) -> None:
    layer = SoftmaxWithLoss()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = to_numpy(layer(asarray([[size, -size, 0.0], [-size, 0.0, -size]]), asarray([1, 1])))
        dx = to_numpy(layer.backward(1.0))
    assert float(loss) == size  # (2 size + 0) / 2
    assert dx.tolist() == [[0.5, -0.5, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("kind", ["index", "one-hot"])
def test_the_loss_multiplies_by_dout(kind: str, asarray, tolerance) -> None:
    layer = SoftmaxWithLoss()
    layer(asarray([[1.0, 2.0], [0.0, -1.0]]), asarray([0, 1] if kind == "index" else np.eye(2)))
    np.testing.assert_allclose(to_numpy(layer.backward(3.0)), 3.0 * to_numpy(layer.backward(1.0)), rtol=tolerance)
